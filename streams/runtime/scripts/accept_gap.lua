-- An operator's word that the ledger goes on from another position, or from another topic.
-- KEYS  head
-- ARGV  seq (as last read), cluster id, topic id, partitions, position, gaps as JSON
-- Gives ACCEPTED | FENCED head (it moved since) | REFUSED reason.
-- Its one write is one command; it fences the owner off.

local wrong = wrong_type('HLEN', KEYS[1])
if wrong then return refused(wrong) end
if not decimal(ARGV[5]) then return refused('position is not a decimal number') end
local seq = redis.call('HGET', KEYS[1], 'seq') or '0'
if seq ~= ARGV[1] then return fenced(KEYS[1]) end
local no = denied('HSET', KEYS[1], 'owner', '', 'cluster_id', ARGV[2], 'topic_id', ARGV[3],
  'partitions', ARGV[4], 'position', ARGV[5], 'gaps', ARGV[6],
  'seq', integer(tonumber(seq) + 1), 'last_offset', '', 'last_crc', '')
return no or {'ACCEPTED'}
