--- Zip archives (PKWARE's APPNOTE.TXT, version 6.3, zip64 included), as far as .npz files need them: stored and
-- deflated members.
-- Invariant: the central directory ends where the end record says; a member lies before the next one, its size is
-- checked before memory is taken, its CRC-32 after. What is wrong with a member matters when that one is read.

local core = require "fnet.core"
local files = require "fnet.files"

local zip = {}

local STORED, DEFLATED = 0, 8
local ENCRYPTED, UTF8 = 1, 1 << 11 -- general purpose flags
local RATIO_MOST = 1032 -- what deflate can make of one byte (zlib's technical details)
local LOCAL, CENTRAL, END = "<c4I2I2I2I2I2I4I4I4I2I2", "<c4I2I2I2I2I2I2I4I4I4I2I2I2I2I2I4I4", "<c4I2I2I2I2I4I4I2"
local LOCAL_SIZE, CENTRAL_SIZE, END_SIZE = string.packsize(LOCAL), string.packsize(CENTRAL), string.packsize(END)
local COMMENT_MOST = 0xFFFF
local MIDNIGHT, FIRST_DAY = 0, 0x21 -- 1 January 1980: equal contents give equal files

-- zip64: a number that is too large has all its bits set, and stands in an extra field or a record of its own.
local IN_ZIP64, COUNT_IN_ZIP64, ZIP64_FIELD = 0xFFFFFFFF, 0xFFFF, 1
local LOCATOR, END64 = "<c4I4i8I4", "<c4i8I2I2I4I4i8i8i8i8"
local LOCATOR_SIZE, END64_SIZE = string.packsize(LOCATOR), string.packsize(END64)
local VERSION, VERSION_OF_ZIP64 = 20, 45

-- The upper half of code page 437, which names without the UTF-8 flag are in.
local CODE_PAGE_437 = {}
for _, code in utf8.codes("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»"
  .. "░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}") do
  CODE_PAGE_437[#CODE_PAGE_437 + 1] = utf8.char(code)
end

-- ---- reading ----

local function read_at(input, first, count)
  files.sound(input:part("plain", first, count))
  return files.sound(input:bytes(count))
end

-- The end record, the last one whose comment reaches to the end of the file, and its place.
local function find_end(input, size)
  if size == 0 then files.fault "is empty, expected a zip archive" end
  local first = math.max(0, size - END_SIZE - COMMENT_MOST)
  local tail = read_at(input, first, size - first)
  for at = #tail - END_SIZE + 1, 1, -1 do
    if tail:sub(at, at + 3) == "PK\5\6" and string.unpack("<I2", tail, at + 20) == #tail - at - END_SIZE + 1 then
      return tail:sub(at), first + at - 1
    end
  end
  files.fault "is no zip archive, or cut short"
end

local function one_of_several() files.fault "is one part of several" end

-- Where the central directory lies: the number of its entries, its first byte (from 0) and its size.
local function find_directory(input, size)
  local record, place = find_end(input, size)
  local _, disk, start_disk, here, count, length, offset = string.unpack(END, record)
  local locator = place >= LOCATOR_SIZE and read_at(input, place - LOCATOR_SIZE, LOCATOR_SIZE) or ""
  if locator:sub(1, 4) == "PK\6\7" then
    local _, end_disk, at, disks = string.unpack(LOCATOR, locator)
    if end_disk ~= 0 or disks > 1 then one_of_several() end
    if at < 0 or at > place - LOCATOR_SIZE - END64_SIZE then files.fault "has a damaged zip64 record" end
    record, place = read_at(input, at, END64_SIZE), at
    local magic
    magic, _, _, _, disk, start_disk, here, count, length, offset = string.unpack(END64, record)
    if magic ~= "PK\6\6" then files.fault "has a damaged zip64 record" end
  end
  if disk ~= 0 or start_disk ~= 0 or here ~= count then one_of_several() end
  if offset < 0 or length < 0 or offset > place or length ~= place - offset then
    files.fault "has a central directory at another place than it declares"
  end
  return count, offset, length
end

-- The large numbers of a member that stand in the zip64 field of its extra data, in that order.
local function read_zip64(member, extra)
  local at = 1
  while at + 3 <= #extra do
    local kind, length = string.unpack("<I2I2", extra, at)
    at = at + 4
    if kind == ZIP64_FIELD then
      local last = math.min(at + length - 1, #extra)
      for _, key in ipairs { "size", "packed", "offset" } do
        if member[key] == IN_ZIP64 and at + 7 <= last then
          member[key], at = string.unpack("<i8", extra, at)
        end
      end
      return
    end
    at = at + length
  end
end

-- A name in UTF-8. Some programs write UTF-8 without saying so, which code page 437 hardly ever looks like.
local function decode_name(raw, flags)
  if utf8.len(raw) then return raw end
  if flags & UTF8 ~= 0 then files.fault("has a name that is not UTF-8: '%s'", raw:gsub("[\x80-\xFF]", "?")) end
  return (raw:gsub("[\x80-\xFF]", function(byte) return CODE_PAGE_437[byte:byte() - 127] end))
end

-- The entry of the central directory at that place, and the place behind it.
local function read_entry(text, at)
  if at + CENTRAL_SIZE - 1 > #text then files.fault "has a central directory that is cut short" end
  local magic, _, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment, disk, _, _,
    offset = string.unpack(CENTRAL, text, at)
  if magic ~= "PK\1\2" then files.fault "has a damaged central directory" end
  local extra = at + CENTRAL_SIZE + name_length
  local after = extra + extra_length + comment
  if after - 1 > #text then files.fault "has a central directory that is cut short" end
  if disk ~= 0 then one_of_several() end
  local raw = text:sub(at + CENTRAL_SIZE, extra - 1)
  local member = { name = decode_name(raw, flags), raw_name = raw, flags = flags, method = method, crc = crc,
    packed = packed, size = size, offset = offset }
  read_zip64(member, text:sub(extra, extra + extra_length - 1))
  return member, after
end

--- The members of an archive, in the order in which they lie in it; faults are raised.
---@param input userdata of core.open_input
---@return { name: string, size: integer }[] members with what zip.start needs
function zip.members(input)
  local size = input:size() or files.fault "is no ordinary file, whose parts can be read in any order"
  local count, directory, length = find_directory(input, size)
  local text = read_at(input, directory, length)
  local members, named, place = {}, {}, 1
  for i = 1, count do
    local member
    member, place = read_entry(text, place)
    if named[member.name] then files.fault("holds '%s' twice", member.name) end
    members[i], named[member.name] = member, true
  end
  if place ~= length + 1 then files.fault "has a central directory that is longer than its entries" end
  table.sort(members, function(a, b)
    if a.offset ~= b.offset then return a.offset < b.offset end
    return a.name < b.name
  end)
  for i, member in ipairs(members) do member.directory, member.next = directory, members[i + 1] end
  return members
end

--- Where the content of a member lies, from 0, after its local header, whose own sizes may be left open. Faults are
-- raised, without the name: the header differs from the directory's entry, or the member lies over another.
---@param input userdata
---@param member table of zip.members
---@return integer first
function zip.locate(input, member)
  local limit, raw = member.directory, member.raw_name
  if member.offset < 0 or member.offset + LOCAL_SIZE + #raw > limit then files.fault "lies outside the file" end
  local header = read_at(input, member.offset, LOCAL_SIZE + #raw)
  local magic, _, _, method, _, _, _, _, _, name_length, extra = string.unpack(LOCAL, header)
  if magic ~= "PK\3\4" or name_length ~= #raw or header:sub(LOCAL_SIZE + 1) ~= raw or method ~= member.method then
    files.fault "has a local header that differs from the central directory"
  end
  local first = member.offset + LOCAL_SIZE + name_length + extra
  if member.packed < 0 or member.packed > limit - first then files.fault "reaches into the central directory" end
  if member.next and first + member.packed > member.next.offset then
    files.fault("reaches into '%s'", member.next.name)
  end
  return first
end

--- The bytes that a member becomes when it is unpacked, 0 of one that is stored as it is.
---@param member table of zip.members
---@return integer bytes
function zip.inflated(member) return member.method == DEFLATED and member.size or 0 end

--- Begins to read a member: the input gives its content from now on. Faults are raised, without the name.
---@param input userdata
---@param member table of zip.members
---@param limit integer bytes that deflated content may have
function zip.start(input, member, limit)
  local method = member.method
  if member.flags & ENCRYPTED ~= 0 then files.fault "is encrypted" end
  if method ~= STORED and method ~= DEFLATED then
    files.fault("is compressed by method %d; expected 0 (stored) or 8 (deflated)", method)
  end
  local first = zip.locate(input, member)
  if method == STORED then
    if member.size ~= member.packed then files.fault "is stored, but declares two sizes" end
  elseif member.size < 0 or member.size > limit then
    files.fault("declares %d bytes; the limit is %d", member.size, limit)
  elseif member.size > member.packed * RATIO_MOST then
    files.fault("declares %d bytes, more than can be in %d compressed ones", member.size, member.packed)
  end
  files.sound(input:part(method == STORED and "stored" or "deflated", first, member.packed))
end

--- What a reader makes of the content of a member; faults are raised, without the name.
---@param input userdata
---@param member table of zip.members
---@param limit integer bytes that deflated content may have
---@param reader fun(input: userdata, size: integer): any takes all of the content
---@return any value
function zip.content(input, member, limit, reader)
  zip.start(input, member, limit)
  local value = reader(input, member.size)
  files.sound(input:finish())
  if input:crc32() ~= member.crc then files.fault "has a wrong checksum" end
  return value
end

-- ---- writing ----

local function size_of(piece)
  if type(piece) == "string" then return #piece end
  return piece:count() * core.dtypes[piece.dtype].size
end

-- A number for a field of four bytes, or the mark that it stands elsewhere.
local function field(value, is_large) return is_large and IN_ZIP64 or value end

-- What stands in front of a member, and its entry in the directory.
local function headers(name, method, crc, packed, size, offset, most)
  local flags = name:find "[\x80-\xFF]" and UTF8 or 0
  local large, far = math.max(size, packed) > most, offset > most
  local version = (large or far) and VERSION_OF_ZIP64 or VERSION
  local numbers = large and string.pack("<i8i8", size, packed) or ""
  local function extra(content) return content == "" and "" or string.pack("<I2s2", ZIP64_FIELD, content) end
  local in_front, in_directory = extra(numbers), extra(numbers .. (far and string.pack("<i8", offset) or ""))
  packed, size = field(packed, large), field(size, large)
  return string.pack(LOCAL, "PK\3\4", version, flags, method, MIDNIGHT, FIRST_DAY, crc, packed, size, #name,
    #in_front) .. name .. in_front,
    string.pack(CENTRAL, "PK\1\2", version, version, flags, method, MIDNIGHT, FIRST_DAY, crc, packed, size, #name,
      #in_directory, 0, 0, 0, 0, field(offset, far)) .. name .. in_directory
end

-- What stands behind the directory.
local function ending(count, length, offset, most)
  local many, far = count >= COUNT_IN_ZIP64, math.max(offset, length) > most
  local text = ""
  if many or far then
    text = string.pack(END64, "PK\6\6", END64_SIZE - 12, VERSION_OF_ZIP64, VERSION_OF_ZIP64, 0, 0, count, count,
      length, offset) .. string.pack(LOCATOR, "PK\6\7", 0, offset + length, 1)
  end
  if many then count = COUNT_IN_ZIP64 end
  return text .. string.pack(END, "PK\5\6", 0, 0, count, count, field(length, far), field(offset, far), 0)
end

--- The pieces of an archive, for core.write_file.
---@param members table[] name, in UTF-8; pieces: strings and contiguous tensors
---@param compress boolean?
---@param most? integer numbers above it are written as zip64 has them; by default those that need it
---@return table pieces
function zip.archive(members, compress, most)
  most = most or IN_ZIP64 - 1
  local pieces, directory, offset = {}, {}, 0
  for i, member in ipairs(members) do
    local parts, size = member.pieces, 0
    local crc = core.crc32(table.unpack(parts))
    for _, part in ipairs(parts) do size = size + size_of(part) end
    if compress then
      local texts = {}
      for k, part in ipairs(parts) do texts[k] = type(part) == "string" and part or part:bytes() end
      parts = { core.deflate(table.concat(texts)) }
    end
    local packed = compress and #parts[1] or size
    local header
    header, directory[i] = headers(member.name, compress and DEFLATED or STORED, crc, packed, size, offset, most)
    pieces[#pieces + 1] = header
    table.move(parts, 1, #parts, #pieces + 1, pieces)
    offset = offset + #header + packed
  end
  local text = table.concat(directory)
  pieces[#pieces + 1] = text .. ending(#members, #text, offset, most)
  return pieces
end

return zip
