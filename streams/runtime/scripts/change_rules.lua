-- Change which rules are in force, unless somebody else did so meanwhile.
-- KEYS  rules
-- ARGV  revision as last read ('' for none yet), then field and value by turns; a value '' removes the field
-- Gives CHANGED | MOVED | REFUSED reason.

local wrong = wrong_type('HLEN', KEYS[1])
if wrong then return refused(wrong) end
local revision = redis.call('HGET', KEYS[1], 'revision') or ''
if revision ~= ARGV[1] then return {'MOVED'} end
local no = denied('HSET', KEYS[1], 'revision', integer((tonumber(revision) or 0) + 1))
if no then return no end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return {'CHANGED'}
