---@meta fnet.sources
-- The texts of the library's modules inside the executable, by their paths (src/lua/lembedded.c).

---@type table<string, string>
local sources = {}

return sources
