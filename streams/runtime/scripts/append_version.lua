-- Add one step to a version that is being built; each step counts once however often it is sent.
-- KEYS  head, clients, dirty, lengths, gens, groups, build, watch, pane…
-- ARGV  owner, step, eight numbers (see version_part), data
-- Gives APPLIED | ALREADY | FENCED head | TORN | FULL version, pane id | REFUSED reason.

local part = version_part(2, 3, 11)
if #KEYS ~= part.next_key - 1 or #ARGV ~= part.next_data - 1 then
  return refused('keys or arguments are missing')
end
local wrong = wrong_type('HLEN', KEYS[1]) or wrong_type('HLEN', part.build)
if wrong then return refused(wrong) end
local head = redis.call('HMGET', KEYS[1], 'owner', 'version', 'seq')
if head[1] ~= ARGV[1] then return fenced(KEYS[1]) end
local build = redis.call('HMGET', part.build, 'step', 'applying')
local step, at = tonumber(ARGV[2]), tonumber(build[1])
if not at or head[2] == part.name then return refused('version ' .. part.name .. ' is not being built') end
if build[2] ~= '' then return {'TORN'} end
if at > step then return {'ALREADY'} end
if at < step then return refused('version ' .. part.name .. ' is at step ' .. at .. ', not ' .. step) end
local unfit = version_unfit(part)
if unfit then return unfit end
if redis.call('LLEN', part.groups) ~= part.known then return refused('groups known are not those stored') end

local no = denied('HSET', part.build, 'applying', ARGV[2])
if no then return no end
write_version(part, head[3])
redis.call('HSET', part.build, 'step', integer(step + 1), 'applying', '')
return {'APPLIED'}
