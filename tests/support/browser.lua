--- A browser that specs drive: Debian's headless Chromium, by the DevTools protocol and nothing but a shell.
-- `local browser = require "tests.support.browser"`; browser.open(path) gives a page, whose methods stand in
-- tests/support/page.lua. A describe that needs it has the word #browser in its name and a lazy_setup:
-- `make test-pages` runs those, and the sanitizers leave them out.
-- Invariant: nothing outlives the spec. Commands go through a named pipe, at whose end, also when the spec was
-- killed, the browser ends; the shell that started it then removes its folder, and ends it itself after LIFE
-- seconds. Every wait has a limit: answers come in a plain file, which is looked at, never waited for. No name
-- leads to a machine.
-- Source: Chrome DevTools Protocol 1.3, messages of JSON that end with a zero byte, in descriptors 3 and 4
-- (--remote-debugging-pipe).

local core = require "fnet.core"
local json = require "fnet.files.json"
local command = require "tests.support.command"
local page = require "tests.support.page"

local LIFE = 900 -- seconds that a browser lives at most
local STEP = 0.004 -- seconds between two looks
local DEPTH = 256 -- of the answers' JSON

local OPTIONS = table.concat({
  "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-proxy-server", "--hide-scrollbars",
  "--no-sandbox", -- its own pages alone are opened, by root and in containers too
  "--host-resolver-rules='MAP * ~NOTFOUND'", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb",
  "--disable-site-isolation-trials", -- a frame's requests are heard with those of its page
}, " ")

local browser = {}

--- Seconds until an answer has to be there.
browser.patience = 60 -- a machine may be busy

local name
for _, candidate in ipairs { "chromium", "chromium-browser", "google-chrome" } do
  if not name and os.execute(candidate .. " --version >/dev/null 2>&1 </dev/null") then name = candidate end
end

--- Why there is no browser, for `pending`; nil where there is one.
---@type string?
browser.missing = not name and "left out: Chromium is not here; `make test-pages` installs it or names the package"
  or nil

-- The browser that runs, one at a time: its folder, the pipe to it, the file from it and what of that is no whole
-- message yet, its messages to people, the number of the last command, answers by number, pages by session.
local running

local function exists(path)
  local file = io.open(path, "rb")
  return file and file:close()
end

-- Ctrl-C reaches the program that waits.
local function pause(seconds)
  local _, kind = os.execute("sleep " .. seconds)
  if kind == "signal" then core.raise_kind("interrupted", "interrupted") end
end

-- Waits until the function gives something other than nil and false, which is returned; nil after the limit.
local function await(seconds, f)
  local limit = core.clock() + seconds
  repeat
    local value = f()
    if value then return value end
    pause(STEP)
  until core.clock() > limit
end

-- What the browser said to people, without its complaints about a desktop that is not there.
local function complaint()
  local lines = {}
  for line in running.log:read("a"):gmatch "[^\n]+" do
    if not line:find "dbus" then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n", math.max(1, #lines - 4))
end

local function start()
  local directory = command.make_directory()
  local place = command.quote(directory)
  assert(os.execute(("cd %s && mkfifo to && : >from && : >log"):format(place)))
  local state = { directory = directory, count = 0, answers = {}, pages = {}, rest = "",
    from = assert(io.open(directory .. "/from", "rb")), log = assert(io.open(directory .. "/log", "rb")) }
  -- The shell opens the pipe when we do: a browser that had our end of it too would never see us go.
  assert(os.execute(([[(trap '' HUP INT; cd %s || exit; HOME=$PWD TMPDIR=$PWD timeout --kill-after=5 %d %s %s \
    --user-data-dir="$PWD/profile" about:blank </dev/null >log 2>&1 3<to 4>from & echo $! >id; wait; rm -rf %s) &]])
    :format(place, LIFE, name, OPTIONS, place)))
  state.to = assert(io.open(directory .. "/to", "r+")) -- for reading too: so opening never waits
  state.to:setvbuf "no"
  running = setmetatable(state, { __gc = browser.stop })
