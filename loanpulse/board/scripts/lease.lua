-- Take the board's lease if nobody has it, or renew one's own.
-- KEYS  lease
-- ARGV  token, milliseconds
-- Gives HELD | OTHER

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {'OTHER'} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'HELD'}
