-- Give the board's lease up, if it is one's own.
-- KEYS  lease
-- ARGV  token
-- Gives RELEASED | OTHER

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'OTHER'} end
redis.call('DEL', KEYS[1])
return {'RELEASED'}
