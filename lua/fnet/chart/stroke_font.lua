--- Stroke font: letters as lines, for pictures of pixels: ASCII, and what stands for any other letter, a box.
-- A letter is a list of lines, two digits a point: how far to the right, how far up; the base line is at 2, small
-- letters reach up to 7, capitals to 9. A line of one point is a dot.

local stroke_font = {}

local GLYPHS = {
  ["!"] = "0904 02", ['"'] = "0907 2927", ["#"] = "1229 3249 0444 1757", ["$"] = "483919080716354443321203 2129",
  ["%"] = "0259 0819281708 3344534233", ["&"] = "5217182938370403123255", ["'"] = "0907", ["("] = "291806041221",
  [")"] = "091826241201", ["*"] = "2824 0745 0547", ["+"] = "2723 0545", [","] = "1200", ["-"] = "0535",
  ["."] = "02", ["/"] = "0239", ["0"] = "190803123243483919", ["1"] = "182922 1232", ["2"] = "08193948470242",
  ["3"] = "08193948473626364543321203", ["4"] = "32390444", ["5"] = "490906364543321203",
  ["6"] = "483919080312324345361605", ["7"] = "094912", ["8"] = "16070819394847361605031232434536",
  ["9"] = "031232434839190806153546", [":"] = "02 06", [";"] = "1200 16", ["<"] = "380532", ["="] = "0646 0444",
  [">"] = "083502", ["?"] = "08193948472524 22", ["@"] = "342415162737464454656758290805032242",
  A = "022942 1535", B = "02093948473606 3645433202", C = "4839190803123243", D = "02092947442202",
  E = "49090242 0636", F = "490902 0636", G = "48391908031232434525", H = "0209 4249 0646", I = "0209",
  J = "3933221203", K = "0209 4905 1642", L = "090242", M = "0209346962", N = "02094249", O = "190803124253584919",
  P = "02093948463505", Q = "190803124253584919 3451", R = "02093948463505 2542", S = "483919080716354443321203",
  T = "0949 2922", U = "090312324349", V = "092249", W = "0912375269", X = "0942 4902", Y = "092549 2522",
  Z = "09490242", ["["] = "29090121", ["\\"] = "0932", ["]"] = "09292101", ["^"] = "062946", ["_"] = "0141",
  ["`"] = "0918",
  a = "0617374642 45150403123243", b = "0902 0617374643321203", c = "4637170603123243", d = "4942 4637170603123243",
  e = "05454637170603123243", f = "39291812 0737", g = "4741301001 4637170603123243", h = "0902 0617374642",
  i = "0702 09", j = "171100 19", k = "0902 3704 1532", l = "0902", m = "0702 0617273632 3647576662",
  n = "0702 0617374642", o = "170603123243463717", p = "0700 0617374643321203", q = "4740 4637170603123243",
  r = "0702 05162737", s = "46371706153443321203", t = "19132232 0737", u = "0703123243 4742", v = "072247",
  w = "0712365267", x = "0742 4702", y = "0722 471000", z = "07470242",
  ["{"] = "29181605141221", ["|"] = "0900", ["}"] = "09181625141201", ["~"] = "05163445", ["…"] = "02 22 42",
}
local BOX = "0209393202"
local BASE, CAPITAL = 2, 7 -- the base line; the height of a capital above it
local HEIGHT = 0.72 -- of a capital, where the size is 1
local GAP, BLANK, DIGIT = 1.8, 2.6, 4 -- between letters; a blank; every digit is as wide as the widest

local cut = {} -- by letter: its lines, and how wide it is

local function lines_of(letter)
  if cut[letter] then return cut[letter] end
  local glyph = { width = letter:find "^%d$" and DIGIT or letter == " " and BLANK or 0 }
  for line in (letter == " " and "" or GLYPHS[letter] or BOX):gmatch "%d+" do
    local points = {}
    for x, y in line:gmatch "(%d)(%d)" do
      points[#points + 1], points[#points + 2] = tonumber(x), tonumber(y) - BASE
      glyph.width = math.max(glyph.width, tonumber(x))
    end
    glyph[#glyph + 1] = points
  end
  cut[letter] = glyph
  return glyph
end

--- The lines of a text that begins at a place.
---@param text string UTF-8
---@param size number pixels
---@return number[][] lines x, y, x, y, ...: to the right from the beginning, and up from the base line
---@return number width of the text
function stroke_font.lines(text, size)
  local unit, lines, at = size * HEIGHT / CAPITAL, {}, 0
  for letter in text:gmatch(utf8.charpattern) do
    local glyph = lines_of(letter)
    for _, points in ipairs(glyph) do
      local line = {}
      for i = 1, #points, 2 do line[i], line[i + 1] = (at + points[i]) * unit, points[i + 1] * unit end
      lines[#lines + 1] = line
    end
    at = at + glyph.width + GAP
  end
  return lines, math.max(0, at - GAP) * unit
end

return stroke_font
