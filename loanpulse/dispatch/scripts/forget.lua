-- Forget an incident that is long over, if it is still what was read.
-- KEYS  incidents, names
-- ARGV  incident, SHA-1 of what was read, alert ids that were names of it…
-- Gives FORGOTTEN | OTHER

if redis.sha1hex(redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return {'OTHER'} end
redis.call('HDEL', KEYS[1], ARGV[1])
over_arguments('HDEL', KEYS[2], 3, #ARGV)
return {'FORGOTTEN'}
