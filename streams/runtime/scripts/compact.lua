-- Put a shorter log with the same sums in the place of a pane's log, if it did not grow since it was read.
-- KEYS  head, dirty, lengths, gens, pane
-- ARGV  owner, version, length read, pane id, rows
-- Gives APPLIED | GROWN | FENCED head | TORN | REFUSED reason.

local wrong = wrong_type('HLEN', KEYS[1]) or wrong_type('ZCARD', KEYS[2]) or wrong_type('HLEN', KEYS[3])
  or wrong_type('HLEN', KEYS[4]) or wrong_type('STRLEN', KEYS[5])
if wrong then return refused(wrong) end
local head = redis.call('HMGET', KEYS[1], 'owner', 'version', 'applying', 'seq', 'beside')
if head[1] ~= ARGV[1] or (head[2] ~= ARGV[2] and head[5] ~= ARGV[2]) then return fenced(KEYS[1]) end
if head[3] and head[3] ~= '' then return {'TORN'} end
if redis.call('STRLEN', KEYS[5]) ~= tonumber(ARGV[3]) then return {'GROWN'} end

local seq, pane = integer(tonumber(head[4]) + 1), ARGV[4]
local no = denied('HSET', KEYS[1], 'applying', seq)
if no then return no end
redis.call('SET', KEYS[5], ARGV[5])
redis.call('HSET', KEYS[3], pane, integer(#ARGV[5]))
redis.call('HSET', KEYS[4], pane, seq)
redis.call('ZADD', KEYS[2], seq, pane)
redis.call('HSET', KEYS[1], 'seq', seq, 'applying', '')
return {'APPLIED'}
