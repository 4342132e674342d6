-- Apply one batch exactly once: cases, panes, counts and position together.
-- KEYS  head, cases, before, alerts, then once or twice (live version, version beside it):
--       clients, dirty, lengths, gens, groups, build, watch, pane…
-- ARGV  owner, expected, next, last offset, last crc, through ms ('' keeps it); how many count arguments, case
--       arguments to set and to delete, and versions; eight numbers for each version (see version_part); then the
--       data in that order
-- Gives APPLIED | ALREADY | FENCED head | TORN | FULL version, pane id | REFUSED reason.

local head_key, cases_key, before_key, alerts_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local owner, expected, next_position = ARGV[1], ARGV[2], ARGV[3]
local counts, sets, dels = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local versions = tonumber(ARGV[10])

local wrong = wrong_type('HLEN', head_key) or wrong_type('HLEN', cases_key) or wrong_type('HLEN', before_key)
  or wrong_type('HLEN', alerts_key)
if wrong then return refused(wrong) end
local head = redis.call('HMGET', head_key, 'owner', 'position', 'applying', 'version', 'seq', 'beside')
local position = head[2]

if head[1] ~= owner then return fenced(head_key) end
if head[3] and head[3] ~= '' then return {'TORN'} end
if not (decimal(position) and decimal(head[5]) and decimal(expected) and decimal(next_position)) then
  return refused('position, seq, expected or next is not a decimal number')
end
if position ~= expected then
  if at_least(position, next_position) then return {'ALREADY'} end
  return fenced(head_key)
end

local data = 11 + 8 * versions
local first_count, first_case = data, data + counts
data = first_case + sets + dels
local parts, key = {}, 5
for i = 1, versions do
  parts[i] = version_part(key, 3 + 8 * i, data)
  key, data = parts[i].next_key, parts[i].next_data
end
if #KEYS ~= key - 1 or #ARGV ~= data - 1 or counts % 2 ~= 0 or sets % 2 ~= 0 then
  return refused('keys ' .. #KEYS .. ' of ' .. key - 1 .. ', arguments ' .. #ARGV .. ' of ' .. data - 1)
end

if parts[1].name ~= head[4] then return fenced(head_key) end
if (versions == 2 and parts[2].name or '') ~= (head[6] or '') then return fenced(head_key) end
for i = 1, versions do
  local part = parts[i]
  local unfit = version_unfit(part)
  if unfit then return unfit end
  if redis.call('LLEN', part.groups) ~= part.known then return fenced(head_key) end
  if i > 1 and redis.call('HGET', part.build, 'applying') ~= '' then
    return {'TORN'}
  end
end

local seq = integer(tonumber(head[5]) + 1)
local last = {
  'position', next_position, 'seq', seq, 'last_offset', ARGV[4], 'last_crc', ARGV[5], 'applying', '',
}
if ARGV[6] ~= '' then
  last[#last + 1] = 'through_ms'
  last[#last + 1] = ARGV[6]
end
for i = first_count, first_case - 1, 2 do
  local sum = tonumber(redis.call('HGET', head_key, ARGV[i]) or 0) + tonumber(ARGV[i + 1])
  if sum >= EXACT then return refused(ARGV[i] .. ' would reach 2^53') end
  last[#last + 1] = ARGV[i]
  last[#last + 1] = integer(sum)
end

-- Cases as they were before the first change since somebody began to look at them; '' for those that are new.
local function keep_before(case)
  redis.call('HSETNX', before_key, case, redis.call('HGET', cases_key, case) or '')
end

local no = denied('HSET', head_key, 'applying', seq)
if no then return no end
if redis.call('EXISTS', before_key) == 1 then
  for i = first_case, first_case + sets - 1, 2 do keep_before(ARGV[i]) end
  for i = first_case + sets, first_case + sets + dels - 1 do keep_before(ARGV[i]) end
end
over_arguments('HSET', cases_key, first_case, first_case + sets - 1)
over_arguments('HDEL', cases_key, first_case + sets, first_case + sets + dels - 1)
for i = 1, versions do write_version(parts[i], seq, alerts_key) end
redis.call('HSET', head_key, unpack(last))
return {'APPLIED'}
