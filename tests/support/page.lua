--- A page in the browser of tests/support/browser.lua: what a reader does with it, and what a spec asks of it.
-- Invariant: a method returns when the page has dealt with what it did. Selectors are those of CSS; the first
-- element that fits is meant, and an error names one that nothing fits.

local json = require "fnet.files.json"
local core = require "fnet.core"

---@class tests.Page
local Page = {}
Page.__index = Page

local page = {}

-- Names of keys as JavaScript has them, their numbers, and the text that they write.
local KEYS = {
  Tab = { 9 }, Enter = { 13, "\r" }, Escape = { 27 }, Backspace = { 8 }, Delete = { 46 }, [" "] = { 32, " " },
  ArrowLeft = { 37 }, ArrowUp = { 38 }, ArrowRight = { 39 }, ArrowDown = { 40 }, Home = { 36 }, End = { 35 },
  PageUp = { 33 }, PageDown = { 34 },
}
local MODIFIERS = { Alt = 1, Control = 2, Meta = 4, Shift = 8 }

---@param browser table
---@param target string
---@param session string
---@return tests.Page
function page.new(browser, target, session)
  return setmetatable({ browser = browser, target = target, session = session, said = {}, asked = {} }, Page)
end

--- Any command of the DevTools protocol.
---@param method string such as "Page.reload"
---@param parameters? table
---@return table result raises where the browser refuses
function Page:call(method, parameters)
  local result, message = self.browser.call(method, parameters, self.session)
  if not result then error("page: " .. message, 2) end
  return result
end

--- Goes to an address and waits until it is loaded; browser.open does it.
---@param address string
---@param options table those of browser.open
function Page:load(address, options)
  for _, domain in ipairs { "Page", "Runtime", "Log", "Network" } do self:call(domain .. ".enable") end
  self:call("Emulation.setDeviceMetricsOverride", { width = options.width or 1000, height = options.height or 800,
    deviceScaleFactor = 1, mobile = options.phone == true })
  self:call("Emulation.setEmulatedMedia", { features = json.array {
    { name = "prefers-color-scheme", value = options.dark and "dark" or "light" },
    { name = "prefers-reduced-motion", value = "reduce" },
  } })
  self.loaded, self.address = false, address:gsub("#.*", "")
  local result = self:call("Page.navigate", { url = address })
  if result.errorText then error(("page: %s: %s"):format(address, result.errorText), 0) end
  self.browser.await(address .. " to be loaded", nil, function() return self.loaded end)
end

-- A value of the protocol as text.
local function text_of(object)
  if object.type == "string" then return object.value end
  if object.value ~= nil and type(object.value) ~= "table" then return tostring(object.value) end
  return object.description or object.unserializableValue or object.type
end

