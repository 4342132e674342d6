-- Store a snapshot, if the lease is still one's own, and what is stored is what one stored last.
-- KEYS  lease, meta, rows, roster
-- ARGV  token, SHA-1 of the meta stored last ('' to forget what was stored before), meta, roster (counts only when what
--       was stored is forgotten; '' for none), then by turns the KPIs that changed and their blocks
-- Gives STORED | OTHER | LOST (what was stored is gone; nothing was written)

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'OTHER'} end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[3], KEYS[4])
  if ARGV[4] ~= '' then redis.call('SET', KEYS[4], ARGV[4]) end
elseif redis.sha1hex(redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then
  return {'LOST'}
end
over_arguments('HSET', KEYS[3], 5, #ARGV)
redis.call('SET', KEYS[2], ARGV[3])
return {'STORED'}
