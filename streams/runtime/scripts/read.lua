-- Parts of panes, if each is still the log that was pulled.
-- KEYS  gens, pane…
-- ARGV  for each pane: id, generation, start, end (exclusive, above start)
-- Gives READ bytes… | STALE pane id. It writes nothing.

local panes, slices = {}, {'READ'}
for i = 1, #ARGV, 4 do panes[#panes + 1] = ARGV[i] end
local gens = over_list('HMGET', KEYS[1], panes)
for i = 1, #panes do
  local at = 4 * i - 2
  local first, last = ARGV[at + 1], ARGV[at + 2]
  local slice = redis.call('GETRANGE', KEYS[i + 1], first, tonumber(last) - 1)
  if gens[i] ~= ARGV[at] or #slice ~= tonumber(last) - tonumber(first) then return {'STALE', panes[i]} end
  slices[i + 1] = slice
end
return slices
