--- Curves and histograms as files: SVG that is read strictly, PNG that our own reader takes; what stands where.

local fnet = require "fnet"
local command = require "tests.support.command"
local core = require "fnet.core"
local colours = require "fnet.chart.colours"
local png = require "tests.support.png"
local xml = require "tests.support.xml"
local report = fnet.report

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- The bytes of a file that `draw` writes.
local function written(draw, curves, ending, options)
  local path = directory .. "/chart." .. ending
  local list = { path = path }
  for key, value in pairs(options or {}) do list[key] = value end
  assert.is_true(draw(curves, list))
  return command.read_file(path)
end

local function svg_of(curves, options)
  local text = written(report.plot, curves, "svg", options)
  return xml.read(text), text
end

local function all(elements, name)
  local list = {}
  for _, element in ipairs(elements) do
    if element.name == name then list[#list + 1] = element end
  end
  return list
end

-- The coordinates of a path.
local function points_of(path)
  local points = {}
  for x, y in path.attributes.d:gmatch "[ML](%-?[%d.]+) (%-?[%d.]+)" do
    points[#points + 1] = { tonumber(x), tonumber(y) }
  end
  return points
end

-- The paths in the colour of the n-th curve, with or without an area.
local function drawn(elements, n, attribute)
  local list = {}
  for _, path in ipairs(all(elements, "path")) do
    if path.attributes[attribute or "stroke"] == colours.of(n) then list[#list + 1] = path end
  end
  return list
end

describe("a plot as SVG", function()
  it("is one well-formed element whose texts stay texts", function()
    local elements = svg_of({ a = { 1, 2, 3 } },
      { title = "T", x_label = "x", y_label = "y", width = 500, height = 300 })
    local root = elements[1]
    assert.same({ "svg", "500", "300", "0 0 500 300", "img" }, { root.name, root.attributes.width,
      root.attributes.height, root.attributes.viewBox, root.attributes.role })
    local texts = {}
    for _, text in ipairs(all(elements, "text")) do texts[text.text] = text.attributes end
    for _, name in ipairs { "T", "x", "y", "a", "1", "2", "3" } do assert.is_truthy(texts[name], name) end
    assert.matches("^rotate%(%-90 ", texts.y.transform)
    assert.equal("T", all(elements, "title")[1].text)
    for _, element in ipairs(elements) do -- a page may forbid what could run, style or load
      for name in pairs(element.attributes) do
        assert.is_falsy(name:find "^on" or name:find "href" or name:find "style")
      end
      assert.is_falsy(element.name == "script" or element.name == "style" or element.name == "image")
    end
  end)

  it("has its points where they belong", function()
    local elements = svg_of({ { 0, 10 } }, { y_range = { low = 0, high = 10 } })
    local line = points_of(drawn(elements, 1)[1])
    local axes = points_of(all(elements, "path")[#all(elements, "path") - 2]) -- then the curve, and its sample
    assert.same({ axes[2], { axes[3][1], axes[1][2] } }, line)
  end)

  it("has points, bands and bars", function()
    local elements = svg_of { a = { y = { 1, 2, 3 }, points = true }, b = { y = { 1, 2, 3 }, low = { 0, 1, 2 },
      high = { 2, 3, 4 } } }
    assert.equal(3, select(2, drawn(elements, 1)[1].attributes.d:gsub("h0", "")))
    local band = drawn(elements, 2, "fill")
    assert.equal(1, #band)
    assert.equal(6, #points_of(band[1]))
    assert.matches("Z$", band[1].attributes.d)
    local bars = xml.read(written(report.histogram, { 1, 1, 2, 3, 3, 3 }, "svg"))
    assert.equal(3, #drawn(bars, 1, "fill"))
    local heights = {}
    for i, bar in ipairs(drawn(bars, 1, "fill")) do
      local points = points_of(bar)
      heights[i] = points[1][2] - points[2][2]
    end
    assert.near(2 * heights[2], heights[1], 0.02)
    assert.near(3 * heights[2], heights[3], 0.02)
  end)

  it("says what a hostile name says, and does nothing of it", function()
    local name = '</text><script>alert("&amp;")</script>\0\27\u{202E}'
    local elements = svg_of({ [name] = { 1, 0 / 0 } }, { title = name .. name, x_label = name })
    assert.equal(0, #all(elements, "script"))
    local found = 0
    for _, text in ipairs(all(elements, "text")) do
      if text.text:find('</text><script>alert("&amp;")</script>', 1, true) then found = found + 1 end
    end
    assert.is_true(found >= 2)
  end)

  it("has the same bytes each time, and few however many points there are", function()
    local values = fnet.randn({ 30000 })
    local _, text = svg_of { a = values, b = { 1, 2 } }
    local _, again = svg_of { b = { 1, 2 }, a = values }
    assert.equal(text, again)
    assert.is_true(#text < 60000, #text)
    local _, points = svg_of({ x = values, y = values * 2 }, { points = true })
    assert.is_true(#points < 60000, #points)
  end)
end)

describe("a plot as PNG", function()
  it("has axes, curves and a frame where the SVG has them", function()
    if not png.readable then return pending "left out: built without libpng" end
    local curves, options = { { 0, 10, 5 } }, { width = 300, height = 200 }
    local elements = svg_of(curves, options)
    local picture = assert(core.decode_image(written(report.plot, curves, "png", options)))
    assert.same({ 200, 300, 3 }, picture.shape)
    local rows = picture:totable()
    local function pixel(x, y) return rows[math.floor(y) + 1][math.floor(x) + 1] end
    assert.same({ 176, 176, 176 }, pixel(0, 0))
    assert.same({ 176, 176, 176 }, pixel(299, 199))
    assert.same({ 255, 255, 255 }, pixel(3, 3))
    local line = points_of(drawn(elements, 1)[1])
    assert.same({ colours.parts(colours.of(1)) }, pixel(line[2][1], line[2][2]))
    local middle_x, middle_y = (line[1][1] + line[2][1]) / 2, (line[1][2] + line[2][2]) / 2
    assert.same({ colours.parts(colours.of(1)) }, pixel(middle_x, middle_y))
    local axes = points_of(all(elements, "path")[#all(elements, "path") - 2])
    assert.same({ 128, 128, 128 }, pixel(axes[1][1], axes[1][2] + 5))
    assert.same({ 128, 128, 128 }, pixel(axes[3][1] - 5, axes[3][2]))
    local ink = 0 -- of the numbers beside the axis
    for y = 0, 199 do
      for x = 2, math.floor(axes[1][1]) - 2 do
        if pixel(x, y)[1] < 200 then ink = ink + 1 end
      end
    end
    assert.is_true(ink > 40, ink)
  end)

  it("covers areas and lines by as much as they cover", function()
    local raster = require "fnet.chart.raster"(20, 10)
    raster:area({ 2, 2, 10.5, 2, 10.5, 5.25, 2, 5.25 }, "#000000", 1)
    local picture = raster:picture():select(3, 1):totable()
    assert.equal(0, picture[3][3])
    assert.equal(255, picture[2][3])
    assert.equal(255, picture[3][2])
    assert.equal(128, picture[3][11]) -- half
    assert.equal(191, picture[6][5]) -- a quarter
    raster = require "fnet.chart.raster"(20, 10)
    raster:lines({ { 2, 5, 18, 5 }, { 18, 5 }, { 5, 5, 9, 5 } }, 4, "#000000", 0.5)
    picture = raster:picture():select(3, 1):totable()
    for x = 3, 18 do assert.same({ 255, 128, 128, 128, 128, 255 }, { picture[3][x], picture[4][x], picture[5][x],
      picture[6][x], picture[7][x], picture[8][x] }) end -- once, however many lines
    raster:lines({ { -1e5, -1e5, 1e5, 1e5 }, { -50, 3 }, { 30, 30 } }, 2, "#123456", 1)
    raster:area({ -1e4, -1e4, 1e4, -1e4, 1e4, 1e4, -1e4, 1e4 }, "#123456", 1)
    assert.same({ 0x12, 0x34, 0x56 }, raster:picture()[10][20]:totable())
  end)

  it("has the same bytes each time", function()
    local curves = { a = fnet.rand { 50 }, b = { y = { 1, 2 }, low = { 0, 1 }, high = { 2, 3 } } }
    local options = { title = "Äpfel & \27", y_label = "much", width = 320, height = 240 }
    assert.equal(written(report.plot, curves, "png", options), written(report.plot, curves, "PNG", options))
  end)

  it("has a letter of lines for all of ASCII, and a box for others", function()
    local font = require "fnet.chart.stroke_font"
    local seen = {}
    for code = 33, 126 do
      local lines, width = font.lines(string.char(code), 100)
      local parts = {}
      for i, points in ipairs(lines) do parts[i] = table.concat(points, " ") end
      local shape = table.concat(parts, ";")
      assert.is_nil(seen[shape], string.char(code))
      assert.is_true(#lines > 0 and width < 75)
      seen[shape] = true
    end
    local box, width = font.lines("漢", 100)
    assert.same({ 1, 10 }, { #box, #box[1] })
    local two, wide = font.lines("漢漢", 100)
    assert.equal(2, #two)
    assert.is_true(wide > 2 * width)
    assert.same({ {}, 0 }, { font.lines("", 100) })
  end)
end)

describe("a file of a plot", function()
  it("is higher than asked where names and notes would leave no room", function()
    local curves = {}
    for i = 1, 20 do curves["a curve of number " .. i] = { 1, 0 / 0, 2 } end
    local options = { width = 200, height = 100 }
    local elements = svg_of(curves, options)
    local height = tonumber(elements[1].attributes.height)
    assert.is_true(height > 400, height)
    for _, text in ipairs(all(elements, "text")) do assert.is_true(tonumber(text.attributes.y) < height) end
    local bytes = written(report.plot, curves, "png", options)
    assert.equal(height, (string.unpack(">I4", bytes, 21)))
  end)

  it("that cannot be written is nil, a message and a code", function()
    local path = directory .. "/nothing/chart.svg"
    local done, message, code = report.plot({ 1 }, { path = path })
    assert.same({ nil, 2 }, { done, code })
    assert.matches("nothing/chart.svg: .*No such file or directory", message)
    assert.same({ nil, 2 }, { report.histogram({ 1 }, { path = directory .. "/nothing/a.png" }), 2 })
  end)
end)
