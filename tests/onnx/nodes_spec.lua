--- ONNX's own tests of single operations: each that has passed passes (nodes_passed.txt, which
-- `./fnet tests/onnx/cases.lua node passed` prints), and each that does not says why.

local cases = require "tests.onnx.cases"
local command = require "tests.support.command"

local folders = cases.list "node"

describe("the operations of ONNX", function()
  it("pass the tests of the ONNX project that they have passed", function()
    if #folders == 0 then
      pending "left out: ONNX's tests are not here: apt-get install libonnx-testdata, or set ONNX_TESTS"
      return
    end
    local expected, found = {}, 0
    for name in io.lines(command.directory .. "/tests/onnx/nodes_passed.txt") do expected[name] = true end
    for _, folder in ipairs(folders) do
      local name = folder:match "test_([^/]*)$"
      if expected[name] then
        found = found + 1
        assert.equal(nil, cases.run(folder), name)
      end
    end
    assert.is_true(found > 500, found .. " tests")
  end)

  it("of which fnet has none are refused by name, not passed over", function()
    if #folders == 0 then
      pending "left out: ONNX's tests are not here"
      return
    end
    for _, name in ipairs { "loop11", "det_2d", "gridsample", "qlinearconv" } do
      local reason = cases.run(cases.DIRECTORY .. "/node/test_" .. name)
      assert.matches("fnet has no operation '%w+'; it has Abs, ", reason)
    end
  end)
end)
