--- Reads XML strictly, as far as the library writes it: elements, attributes and text, with the five entities
-- that need no declaration. Used with `require "tests.support.xml"`. Source: XML 1.0, fifth edition (W3C, 2008).

local xml = {}

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'", ["#39"] = "'" }

-- Text without what XML forbids in it, and with its entities replaced.
local function text_of(raw)
  assert(not raw:find "<", "a bare <")
  assert(utf8.len(raw), "no UTF-8")
  assert(not raw:find "[\0-\8\11\12\14-\31\127]", "a control character")
  local text = raw:gsub("&([^;]*;?)", function(entity)
    return assert(ENTITIES[entity:match "^([%l#%d]+);$"], "the entity &" .. entity)
  end)
  return text
end

local function attributes_of(raw, name)
  local list, at = {}, 1
  while raw:find("%S", at) do
    local first, last, key, value = raw:find('^%s+([%a:_][%w:_.-]*)="([^"]*)"', at)
    assert(first, ("in <%s>: %s"):format(name, raw:sub(at)))
    assert(list[key] == nil, ("in <%s>: %s stands there twice"):format(name, key))
    list[key], at = text_of(value), last + 1
  end
  return list
end

--- The elements of a document, in the order of their beginnings. Raises where it is not well-formed.
---@param document string
---@return { name: string, attributes: table<string, string>, text: string, depth: integer }[]
function xml.read(document)
  local list, open, at = {}, {}, 1
  while at <= #document do
    local first, last, closing, name, rest, empty = document:find("<(/?)([%a:_][%w:_.-]*)([^<>]*)(/?)>", at)
    local text = text_of(document:sub(at, (first or #document + 1) - 1))
    if #open > 0 then open[#open].text = open[#open].text .. text
    else assert(not text:find "%S", "text outside the root") end
    if not first then break end
    if rest:sub(-1) == "/" then rest, empty = rest:sub(1, -2), "/" end
    if closing == "/" then
      assert(#open > 0 and open[#open].name == name and rest == "", "the end of <" .. name .. ">")
      open[#open] = nil
    else
      assert(#open > 0 or #list == 0, "a second root")
      list[#list + 1] = { name = name, attributes = attributes_of(rest, name), text = "", depth = #open }
      if empty ~= "/" then open[#open + 1] = list[#list] end
    end
    at = last + 1
  end
  assert(#list > 0 and #open == 0, "the document has no end")
  return list
end

return xml
