-- Begin to look at the cases as they are at this instant: commits keep for the reader what they change.
-- KEYS  head, before
-- ARGV  token, seconds after which it ends by itself
-- Gives LOOKING head | BUSY (somebody else looks) | REFUSED reason.

local wrong = wrong_type('HLEN', KEYS[1]) or wrong_type('HLEN', KEYS[2])
if wrong then return refused(wrong) end
local token = redis.call('HGET', KEYS[2], '')
if token and token ~= ARGV[1] then return {'BUSY'} end
redis.call('UNLINK', KEYS[2])
local no = denied('HSET', KEYS[2], '', ARGV[1])
if no then return no end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return {'LOOKING', redis.call('HGETALL', KEYS[1])}
