-- Keep what was decided about KPIs off target together with what is to be told of it, if the lease is still one's own.
-- KEYS  lease, alerts, outbox
-- ARGV  token, the clock as it was read ('' for none), the clock now, how many messages may wait; how many arguments of
--       figures to set and of figures to delete; then by turns the figures to set and how they stand, those to delete,
--       and the messages
-- Gives DECIDED | OTHER | LOST (somebody else has decided since) | FULL how many wait; but for DECIDED nothing is written

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'OTHER'} end
if (redis.call('HGET', KEYS[2], 'clock') or '') ~= ARGV[2] then return {'LOST'} end
local sets, dels = tonumber(ARGV[5]), tonumber(ARGV[6])
local gone, told = 7 + sets, 7 + sets + dels
local new = #ARGV - told + 1
local waiting = redis.call('XLEN', KEYS[3])
if new > 0 and waiting + new > tonumber(ARGV[4]) then return {'FULL', integer(waiting)} end
-- Messages first: if Redis fails half-way they are told again, with the same ids, and not kept back for ever.
for i = told, #ARGV do redis.call('XADD', KEYS[3], '*', 'event', ARGV[i]) end
over_arguments('HSET', KEYS[2], 7, gone - 1)
over_arguments('HDEL', KEYS[2], gone, told - 1)
redis.call('HSET', KEYS[2], 'clock', ARGV[3])
return {'DECIDED'}
