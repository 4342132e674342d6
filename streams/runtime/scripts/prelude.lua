-- Put before every script: what they share. All names are local to the one script it becomes part of.

-- Arguments of one redis.call: even, for pairs. unpack fails at 8,000, and about 100 is the fastest.
local CHUNK = 98
-- Bytes of a pane's log, 64 MiB: it is read whole when it is compacted, and Redis refuses more than 512 MiB.
local LONGEST = 67108864
-- Lua's numbers are exact up to here; what may be larger travels and is compared as a decimal string.
local EXACT = 9007199254740992

local function decimal(text)
  return text and string.find(text, '^%d+$') ~= nil
end

local function at_least(a, b)
  if #a ~= #b then return #a > #b end
  return a >= b
end

local function integer(number)
  return string.format('%.0f', number)
end

-- command key ARGV[first] … ARGV[last], in chunks.
local function over_arguments(command, key, first, last)
  for i = first, last, CHUNK do
    redis.call(command, key, unpack(ARGV, i, math.min(i + CHUNK - 1, last)))
  end
end

-- command key list[1] … list[#list], in chunks; the answers in one list.
local function over_list(command, key, list)
  local answers = {}
  for i = 1, #list, CHUNK do
    local some = redis.call(command, key, unpack(list, i, math.min(i + CHUNK - 1, #list)))
    if type(some) == 'table' then
      for j = 1, #some do answers[#answers + 1] = some[j] end
    end
  end
  return answers
end

local function refused(reason)
  return {'REFUSED', reason}
end

local function fenced(head)
  return {'FENCED', redis.call('HGETALL', head)}
end

-- A script's first write. If Redis will not write now (out of memory, read-only…) nothing is written, and the
-- script gives back what Redis says; Redis 6 puts a line number before the error's name.
local function denied(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then
    return {err = (string.gsub(answer.err, '^@user_script: *%d+: *%-?', ''))}
  end
end

-- What asks each key of a version, in the order of its keys, whether its type is right.
local VERSION_CHECKS = {'HLEN', 'ZCARD', 'HLEN', 'HLEN', 'LLEN', 'HLEN', 'ZCARD'}

local function wrong_type(command, key)
  local answer = redis.pcall(command, key)
  if type(answer) == 'table' and answer.err then
    return key .. ': ' .. answer.err
  end
end

-- A version's part of a script: keys clients, dirty, lengths, gens, groups, build, watch, panes…, from KEYS[key] on;
-- eight numbers from ARGV[at] on (version, groups known, client arguments to set and to delete, panes, new groups,
-- watch arguments to set and to delete). Then, from ARGV[data] on: clients to set (id, value), clients to delete, one row
-- log per pane, new groups, open cases to look at (when, name), open cases to look at no more.
local function version_part(key, at, data)
  local part = {
    name = ARGV[at], clients = KEYS[key], dirty = KEYS[key + 1], lengths = KEYS[key + 2],
    gens = KEYS[key + 3], groups = KEYS[key + 4], build = KEYS[key + 5], watch = KEYS[key + 6], first_key = key,
    known = tonumber(ARGV[at + 1]), set = tonumber(ARGV[at + 2]), del = tonumber(ARGV[at + 3]),
    panes = tonumber(ARGV[at + 4]), new = tonumber(ARGV[at + 5]), data = data, old = {},
    watched = tonumber(ARGV[at + 6]), unwatched = tonumber(ARGV[at + 7]),
  }
  part.next_key = key + 7 + part.panes
  part.first_watch = data + part.set + part.del + part.panes + part.new
  part.next_data = part.first_watch + part.watched + part.unwatched
  return part
end

-- A pane's id by its key and the key `dirty` of its version.
local function pane_id(dirty, pane)
  return string.sub(pane, #dirty - #'dirty' + #'pane/' + 1)
end

-- No, if writing the part would fail half-way; remembers how long each pane is.
local function version_unfit(part)
  for i = 1, 7 do
    local wrong = wrong_type(VERSION_CHECKS[i], KEYS[part.first_key + i - 1])
    if wrong then return refused(wrong) end
  end
  if part.set % 2 ~= 0 then return refused('client arguments: ' .. part.set) end
  if part.watched % 2 ~= 0 then return refused('watch arguments: ' .. part.watched) end
  local rows = part.data + part.set + part.del - 1
  for i = 1, part.panes do
    local pane = KEYS[part.first_key + 6 + i]
    local length = redis.pcall('STRLEN', pane)
    if type(length) == 'table' then return refused(pane .. ': ' .. length.err) end
    if length + #ARGV[rows + i] > LONGEST then return {'FULL', part.name, pane_id(part.dirty, pane)} end
    part.old[i] = length
  end
end

-- Panes are named in `dirty` before they exist, so that whoever clears a version finds them all.
local function write_panes(part, seq)
  local rows = part.data + part.set + part.del - 1
  local dirty, lengths, born = {}, {}, {}
  for i = 1, part.panes do
    local pane = pane_id(part.dirty, KEYS[part.first_key + 6 + i])
    dirty[2 * i - 1], dirty[2 * i] = seq, pane
    lengths[2 * i - 1], lengths[2 * i] = pane, integer(part.old[i] + #ARGV[rows + i])
    if part.old[i] == 0 then
      born[#born + 1] = pane
      born[#born + 1] = seq
    end
  end
  over_list('ZADD', part.dirty, dirty)
  for i = 1, part.panes do
    redis.call('APPEND', KEYS[part.first_key + 6 + i], ARGV[rows + i])
  end
  over_list('HSET', part.lengths, lengths)
  over_list('HSET', part.gens, born)
end

-- When open cases have to be looked at. One that has an alert is looked at now, whatever became of it: `alerts` is the
-- key that tells, nil where nobody looks yet.
local function write_watch(part, alerts)
  local set, gone = {}, {}
  local first_gone = part.first_watch + part.watched
  local function is_told(name)
    return alerts and redis.call('HEXISTS', alerts, name) == 1
  end
  local function look_at(when, name)
    set[#set + 1] = is_told(name) and '0' or when
    set[#set + 1] = name
  end
  for i = part.first_watch, first_gone - 1, 2 do look_at(ARGV[i], ARGV[i + 1]) end
  for i = first_gone, part.next_data - 1 do
    if is_told(ARGV[i]) then look_at('0', ARGV[i]) else gone[#gone + 1] = ARGV[i] end
  end
  over_list('ZADD', part.watch, set)
  over_list('ZREM', part.watch, gone)
end

local function write_version(part, seq, alerts)
  local clients, gone = part.data, part.data + part.set
  over_arguments('HSET', part.clients, clients, gone - 1)
  over_arguments('HDEL', part.clients, gone, gone + part.del - 1)
  over_arguments('RPUSH', part.groups, part.first_watch - part.new, part.first_watch - 1)
  write_panes(part, seq)
  write_watch(part, alerts)
end
