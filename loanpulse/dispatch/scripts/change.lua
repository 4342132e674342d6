-- Store what an incident has become, if it is still what was read, with all that belongs to it.
-- KEYS  incidents, names, letters, figures, due sets…
-- ARGV  incident, SHA-1 of what was read (of nothing, if there was none), the new value, a letter that is gone ('' for none),
--       one instant for each due set ('' takes the incident out), then three lists, each after its length: alert ids
--       that are names of the incident; figures and how many more, by turns; letters, each as field and value by turns
--       in a list of its own, after its length
-- Gives CHANGED | OTHER (it has changed since it was read; nothing was written)

if redis.sha1hex(redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return {'OTHER'} end
local stopped = denied('HSET', KEYS[1], ARGV[1], ARGV[3])
if stopped then return stopped end
if ARGV[4] ~= '' then redis.call('XDEL', KEYS[3], ARGV[4]) end
local at = 5
for i = 5, #KEYS do
  if ARGV[at] == '' then
    redis.call('ZREM', KEYS[i], ARGV[1])
  else
    redis.call('ZADD', KEYS[i], ARGV[at], ARGV[1])
  end
  at = at + 1
end
local last = at + tonumber(ARGV[at])
for i = at + 1, last do redis.call('HSET', KEYS[2], ARGV[i], ARGV[1]) end
at = last + 1
last = at + tonumber(ARGV[at])
for i = at + 1, last, 2 do redis.call('HINCRBY', KEYS[4], ARGV[i], ARGV[i + 1]) end
at = last + 1
local letters = tonumber(ARGV[at])
for _ = 1, letters do
  last = at + 1 + tonumber(ARGV[at + 1])
  redis.call('XADD', KEYS[3], '*', unpack(ARGV, at + 2, last))
  at = last
end
return {'CHANGED'}
