--- The rows of src/kernels/operations.inc, so that specs meet every elementwise operation without a list of theirs.

local file <close> = assert(io.open "src/kernels/operations.inc")
local rows = {}
for kind, name, place in file:read("a"):gmatch '\n([UB][%u]+)%([%u%d_]+, "([%w_]+)", (%u+),' do
  rows[#rows + 1] = { name = name, operands = kind == "UNARY" and 1 or 2, place = place }
end
assert(#rows > 20)

local operations = {}

--- The operations with so many operands that scripts find at one of the places.
---@param operands integer 1 or 2
---@param ... string METHOD, FUNCTION, COMPARISON or WHOLE
---@return string[] names
function operations.names(operands, ...)
  local names, wanted = {}, {}
  for _, place in ipairs { ... } do wanted[place] = true end
  for _, row in ipairs(rows) do
    if row.operands == operands and wanted[row.place] then names[#names + 1] = row.name end
  end
  return names
end

return operations
