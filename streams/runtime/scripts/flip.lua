-- Make the finished version beside the live one the live one; a torn ledger is whole again by it.
-- KEYS  head, build of that version, build of the version that was live until now
-- ARGV  owner, version, the version that was live, 'keep' (it stays beside, and is written on) or 'leave'
-- Gives FLIPPED | FENCED head | TORN | REFUSED reason. What makes it live is one command.

local wrong = wrong_type('HLEN', KEYS[1]) or wrong_type('HLEN', KEYS[2]) or wrong_type('HLEN', KEYS[3])
if wrong then return refused(wrong) end
local head = redis.call('HMGET', KEYS[1], 'owner', 'version', 'applying', 'seq', 'beside', 'beside_state')
if head[1] ~= ARGV[1] then return fenced(KEYS[1]) end
local torn, old, keep = head[3] or '', ARGV[3], ARGV[4] == 'keep'
if head[2] == ARGV[2] and torn == '' then return {'FLIPPED'} end
if head[5] ~= ARGV[2] or head[6] ~= 'ready' then return refused('version ' .. ARGV[2] .. ' is not finished') end
if (head[2] or '') ~= old then return fenced(KEYS[1]) end
local build = redis.call('HMGET', KEYS[2], 'applying', 'torn')
if build[1] ~= '' then return {'TORN'} end
if torn ~= '' and (build[2] ~= torn or keep) then
  return refused('the ledger was torn after version ' .. ARGV[2] .. ' was begun: begin again')
end

if keep then
  local no = denied('HSET', KEYS[3], 'step', '0', 'torn', '', 'applying', '')
  if no then return no end
end
local no = denied('HSET', KEYS[1], 'version', ARGV[2], 'seq', integer(tonumber(head[4]) + 1), 'applying', '',
  'beside', keep and old or '', 'beside_state', keep and 'ready' or '')
if no then return no end
redis.call('UNLINK', KEYS[2])
return {'FLIPPED'}
