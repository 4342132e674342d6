-- Say that time has passed at a position, though nothing came.
-- KEYS  head
-- ARGV  owner, position, through ms ('' keeps it), state
-- Gives TICKED | FENCED head | TORN | REFUSED reason. Its one write is one command.

local wrong = wrong_type('HLEN', KEYS[1])
if wrong then return refused(wrong) end
local head = redis.call('HMGET', KEYS[1], 'owner', 'position', 'applying', 'through_ms')
if head[1] ~= ARGV[1] or head[2] ~= ARGV[2] then return fenced(KEYS[1]) end
if head[3] and head[3] ~= '' then return {'TORN'} end
local through = ARGV[3]
if through == '' then through = head[4] or '' end
return denied('HSET', KEYS[1], 'through_ms', through, 'state', ARGV[4]) or {'TICKED'}
