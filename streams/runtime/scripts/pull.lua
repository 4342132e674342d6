-- What changed since a reader last looked, all at this instant. It writes nothing.
-- KEYS  head, dirty, lengths, gens, groups
-- ARGV  the reader's owner, version, seq
-- Gives PULLED head, number of groups, pane ids, lengths, gens
--       | WHOLE (another owner, the version is not kept any more, or an earlier seq: the reader has to start anew).

local head = redis.call('HMGET', KEYS[1], 'owner', 'version', 'seq', 'beside', 'beside_state')
local there = head[2] == ARGV[2] or (head[4] == ARGV[2] and head[5] == 'ready')
if head[1] ~= ARGV[1] or not there or tonumber(head[3]) < tonumber(ARGV[3]) then return {'WHOLE'} end
local panes = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[3], '+inf')
return {'PULLED', redis.call('HGETALL', KEYS[1]), redis.call('LLEN', KEYS[5]), panes,
  over_list('HMGET', KEYS[3], panes), over_list('HMGET', KEYS[4], panes)}