--- What the browser tells about the page, as it comes.
---@param method string
---@param of table
function Page:hear(method, of)
  local function say(kind, text, url, line)
    local place = url and url ~= "" and (" (%s:%d)"):format(url:match "[^/]*$", line or 0) or ""
    self.said[#self.said + 1] = kind .. ": " .. text .. place
  end
  if method == "Page.loadEventFired" then
    self.loaded = true
  elseif method == "Runtime.consoleAPICalled" then
    local words = {}
    for i, object in ipairs(of.args) do words[i] = text_of(object) end
    say(of.type, table.concat(words, " "))
  elseif method == "Runtime.exceptionThrown" then
    local details = of.exceptionDetails
    say("exception", details.exception and text_of(details.exception) or details.text, details.url,
      details.lineNumber + 1)
  elseif method == "Log.entryAdded" then
    say(of.entry.level, of.entry.text, of.entry.url, of.entry.lineNumber and of.entry.lineNumber + 1)
  elseif method == "Network.requestWillBeSent" or method == "Network.webSocketCreated" then
    local address = of.request and of.request.url or of.url
    local is_inside = address:find "^data:" or address:find "^blob:" or address == self.address
    if not is_inside then self.asked[#self.asked + 1] = address end
  elseif method == "Page.javascriptDialogOpening" then -- it would wait for ever
    say("dialog", of.message)
    self.browser.send("Page.handleJavaScriptDialog", { accept = false }, self.session)
  end
end

--- From here on the page is as on paper, where the desk stays dark if it was.
---@param is_dark? boolean
function Page:as_printed(is_dark)
  self:call("Emulation.setEmulatedMedia", { media = "print", features = json.array {
    { name = "prefers-color-scheme", value = is_dark and "dark" or "light" } } })
end

--- Everything that came to the console so far, and exceptions, oldest first: "error: text (page.html:12)".
---@return string[]
function Page:console()
  self:evaluate "0" -- what was said before has come when this is answered
  return self.said
end

--- The addresses of everything that the page asked for beyond itself, whether it got it or not. What lies in the
--- page (data:, blob:) is no request.
---@return string[]
function Page:requests()
  self:evaluate "0"
  return self.asked
end

local special = { NaN = 0 / 0, Infinity = math.huge, ["-Infinity"] = -math.huge, ["-0"] = -0.0 }

-- The value of an expression; nil and a message where it throws, or where the page is just another one.
local function try(self, code)
  local result, message = self.browser.call("Runtime.evaluate",
    { expression = code, returnByValue = true, awaitPromise = true, userGesture = true }, self.session)
  if not result then return nil, message end
  if result.exceptionDetails then
    local exception = result.exceptionDetails.exception
    return nil, exception and text_of(exception) or result.exceptionDetails.text
  end
  local object = result.result
  if object.unserializableValue then return special[object.unserializableValue] end
  if object.value == json.null then return nil end
  return object.value
end

--- The value of JavaScript: nil for undefined and null, tables for objects and arrays; a promise is waited for.
---@param code string an expression
---@return any value raises where it throws
function Page:evaluate(code)
  local value, message = try(self, code)
  if message then error(("page: %s: %s"):format(code, message), 2) end
  return value
end

--- Waits until an expression is true; by then a link has been followed, a picture drawn.
---@param code string
---@param seconds? number 30
---@return any value of the expression; raises at the limit
function Page:wait(code, seconds)
  return self.browser.await(code, seconds or 30, function() return (try(self, code)) end)
end

-- The middle of an element, scrolled into view: x, y; raises where there is none, or another one lies on it.
local function middle_of(self, selector)
  local place = self:evaluate(([[(() => {
    const element = document.querySelector(%s)
    if (!element) return "nothing on the page fits "
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" })
    const box = element.getClientRects()[0] // of an element in several lines the first
    if (!box) return "not to be seen: "
    const x = box.x + box.width / 2, y = box.y + box.height / 2
    if (!element.contains(document.elementFromPoint(x, y))) return "covered, or outside of the window: "
    return [x, y]
  })()]]):format(json.text(selector)))
  if type(place) == "string" then error("page: " .. place .. selector, 3) end
  return place[1], place[2]
end

local function mouse(self, kind, x, y, is_down)
  local changes = kind ~= "mouseMoved"
  self:call("Input.dispatchMouseEvent", { type = kind, x = x, y = y, clickCount = changes and 1 or 0,
    button = changes and "left" or "none", buttons = is_down and 1 or 0 })
end

--- Moves the pointer onto an element, or to a place in the window.
---@param selector string|number or x
---@param y? number
function Page:point(selector, y)
  local x = selector
  if not y then x, y = middle_of(self, selector) end
  mouse(self, "mouseMoved", x, y, false)
end

--- Clicks an element, or a place in the window.
---@param selector string|number or x
---@param y? number
function Page:click(selector, y)
  local x = selector
  if not y then x, y = middle_of(self, selector) end
  self:drag { { x, y } }
end

--- Draws with the button held down: through places in the window.
---@param places number[][] { { x, y }, ... }
function Page:drag(places)
  local last = places[#places]
  mouse(self, "mouseMoved", places[1][1], places[1][2], false)
  mouse(self, "mousePressed", places[1][1], places[1][2], true)
  for i = 2, #places do mouse(self, "mouseMoved", places[i][1], places[i][2], true) end
  mouse(self, "mouseReleased", last[1], last[2], false)
end

--- Presses a key and lets it go: "Tab", "ArrowDown", "a", "/", "Shift+Tab", "Control+a".
---@param key string
function Page:press(key)
  local modifiers, last = 0, key
  for modifier, rest in key:gmatch "(%a+)%+()." do
    modifiers, last = modifiers | (MODIFIERS[modifier] or 0), key:sub(rest)
  end
  -- Only letters and digits are numbered as in ASCII: the number of "." would be that of Delete.
  local known = KEYS[last] or utf8.len(last) == 1 and { last:find "%w" and last:upper():byte() or 0, last }
  if not known then error(("page: there is no key '%s'"):format(key), 2) end
  local event = { type = "keyDown", key = last, windowsVirtualKeyCode = known[1], modifiers = modifiers }
  if #last > 1 then event.code = last end
  if modifiers & ~MODIFIERS.Shift == 0 then event.text = known[2] end
  self:call("Input.dispatchKeyEvent", event)
  event.type, event.text = "keyUp", nil
  self:call("Input.dispatchKeyEvent", event)
end

--- Types a text, key by key, where the focus is.
---@param text string
function Page:type(text)
  for _, code in utf8.codes(text) do self:press(code == 10 and "Enter" or utf8.char(code)) end
end

--- Gives a file to an element that asks for one (input type=file).
---@param selector string
---@param path string absolute
function Page:choose(selector, path)
  local root = self:call("DOM.getDocument").root.nodeId
  local node = self:call("DOM.querySelector", { nodeId = root, selector = selector }).nodeId
  if node == 0 then error("page: nothing on the page fits " .. selector, 2) end
  self:call("DOM.setFileInputFiles", { files = json.array { path }, nodeId = node })
end

local ALPHABET = {}
for i, letter in utf8.codes "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" do
  ALPHABET[utf8.char(letter)] = i - 1
end

-- Base64 (RFC 4648) as bytes.
local function from_base64(text)
  return (text:gsub("([%w+/])([%w+/])([%w+/=])([%w+/=])", function(a, b, c, d)
    local bits = ALPHABET[a] << 18 | ALPHABET[b] << 12 | (ALPHABET[c] or 0) << 6 | (ALPHABET[d] or 0)
    return string.pack(">I3", bits):sub(1, c == "=" and 1 or d == "=" and 2 or 3)
  end))
end

--- What is to be seen, as a PNG file.
---@param options? table whole: the page to its end, not only what is in the window, false
---@return string bytes
function Page:screenshot(options)
  local whole = options ~= nil and options.whole == true and self:evaluate [[({ x: 0, y: 0, scale: 1,
    width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight })]]
  return from_base64(self:call("Page.captureScreenshot",
    { format = "png", captureBeyondViewport = whole ~= false, clip = whole or nil }).data)
end

--- The same as a tensor.
---@param options? table
---@return tensor pixels uint8 [height, width, 3]
function Page:pixels(options)
  local pixels = assert(core.decode_image(self:screenshot(options), 255, false, true))
  return pixels.rank == 3 and pixels or require("fnet").data.colour(pixels)
end

--- Closes the page; browser.stop closes all.
function Page:close() assert(self.browser.call("Target.closeTarget", { targetId = self.target })) end

return page
