-- Take incidents whose next message is due: until their lease is over they are due for nobody else.
-- KEYS  due set
-- ARGV  now, when the lease is over, how many at most
-- Gives CLAIMED and the incidents, those that were due first before the others

local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for i = 1, #due do redis.call('ZADD', KEYS[1], ARGV[2], due[i]) end
return {'CLAIMED', unpack(due)}
