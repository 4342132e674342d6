-- An operator's word that a ledger's panes are not to be trusted: its owner is fenced off, and whoever opens it next
-- makes them anew from its cases.
-- KEYS  head
-- ARGV  none
-- Gives MARKED | NONE (there is no such ledger) | REFUSED reason. Its one write is one command.

local wrong = wrong_type('HLEN', KEYS[1])
if wrong then return refused(wrong) end
local seq = redis.call('HGET', KEYS[1], 'seq')
if not seq then return {'NONE'} end
return denied('HSET', KEYS[1], 'owner', '', 'applying', integer(tonumber(seq) + 1)) or {'MARKED'}
