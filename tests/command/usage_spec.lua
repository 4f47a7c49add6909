--- The text of `fnet --help`, taken apart.

local usage = require "fnet.command.usage"

local TEXT = [==[
usage: fnet [options] [script [arguments]]
       fnet [options] convert model [--to c|html] file
       fnet [options] check script
Options (in any order):
  -e code   run `code`
  -v, --version  show the version,
                 in one line
  --        end

A paragraph, and   then
  what is indented.

Examples:
  fnet x.lua --n 3  run it
]==]

describe("a usage", function()
  it("has rows of two columns, whose second one may go on below", function()
    assert.same({
      { "-e code", "run `code`" }, { "-v, --version", "show the version, in one line" }, { "--", "end" },
    }, usage.rows((usage.part(TEXT, "Options"))))
    assert.same({ { "fnet x.lua --n 3", "run it" } }, usage.rows((usage.part(TEXT, "Examples"))))
    assert.equal("Options (in any order):", select(2, usage.part(TEXT, "Options")))
  end)

  it("has synopses, and in them commands with the words that their options take", function()
    assert.same({ "fnet [options] [script [arguments]]", "fnet [options] convert model [--to c|html] file",
      "fnet [options] check script" }, usage.synopses(TEXT))
    assert.same({
      { name = "convert", takes = "model [--to c|html] file", values = { ["--to"] = { "c", "html" } } },
      { name = "check", takes = "script", values = {} },
    }, usage.commands(TEXT))
  end)
end)

describe("the options that a text declares", function()
  it("are those in the call of options, with what they take", function()
    assert.same({
      { flag = "--epochs", value = "N", text = "passes (over all)" },
      { flag = "--weight-decay", value = "N", text = "of AdamW" },
      { flag = "--data", value = "DIR", text = "where" },
      { flag = "--title", value = "TEXT", text = "" },
      { flag = "--quick", text = "a switch" },
    }, usage.declared [[
      local no = { "not", 1, "one of them" }
      local options = fnet.options(arg, "Does it.", {
        { "epochs", 5, "passes (over all)", low = 0 },
        { "weight_decay", 1e-3, "of AdamW" },
        { "data", "", "where", value = "DIR" }, { "title", "none", "" },
        { "quick", false, "a switch" },
      })
      local nor = { "nor", 1, "this" }]])
  end)

  it("are none in a text that declares none, or that is none", function()
    for _, text in ipairs { "", "options(", "options()", "options({{}})", "options(a, {{ \"x\" }})", "\0\255{{(",
      "my_options(a, { { \"x\", 1, \"no\" } })" } do
      assert.same({}, usage.declared(text), text)
    end
  end)
end)
