-- Forget panes that no window reaches any more. Readers are not told: they forget by time, too.
-- KEYS  head, dirty, lengths, gens, pane…
-- ARGV  owner, version, pane id…
-- Gives APPLIED | FENCED head | TORN | REFUSED reason.

local wrong = wrong_type('HLEN', KEYS[1]) or wrong_type('ZCARD', KEYS[2]) or wrong_type('HLEN', KEYS[3])
  or wrong_type('HLEN', KEYS[4])
if wrong then return refused(wrong) end
local head = redis.call('HMGET', KEYS[1], 'owner', 'version', 'applying', 'seq', 'beside')
if head[1] ~= ARGV[1] or (head[2] ~= ARGV[2] and head[5] ~= ARGV[2]) then return fenced(KEYS[1]) end
if head[3] and head[3] ~= '' then return {'TORN'} end

local seq = integer(tonumber(head[4]) + 1)
local no = denied('HSET', KEYS[1], 'applying', seq)
if no then return no end
for i = 5, #KEYS do redis.call('UNLINK', KEYS[i]) end
over_arguments('HDEL', KEYS[3], 3, #ARGV)
over_arguments('HDEL', KEYS[4], 3, #ARGV)
over_arguments('ZREM', KEYS[2], 3, #ARGV)
redis.call('HSET', KEYS[1], 'seq', seq, 'applying', '')
return {'APPLIED'}
