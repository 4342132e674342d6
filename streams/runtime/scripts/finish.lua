-- Say that a version beside the live one has everything that the live one has: readers may use it from now on.
-- KEYS  head, build
-- ARGV  owner, version, steps
-- Gives FINISHED | FENCED head | TORN | REFUSED reason. Its one write is one command.

local wrong = wrong_type('HLEN', KEYS[1]) or wrong_type('HLEN', KEYS[2])
if wrong then return refused(wrong) end
local head = redis.call('HMGET', KEYS[1], 'owner', 'beside', 'applying')
if head[1] ~= ARGV[1] then return fenced(KEYS[1]) end
local build = redis.call('HMGET', KEYS[2], 'step', 'applying', 'torn')
if not build[1] or head[2] ~= ARGV[2] then return refused('version ' .. ARGV[2] .. ' is not being built') end
if build[2] ~= '' then return {'TORN'} end
if build[1] ~= ARGV[3] then
  return refused('version ' .. ARGV[2] .. ' is at step ' .. build[1] .. ', not ' .. ARGV[3])
end
if build[3] ~= (head[3] or '') then
  return refused('the ledger was torn after version ' .. ARGV[2] .. ' was begun: begin again')
end
return denied('HSET', KEYS[1], 'beside_state', 'ready') or {'FINISHED'}
