--- Everything that report draws of pictures and matrices, on real terminals and in a pipe.

local command = require "tests.support.command"
local terminal = require "tests.support.terminal"

local SCRIPT = [[
  local fnet = require "fnet"
  local nn, report = fnet.nn, fnet.report
  fnet.seed(1)
  local names = { "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag" }
  local labels = fnet.arange(1, 9, 1, "int32")
  local pictures = fnet.data.Dataset { x = fnet.rand { 9, 28, 28 }, y = labels, classes = names }
  local rows = fnet.data.Dataset { x = fnet.randn { 9, 784 }, y = labels, classes = names }
  local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 9), nn.Softmax() }
  print(report.picture(fnet.rand { 9, 300, 3 }))
  print(report.pictures(pictures.x, { captions = names }))
  print(report.mistakes(model, pictures, 3))
  print(report.mistakes(model, rows, 3))
  print(report.weights(model, { count = 3 }))
  print(report.matrix(fnet.randn { 9, 9 }, { rows = names, columns = names }))
  print(report.matrix(fnet.randn { 5, 300 }))
  print(report.confusion(fnet.metrics.confusion(model, pictures)))
  print(report.distribution(names, fnet.predict(model, (pictures:sample(1)))))
]]

describe("what report draws", function()
  for _, columns in ipairs { 40, 80, 200 } do
    it(("fits a terminal of %d columns, in its letters and colours"):format(columns), function()
      if not terminal.real then return pending "left out: script(1), which makes terminals, is not here" end
      local letters = terminal.run(columns, "LANG=C.UTF-8", SCRIPT)
      local ascii, plain = terminal.run(columns, "LANG=C", SCRIPT), terminal.run(columns, "NO_COLOR=1", SCRIPT)
      for _, output in ipairs { letters, ascii, plain } do
        assert.is_nil(output:find("error", 1, true), output)
        assert.is_true(terminal.width(output) <= columns)
        assert.is_true(terminal.width(output) > columns - 10)
        assert.matches("\naccuracy [%d.]+%% %(%d/9%)\n", output)
      end
      assert.matches("▀", letters)
      assert.is_nil(ascii:find "[\128-\255]")
      assert.matches("\27%[48;5;%d+m ", ascii)
      assert.is_nil(plain:find "\27")
      assert.equal(letters, terminal.run(columns, "LANG=C.UTF-8", SCRIPT))
    end)
  end

  it("is plain characters in a pipe, the same in every locale", function()
    local directory = command.make_directory()
    command.write_file(directory .. "/script.lua", SCRIPT)
    local function output(environment)
      return command.shell(directory, command.line(command.fnet, { "script.lua" }, environment)).output
    end
    local text = output { LC_ALL = "C" }
    assert.is_nil(text:find "\27")
    assert.equal(text, output { LC_ALL = "C.UTF-8", COLORTERM = "truecolor" })
    command.remove_directory(directory)
  end)
end)
