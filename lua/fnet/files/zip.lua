--- Zip archives (PKWARE's APPNOTE.TXT, version 6.3), as far as .npz files need them: stored and deflated members.
-- Invariant: the members lie one after the other, without overlapping, before the central directory, which ends
-- where the end record says; a member's size is checked before memory is taken, its CRC-32 after.

local core = require "fnet.core"
local files = require "fnet.files"

local zip = {}

local STORED, DEFLATED = 0, 8
local RATIO_MOST = 1032       -- what deflate can make of one byte (zlib's technical details)
local SIZE_MOST = 0xFFFFFFFE  -- beyond it zip64 would be needed
local COUNT_MOST = 0xFFFE
local LOCAL, CENTRAL, END = "<c4I2I2I2I2I2I4I4I4I2I2", "<c4I2I2I2I2I2I2I4I4I4I2I2I2I2I2I4I4", "<c4I2I2I2I2I4I4I2"
local LOCAL_SIZE, CENTRAL_SIZE, END_SIZE = string.packsize(LOCAL), string.packsize(CENTRAL), string.packsize(END)
local MIDNIGHT, FIRST_DAY = 0, 0x21 -- 1 January 1980: equal contents give equal files

-- ---- reading ----

-- The place of the end record: the last one whose comment reaches to the end of the file.
local function find_end(bytes)
  for at = #bytes - END_SIZE + 1, math.max(1, #bytes - END_SIZE + 1 - 65535), -1 do
    if bytes:sub(at, at + 3) == "PK\5\6" and string.unpack("<I2", bytes, at + 20) == #bytes - at - END_SIZE + 1 then
      return at
    end
  end
  files.fault(bytes == "" and "is empty, expected a zip archive" or "is no zip archive, or cut short")
end

-- The entry of the central directory at that place, and the place behind it.
local function read_entry(bytes, at, last)
  if at + CENTRAL_SIZE - 1 > last then files.fault "has a central directory that is cut short" end
  local magic, _, _, flags, method, _, _, crc, packed, size, name_length, extra, comment, disk, _, _, offset =
    string.unpack(CENTRAL, bytes, at)
  if magic ~= "PK\1\2" then files.fault "has a damaged central directory" end
  local after = at + CENTRAL_SIZE + name_length + extra + comment
  if after - 1 > last then files.fault "has a central directory that is cut short" end
  local name = bytes:sub(at + CENTRAL_SIZE, at + CENTRAL_SIZE + name_length - 1)
  if packed > SIZE_MOST or size > SIZE_MOST or offset > SIZE_MOST then
    files.fault("'%s' needs zip64 (more than 4 GiB), which fnet does not read", name)
  end
  if flags & 1 ~= 0 then files.fault("'%s' is encrypted", name) end
  if method ~= STORED and method ~= DEFLATED then
    files.fault("'%s' is compressed by method %d; expected 0 (stored) or 8 (deflated)", name, method)
  end
  if disk ~= 0 then files.fault "is one part of several" end
  return { name = name, method = method, crc = crc, packed = packed, size = size, offset = offset }, after
end

-- Where the content of a member lies, after its local header, whose own sizes may be left open.
local function locate(bytes, member, limit)
  local at = member.offset + 1
  if at + LOCAL_SIZE - 1 > limit then files.fault("'%s' lies outside the file", member.name) end
  local magic, _, _, method, _, _, _, _, _, name_length, extra = string.unpack(LOCAL, bytes, at)
  local name = bytes:sub(at + LOCAL_SIZE, at + LOCAL_SIZE + name_length - 1)
  if magic ~= "PK\3\4" or name ~= member.name or method ~= member.method then
    files.fault("'%s' has a local header that differs from the central directory", member.name)
  end
  member.first = at + LOCAL_SIZE + name_length + extra
  member.last = member.first + member.packed - 1
  if member.last > limit then files.fault("'%s' reaches into the central directory", member.name) end
end

--- The members of an archive, in the order in which they lie in it; faults are raised.
---@param bytes string the whole file
---@return table[] members name, size, and what zip.content needs
function zip.members(bytes)
  local at = find_end(bytes)
  local _, disk, start_disk, here, count, size, offset = string.unpack(END, bytes, at)
  if disk ~= 0 or start_disk ~= 0 or here ~= count then files.fault "is one part of several" end
  if count > COUNT_MOST or offset > SIZE_MOST or size > SIZE_MOST then
    files.fault "is a zip64 archive (more than 4 GiB or 65,534 members), which fnet does not read"
  end
  if offset + size ~= at - 1 then files.fault "has a central directory at another place than it declares" end
  local members, named, place = {}, {}, offset + 1
  for i = 1, count do
    local member
    member, place = read_entry(bytes, place, at - 1)
    locate(bytes, member, offset)
    if named[member.name] then files.fault("holds '%s' twice", member.name) end
    members[i], named[member.name] = member, true
  end
  if place ~= at then files.fault "has a central directory that is longer than its entries" end
  table.sort(members, function(a, b) return a.offset < b.offset end)
  for i = 2, #members do
    if members[i].offset < members[i - 1].last then
      files.fault("holds '%s' inside '%s'", members[i].name, members[i - 1].name)
    end
  end
  return members
end

--- The content of a member; faults are raised.
---@param bytes string the whole file
---@param member table of zip.members
---@param limit integer bytes that it may have
---@return string content
function zip.content(bytes, member, limit)
  if member.size > limit then files.fault("declares %d bytes; the limit is %d", member.size, limit) end
  local content
  if member.method == STORED then
    if member.size ~= member.packed then files.fault "is stored, but declares two sizes" end
    content = bytes:sub(member.first, member.last)
  else
    if member.size > member.packed * RATIO_MOST then
      files.fault("declares %d bytes, more than can be in %d compressed ones", member.size, member.packed)
    end
    content = files.sound(core.inflate(bytes, member.first, member.last, member.size))
  end
  if core.crc32(content) ~= member.crc then files.fault "has a wrong checksum" end
  return content
end

-- ---- writing ----

local function size_of(piece)
  if type(piece) == "string" then return #piece end
  return piece:count() * core.dtypes[piece.dtype].size
end

local function raise_large(what)
  core.raise(what .. ": more than 4 GiB would need zip64, which fnet does not write; write several files")
end

--- The pieces of an archive, for core.write_file.
---@param what string the public function, for messages
---@param members table[] name; pieces: strings and contiguous tensors
---@param compress boolean?
---@return table pieces
function zip.archive(what, members, compress)
  local pieces, directory, offset = {}, {}, 0
  if #members > COUNT_MOST then
    core.raise("%s: expected at most %d members, got %d", what, COUNT_MOST, #members)
  end
  for _, member in ipairs(members) do
    local parts, size = member.pieces, 0
    local crc = core.crc32(table.unpack(parts))
    for _, part in ipairs(parts) do size = size + size_of(part) end
    if compress then
      local texts = {}
      for i, part in ipairs(parts) do texts[i] = type(part) == "string" and part or part:bytes() end
      parts = { core.deflate(table.concat(texts)) }
    end
    local packed = compress and #parts[1] or size
    if size > SIZE_MOST or offset > SIZE_MOST then raise_large(what) end
    local method = compress and DEFLATED or STORED
    pieces[#pieces + 1] = string.pack(LOCAL, "PK\3\4", 20, 0, method, MIDNIGHT, FIRST_DAY, crc, packed, size,
      #member.name, 0) .. member.name
    table.move(parts, 1, #parts, #pieces + 1, pieces)
    directory[#directory + 1] = string.pack(CENTRAL, "PK\1\2", 20, 20, 0, method, MIDNIGHT, FIRST_DAY, crc, packed,
      size, #member.name, 0, 0, 0, 0, 0, offset) .. member.name
    offset = offset + LOCAL_SIZE + #member.name + packed
  end
  local text = table.concat(directory)
  if offset + #text > SIZE_MOST then raise_large(what) end
  pieces[#pieces + 1] = text .. string.pack(END, "PK\5\6", 0, 0, #members, #members, #text, offset, 0)
  return pieces
end

return zip
