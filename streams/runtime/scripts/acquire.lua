-- Take a ledger over; the first time, write down which topic fills it.
-- KEYS  head
-- ARGV  owner, cluster id, topic id, partitions
-- Gives ACQUIRED head | SOURCE head (another topic: nothing written) | REFUSED reason.
-- Its one write is one command.

local wrong = wrong_type('HLEN', KEYS[1])
if wrong then return refused(wrong) end
local stored = redis.call('HMGET', KEYS[1], 'cluster_id', 'topic_id', 'partitions', 'position', 'seq')
for i = 1, 3 do
  if stored[i] and stored[i] ~= ARGV[i + 1] then return {'SOURCE', redis.call('HGETALL', KEYS[1])} end
end
local no = denied('HSET', KEYS[1], 'owner', ARGV[1], 'cluster_id', ARGV[2], 'topic_id', ARGV[3],
  'partitions', ARGV[4], 'position', stored[4] or '0', 'seq', stored[5] or '0')
return no or {'ACQUIRED', redis.call('HGETALL', KEYS[1])}
