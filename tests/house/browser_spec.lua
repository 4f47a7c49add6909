--- The browser that specs drive: that it sees what a reader would see, and that nothing of it is left.

local command = require "tests.support.command"
local browser = require "tests.support.browser"

local PAGE = [[<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>%s</title>
<style>
  body { margin: 0; background: rgb(10, 200, 30); }
  @media (prefers-color-scheme: dark) { body { background: rgb(0, 0, 40); } }
</style>
<button id="first" onclick="this.textContent += '!'">one</button>
<input id="second"><input id="file" type="file"><a id="third" href="other.html">three</a>
%s]]

local LAYER = '<div style="position: fixed; inset: 0"></div>'

describe("a page in the #browser", function()
  if browser.missing then return pending(browser.missing) end
  local directory

  lazy_setup(function() directory = command.make_directory() end)
  lazy_teardown(function()
    browser.stop()
    command.remove_directory(directory)
  end)

  local function open(more, options)
    command.write_file(directory .. "/a page.html", PAGE:format("a page", more or ""))
    return browser.open(directory .. "/a page.html", options)
  end

  it("gives values of JavaScript, and its exceptions", function()
    local page = open()
    assert.equal("a page", page:evaluate "document.title")
    assert.same({ 1, { a = "ö" }, true }, page:evaluate "[1, { a: 'ö' }, true]")
    assert.is_nil(page:evaluate "null")
    assert.is_nil(page:evaluate "undefined")
    assert.equal(math.huge, page:evaluate "1 / 0")
    assert.is_true(page:evaluate "0 / 0" ~= page:evaluate "0 / 0")
    assert.equal(7, page:evaluate "new Promise(done => setTimeout(() => done(7), 5))")
    assert.has_error(function() page:evaluate "nothing.there" end)
    local _, message = pcall(page.evaluate, page, "nothing.there")
    assert.matches("page: nothing.there: ReferenceError: nothing is not defined", message, 1, true)
  end)

  it("is clicked, typed into and walked through by keyboard", function()
    local page = open()
    page:click "#first"
    assert.equal("one!", page:evaluate "first.textContent")
    page:press "Tab"
    assert.equal("second", page:evaluate "document.activeElement.id")
    page:type "aZ9/é \\.,'(%!#$-&"
    assert.equal("aZ9/é \\.,'(%!#$-&", page:evaluate "second.value")
    page:press "Tab"
    page:press "Tab"
    assert.equal("third", page:evaluate "document.activeElement.id")
    for _ = 1, 3 do page:press "Shift+Tab" end
    assert.equal("first", page:evaluate "document.activeElement.id")
    page:press "Enter"
    assert.equal("one!!", page:evaluate "first.textContent")
    assert.has_error(function() page:press "Nokey" end, "page: there is no key 'Nokey'")
    page:choose("#file", directory .. "/a page.html")
    assert.equal("a page.html", page:evaluate "file.files[0].name")
  end)

  it("follows a link", function()
    local page = open()
    command.write_file(directory .. "/other.html", PAGE:format("other", ""))
    page:click "#third"
    assert.is_true(page:wait "document.title === 'other'")
  end)

  it("is not clicked where there is nothing to be clicked", function()
    local page = open(LAYER)
    assert.has_error(function() page:click "#first" end, "page: covered, or outside of the window: #first")
    page:evaluate "document.getElementById('first').hidden = true"
    assert.has_error(function() page:click "#first" end, "page: not to be seen: #first")
    assert.has_error(function() page:click "#fourth" end, "page: nothing on the page fits #fourth")
  end)

  it("tells what went to the console, and exceptions", function()
    local page = open [[<script>console.error("bad", 3, { a: 1 })</script>
      <script>throw new Error("thrown")</script>]]
    page:evaluate "console.log('later')"
    local said = page:console()
    assert.equal("error: bad 3 Object", said[1])
    assert.matches("^exception: Error: thrown\n.*%(a%%20page%.html:%d+%)$", said[2])
    assert.equal("log: later", said[3])
    assert.equal(3, #said)
  end)

  it("tells what it asks for, and gets nothing from outside", function()
    local page = open [[<link rel="stylesheet" href="missing.css">
      <img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
      <script>fetch("https://example.org/data").catch(() => { document.title = "refused" })</script>]]
    page:wait "document.title === 'refused'"
    local asked = page:requests()
    table.sort(asked)
    assert.same({ "file://" .. directory .. "/missing.css", "https://example.org/data" }, asked)
    assert.matches("ERR_FILE_NOT_FOUND", table.concat(page:console(), "\n"))
    assert.matches("ERR_NAME_NOT_RESOLVED", table.concat(page:console(), "\n"))
    assert.same({}, open():requests())
  end)

  it("answers a question of the page by no", function()
    local page = open()
    assert.is_false(page:evaluate "confirm('Sure?')")
    assert.same({ "dialog: Sure?" }, page:console())
  end)

  it("has the size and the colours that were asked for", function()
    local pixels = open("", { width = 320, height = 200 }):pixels()
    assert.same({ 200, 320, 3 }, pixels.shape)
    local dark = open("", { dark = true }):pixels()
    assert.same({ 800, 1000, 3 }, dark.shape)
    for i, values in ipairs { { 10, 0 }, { 200, 0 }, { 30, 40 } } do
      assert.equal(values[1], pixels[200][320][i])
      assert.equal(values[2], dark[800][1000][i])
    end
    local long = open('<div style="height: 2000px"></div>', { width = 100, height = 100 })
    assert.is_true(long:pixels({ whole = true }).shape[1] > 2000)
  end)

  it("is drawn on with the pointer", function()
    local page = open [[<div id="sheet" style="position: fixed; inset: 0"></div><script>
      const marks = []
      for (const kind of ["down", "move", "up"])
        sheet.addEventListener("pointer" + kind, e => marks.push([kind, e.clientX, e.clientY, e.buttons]))
    </script>]]
    page:drag { { 10, 20 }, { 30, 40 } }
    assert.same({ { "move", 10, 20, 0 }, { "down", 10, 20, 1 }, { "move", 30, 40, 1 }, { "up", 30, 40, 0 } },
      page:evaluate "marks")
  end)

  it("waits no longer than it is told", function()
    local page = open()
    local from = os.time()
    assert.has_error(function() page:wait("false", 0.2) end, "browser: nothing in 0.2 seconds, waiting for false")
    assert.is_true(os.time() - from < 10)
    assert.has_error(function() browser.open "nowhere.html" end, "browser: there is no file nowhere.html")
  end)

  -- Whether a browser runs that lives in the folder. (The brackets keep grep from finding itself.)
  local function is_running(home)
    return os.execute("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -q -x -e --user-data-dir="
      .. command.quote(home .. "/[p]rofile")) == true
  end

  -- Runs a script that opens a page and says where its browser lives, then does something else.
  local function run(ending, before)
    command.write_file(directory .. "/script.lua", ([[
      local command = require "tests.support.command"
      local make_directory = command.make_directory
      function command.make_directory()
        local path = make_directory()
        print(path)
        return path
      end
      local browser = require "tests.support.browser"
      local page = browser.open(arg[1])
      print(page:evaluate "document.title")
      io.stdout:flush()
    ]]) .. ending)
    local line = command.line(command.fnet, { directory .. "/script.lua", directory .. "/a page.html" })
    return command.shell(directory, ("%s cd %s && %s"):format(before or "", command.quote(command.directory), line))
  end

  it("leaves nothing behind, also where the spec is killed", function()
    browser.stop()
    local make, home_here = command.make_directory, nil
    function command.make_directory()
      home_here = make()
      return home_here
    end
    open()
    command.make_directory = make
    assert.is_true(is_running(home_here))
    for ending, status in pairs { ["browser.stop()"] = 0, [""] = 0, ["error 'failed'"] = 1,
      ["os.execute 'kill -KILL $PPID'"] = 137 } do
      local result = run(ending)
      local home, title = result.output:match "^(/%S+)\n(.*)\n$"
      assert.equal("a page", title, result.errors)
      assert.equal(status, result.status)
      for _ = 1, 500 do
        if not is_running(home) and not os.rename(home, home) then break end
        os.execute "sleep 0.02"
      end
      assert.is_false(is_running(home), ending)
      assert.is_nil(os.rename(home, home), ending)
    end
  end)

  it("ends when it hangs", function()
    local page = open()
    local patience = browser.patience
    browser.patience = 0.3
    assert.has_error(function() page:evaluate "(() => { for (;;); })()" end,
      "browser: nothing in 0.3 seconds, waiting for the answer to Runtime.evaluate")
    browser.patience = patience
    browser.stop()
    assert.has_error(function() page:evaluate "1" end, "browser: it has been stopped, and its pages with it")
    assert.equal("a page", open():evaluate "document.title")
  end)

  it("says what the browser said where that did not start", function()
    command.write_file(directory .. "/chromium", '#!/bin/sh\n[ "$1" = --version ] || { echo no screen; exit 1; }\n')
    local result = run("", "chmod +x chromium; PATH=$PWD:$PATH;")
    assert.equal(1, result.status)
    local message = "browser: it has ended, waiting for the answer to Target.createTarget:\nno screen\n"
    assert.matches(message, result.errors, 1, true)
  end)
end)
