--- IDX, the format of MNIST and its relatives. What lies in such a file is read in C, by src/core/idx.h.
-- Invariant: a file that is none of IDX is called what it is, where its beginning tells.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local files = require "fnet.files"
local kinds = require "fnet.files.kinds"

local idx = {}

-- What the binding gave; where the file begins as none of IDX, the beginning is the last of it.
local function named(path, value, message, code, lead)
  if not lead then return value, message, code end
  local _, kind = files.attempt(path .. ": ", kinds.refuse, lead, "idx")
  return nil, kind or message, code
end

--- Reads an IDX file, plain or gzip-compressed.
---@param path string
---@param options? table limit: integer, bytes of elements, 4 GiB; labels: integer, the number of classes, for
--- labels from 1
---@return tensor? tensor nil where the file cannot be read or is damaged
---@return string? message, integer? code
function idx.read_idx(path, options)
  expect.path("read_idx", path)
  options = expect.options("read_idx", options, { "limit", "labels" })
  return files.given(named(path, core.read_idx(path, options)))
end

--- What an IDX file holds, from its header alone.
---@param path string
---@return { dtype: string, shape: integer[], type: string, big_endian: boolean, first: integer }? array nil where
--- the file cannot be read or is none of IDX
---@return string? message, integer? code
function idx.header(path) return named(path, core.idx_header(path)) end

return idx
