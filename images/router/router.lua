-- What HAProxy's own language cannot say: to hold a request of an organization that is being moved,
-- and to read the cell from a routable token. Loaded once for each thread:
--
--   lua-load-per-thread router.lua <folder of the maps> <seconds> <requests held by this thread>
--                                  <buckets of the map>
--
-- One organization gets at most a quarter of the requests that a thread holds.
--
-- Refuses to decide where a request goes: the rules do, with what is found here.

local folder, seconds, most, buckets = ...
local HOLD, PLACES, BUCKETS = tonumber(seconds), tonumber(most), tonumber(buckets)
local SHARE = math.max(1, PLACES // 4)
local TICK = 100 -- milliseconds between two looks at the table

-- The very map of the rules, not a copy of it.
local lines = Map.new(folder .. "/table.map", Map._str)

-- CRC-32 as of ISO 3309, reflected, one byte at a time.
local crc_of_byte = {}
for byte = 0, 255 do
  local crc = byte
  for _ = 1, 8 do
    crc = (crc >> 1) ~ (0xEDB88320 & -(crc & 1))
  end
  crc_of_byte[byte] = crc
end

local function crc32(text)
  local crc = 0xFFFFFFFF
  for index = 1, #text do
    crc = crc_of_byte[(crc ~ text:byte(index)) & 0xFF] ~ (crc >> 8)
  end
  return crc ~ 0xFFFFFFFF
end

-- The held requests: whose each is, and when it was last awake. One that HAProxy gave up, since its
-- client went away, does not wake again, and is told by that.
local places, taken, taken_by = {}, 0, {}

local function now()
  local time = core.now()
  return time.sec + time.usec / 1e6
end

local function take(name, time)
  local place = { name = name, awake = time }
  places[place], taken, taken_by[name] = true, taken + 1, (taken_by[name] or 0) + 1
  return place
end

local function free(place)
  if places[place] then
    local left = taken_by[place.name] - 1
    places[place], taken, taken_by[place.name] = nil, taken - 1, left > 0 and left or nil
  end
end

local function is_full(name)
  return taken >= PLACES or (taken_by[name] or 0) >= SHARE
end

local function free_the_lost(time)
  for place in pairs(places) do
    if time - place.awake > 5 * TICK / 1000 then
      free(place)
    end
  end
end

local function name_in(value)
  return value:match("^[^:]*:[^:]*:[^:]*:([^:]*)")
end

local function value_in(line, key)
  local _, stop = line:find("," .. key .. "=", 1, true)
  return stop and line:match("^[^,]*", stop + 1)
end

-- What the table says of an organization, by its name: an entry in the name's line, or by itself. The
-- path of that name may be another organization's, and says so with an @.
local function value_of(name)
  local line = lines:lookup(string.format("%d", crc32(name) % BUCKETS + BUCKETS)) or ""
  local own = value_in(line, "@" .. name) or lines:lookup("=@" .. name)
  local by_path = value_in(line, name) or lines:lookup("=" .. name)
  return own or by_path and by_path:sub(1, 1) ~= "@" and by_path or nil
end

-- Wait until the organization is no longer fenced, and leave in txn.organization what the table says
-- of it then, and in txn.held that it was waited for. Once the time is over, or where too many wait
-- already, it is left as it is.
core.register_action("hold", { "http-req" }, function(txn)
  local name = name_in(txn:get_var("txn.organization"))
  local time = now()
  local deadline = time + HOLD
  if is_full(name) then
    free_the_lost(time)
  end
  if is_full(name) then
    return
  end
  local place = take(name, time)
  txn:set_var("txn.held", true)
  local value = value_of(name)
  while value and value:sub(1, 7) == "fenced:" and time < deadline do
    core.msleep(TICK)
    time = now()
    place.awake = time
    value = value_of(name)
  end
  free(place)
  if value then
    txn:set_var("txn.organization", value)
  else
    txn:unset_var("txn.organization")
  end
end)

local SIXTY_FOUR = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local bits_of = {}
for index = 1, 64 do
  bits_of[SIXTY_FOUR:byte(index)] = index - 1
end

-- Bytes of base64url without padding (RFC 4648, 5); nil if it is none.
local function decoded(text)
  if #text % 4 == 1 then
    return nil
  end
  local bytes, bits, count = {}, 0, 0
  for index = 1, #text do
    local six = bits_of[text:byte(index)]
    if not six then
      return nil
    end
    bits, count = (bits << 6 | six) & 0xFFFF, count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(bits >> count & 0xFF)
    end
  end
  return table.concat(bytes)
end

-- The id of the cell in the last word of a header, if that is a routable token of GitLab's version 1
-- (https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/):
--
--   <prefix><payload>.01.<length of the payload, 2 of base 36><CRC-32 of all before, 7 of base 36>
--
-- The payload is base64url of 16 random bytes, lines such as `c:<cell in base 36>`, and their length
-- in one byte. Returns nothing for whatever is not exactly that.
--
-- A header can be as long as a buffer, so only as much of its end is looked at as a token can have, and
-- every pattern begins at one place.
local LONGEST_TOKEN, ENDING = 512, #".01." + 2 + 7

core.register_converters("cell_of_token", function(header)
  local last = header:sub(-LONGEST_TOKEN - 1)
  local token = last:sub((select(2, last:find("^.* ")) or 0) + 1)
  if #token > LONGEST_TOKEN or token:find("[\128-\255]") then
    return ""
  end
  local length, crc = token:match("^%.01%.([0-9a-z][0-9a-z])([0-9a-z]+)$", -ENDING)
  local signed = token:sub(1, -8)
  if not length or #token < ENDING or tonumber(crc, 36) ~= crc32(signed) then
    return ""
  end
  local body, size = signed:sub(1, -7), tonumber(length, 36)
  local payload = size > 0 and size <= #body and decoded(body:sub(-size))
  if not payload or #payload < 17 or payload:byte(-1) ~= #payload - 17 then
    return ""
  end
  for line in payload:sub(17, -2):gmatch("[^\n]+") do
    local cell = line:match("^c:([1-9a-z][0-9a-z]*)$")
    if cell and #cell <= 12 then
      return string.format("%d", tonumber(cell, 36))
    end
  end
  return ""
end)