end

--- Ends the browser, if one runs, and waits until it is gone. A spec calls it in its teardown.
function browser.stop()
  local state = running
  if not state then return end
  running = nil
  state.to:close() -- at which it ends
  local function gone() return not exists(state.directory .. "/log") end
  if not await(5, gone) then
    os.execute(("kill -KILL -- -$(cat %s/id) 2>/dev/null"):format(command.quote(state.directory)))
    await(5, gone)
  end
  state.from:close()
  state.log:close()
end

-- Takes in what has come: answers are kept by their number, events go to the page they are about.
local function receive()
  running.rest = running.rest .. running.from:read "a"
  local from = 1
  for text, after in running.rest:gmatch "([^\0]*)\0()" do
    from = after
    local message, problem = json.decode(text, DEPTH)
    if not message then error("browser: a message is no JSON: " .. problem .. ": " .. text:sub(1, 200)) end
    local about = running.pages[message.sessionId]
    if message.id then running.answers[message.id] = message
    elseif about then about:hear(message.method, message.params) end
  end
  running.rest = running.rest:sub(from)
end

--- Sends a command and does not wait for its answer.
---@param method string such as "Page.navigate"
---@param parameters? table
---@param session? string of a page
---@return integer number of the command
function browser.send(method, parameters, session)
  if not running then error("browser: it has been stopped, and its pages with it", 3) end
  running.count = running.count + 1
  local text = { '{"id":', running.count, ',"method":', json.text(method) }
  if session then table.move({ ',"sessionId":', json.text(session) }, 1, 2, #text + 1, text) end
  if parameters and next(parameters) then
    table.move({ ',"params":', json.encode(parameters) }, 1, 2, #text + 1, text)
  end
  assert(running.to:write(table.concat(text), "}\0"))
  return running.count
end

--- Waits until the function gives something, taking in what the browser says.
---@param what string that is waited for, for the message
---@param seconds? number the limit; browser.patience
---@param f fun(): any
---@return any value; raises at the limit, and where the browser has ended
function browser.await(what, seconds, f)
  seconds = seconds or browser.patience
  local value, ended
  await(seconds, function()
    ended = not exists(running.directory .. "/log")
    receive()
    value = f()
    return value or ended
  end)
  if value then return value end
  local outcome = ended and "it has ended" or ("nothing in %g seconds"):format(seconds)
  error(("browser: %s, waiting for %s%s"):format(outcome, what, ended and ":\n" .. complaint() or ""), 0)
end

--- Sends a command and waits for its answer.
---@param method string
---@param parameters? table
---@param session? string
---@return table? result nil where the browser refuses
---@return string? message then
function browser.call(method, parameters, session)
  local number = browser.send(method, parameters, session)
  local answer = browser.await("the answer to " .. method, nil, function() return running.answers[number] end)
  running.answers[number] = nil
  if answer.error then return nil, method .. ": " .. answer.error.message end
  return answer.result
end

--- Opens a file as a page and waits until it is loaded.
---@param path string of an HTML file, perhaps with "#place" behind it
---@param options? table width and height in pixels, 1000 and 800; dark: what the page hears of the desk, false;
--- phone: a screen that is touched, whose width the page has to ask for, false
---@return tests.Page page
function browser.open(path, options)
  options = options or {}
  if browser.missing then error("browser: " .. browser.missing, 2) end
  local file = path:gsub("#.*", "")
  if not exists(file) then error("browser: there is no file " .. file, 2) end
  if not running then start() end
  local target = assert(browser.call("Target.createTarget", { url = "about:blank" })).targetId
  local session = assert(browser.call("Target.attachToTarget", { targetId = target, flatten = true })).sessionId
  local new = page.new(browser, target, session)
  running.pages[session] = new
  if path:sub(1, 1) ~= "/" then path = command.directory .. "/" .. path end
  new:load("file://" .. path:gsub("[^%w/._~#-]", function(c) return ("%%%02X"):format(c:byte()) end), options)
  return new
end

return browser
