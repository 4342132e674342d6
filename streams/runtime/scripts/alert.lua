-- Write down what came of looking at open cases: the incident of each, what is told, and when to look again.
-- KEYS  head, watch, alerts, outbox
-- ARGV  owner, version; then for each case: its name, when to look again ('' for no more), its incident ('' for none,
--       '=' for as it is), how many messages, and these
-- Gives APPLIED | FENCED head | TORN | REFUSED reason. A repeated call tells nothing twice.

local wrong = wrong_type('HLEN', KEYS[1]) or wrong_type('ZCARD', KEYS[2]) or wrong_type('HLEN', KEYS[3])
  or wrong_type('XLEN', KEYS[4])
if wrong then return refused(wrong) end
local head = redis.call('HMGET', KEYS[1], 'owner', 'version', 'applying')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then return fenced(KEYS[1]) end
if head[3] and head[3] ~= '' then return {'TORN'} end

local looks, at = {}, 3
while at <= #ARGV do
  local messages = tonumber(ARGV[at + 3])
  if not messages or at + 3 + messages > #ARGV then return refused('arguments are missing') end
  looks[#looks + 1] = {name = ARGV[at], again = ARGV[at + 1], incident = ARGV[at + 2], first = at + 4, messages = messages}
  at = at + 4 + messages
end

-- Messages first, then the incident, then the case is looked at no more: cut off in between, it is looked at once more,
-- and tells the same with the same id.
local function tell(look)
  local stored = redis.call('HGET', KEYS[3], look.name) or ''
  if look.incident ~= '=' and look.incident ~= stored then
    for i = look.first, look.first + look.messages - 1 do
      local no = denied('XADD', KEYS[4], '*', 'event', ARGV[i])
      if no then return no end
    end
    if look.incident == '' then
      redis.call('HDEL', KEYS[3], look.name)
    else
      local no = denied('HSET', KEYS[3], look.name, look.incident)
      if no then return no end
    end
  end
  if look.again == '' then
    redis.call('ZREM', KEYS[2], look.name)
  else
    return denied('ZADD', KEYS[2], look.again, look.name)
  end
end

for i = 1, #looks do
  local no = tell(looks[i])
  if no then return no end
end
return {'APPLIED'}
