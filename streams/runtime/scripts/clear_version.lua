-- Remove some panes of a version that is not live; with the last of them the version is gone, or begun anew beside
-- the live one: from then on every commit writes it, too.
-- KEYS  head, clients, dirty, lengths, gens, groups, build, watch, versions, pane…
-- ARGV  owner, version, 'begin' or 'drop'
-- Gives MORE (call again) | CLEARED | FENCED head | REFUSED reason. To repeat it is harmless at any point.

local owner, version = ARGV[1], ARGV[2]
local wrong = wrong_type('HLEN', KEYS[1]) or wrong_type('ZCARD', KEYS[3]) or wrong_type('HLEN', KEYS[4])
  or wrong_type('HLEN', KEYS[5]) or wrong_type('SCARD', KEYS[9])
if wrong then return refused(wrong) end
local head = redis.call('HMGET', KEYS[1], 'owner', 'version', 'applying', 'beside')
if head[1] ~= owner then return fenced(KEYS[1]) end
if head[2] == version then return refused('version ' .. version .. ' is live') end
local beside = head[4] or ''
if ARGV[3] == 'begin' and beside ~= '' and beside ~= version then
  return refused('version ' .. beside .. ' is beside the live one: drop it first')
end

local no = denied('UNLINK', KEYS[7])
if no then return no end
if beside == version then redis.call('HDEL', KEYS[1], 'beside', 'beside_state') end
local panes = {}
for i = 10, #KEYS do
  redis.call('UNLINK', KEYS[i])
  panes[#panes + 1] = pane_id(KEYS[3], KEYS[i])
end
over_list('HDEL', KEYS[4], panes)
over_list('HDEL', KEYS[5], panes)
over_list('ZREM', KEYS[3], panes)
if redis.call('ZCARD', KEYS[3]) > 0 then return {'MORE'} end
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[8])
if ARGV[3] == 'begin' then
  redis.call('SADD', KEYS[9], version)
  redis.call('HSET', KEYS[7], 'step', '0', 'torn', head[3] or '', 'applying', '')
  redis.call('HSET', KEYS[1], 'beside', version, 'beside_state', 'building')
else
  redis.call('SREM', KEYS[9], version)
end
return {'CLEARED'}
