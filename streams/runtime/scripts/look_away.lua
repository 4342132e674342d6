-- Nobody looks any more.
-- KEYS  before
-- ARGV  token
-- Gives AWAY | BUSY (somebody else looks: nothing is done) | REFUSED reason.

local wrong = wrong_type('HLEN', KEYS[1])
if wrong then return refused(wrong) end
local token = redis.call('HGET', KEYS[1], '')
if token and token ~= ARGV[1] then return {'BUSY'} end
redis.call('UNLINK', KEYS[1])
return {'AWAY'}
