--- Runs: those of a sweep that go on at the same time, a line each on the terminal, and how many have ended.
-- Nothing where there is no terminal.

local core = require "fnet.core"
local live = require "fnet.report.live"

local runs = {}

local PAUSE = 0.1 -- seconds between two drawings

local drawn = -math.huge

--- Takes them away.
function runs.erase()
  drawn = -math.huge
  live.erase()
end

--- The settings of a row as one text: "hidden 4  lr 0.1".
---@param sweep fnet.Sweep
---@param row table
---@return string
function runs.settings(sweep, row)
  local parts = {}
  for i, name in ipairs(sweep.names) do parts[i] = name .. " " .. sweep.text(row.settings[name]) end
  return table.concat(parts, "  ")
end

--- A run as a text of one line: "hidden 4  lr 0.1  seed 3".
---@param sweep fnet.Sweep
---@param run { row: table, seed: integer }
---@return string
function runs.name(sweep, run)
  local settings = runs.settings(sweep, run.row)
  return ("%s%sseed %d"):format(settings:gsub("%c", " "), settings ~= "" and "  " or "", run.seed)
end

--- Draws them, at most ten times a second.
---@param sweep fnet.Sweep
---@param running { piece: { row: table, seed: integer }, text: string? }[]
function runs.draw(sweep, running)
  local columns, rows = core.terminal(2)
  local now = core.clock()
  if not columns or now - drawn < PAUSE then return end
  drawn = now
  local lines, most = {}, math.max(1, rows - 2)
  for i, job in ipairs(running) do
    if i > most then break end
    lines[i] = ("%s  %s"):format(runs.name(sweep, job.piece), job.text or "..."):gsub("%c", " ") -- a line is a line
  end
  lines[#lines + 1] = ("%d of %d runs have ended"):format(sweep.runs, sweep.total)
  live.draw(lines, columns)
end

return runs
