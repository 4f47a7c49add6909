--- ONNX's own tests of single operations: each that has passed passes (nodes_passed.txt, which
-- `./fnet tests/onnx/cases.lua node passed` prints), and each that does not says why. Newer distributions have
-- models of opsets that fnet does not read, which say so.

local fnet = require "fnet"
local cases = require "tests.onnx.cases"
local command = require "tests.support.command"

local folders = cases.list "node"

local function is_newer(reason)
  return reason ~= nil and reason:find "has operations of version %d+; fnet reads 7 to %d+" ~= nil
end

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
        local reason = cases.run(folder)
        if not is_newer(reason) then
          found = found + 1
          assert.equal(nil, reason, name)
        end
      end
    end
    assert.is_true(found > 400, found .. " tests")
  end)

  it("are written as ONNX again, and read as what they were", function()
    if #folders == 0 then
      pending "left out: ONNX's tests are not here"
      return
    end
    local loaded = require "fnet.save.onnx_loaded"
    local directory <const> = command.make_directory()
    local path, written = directory .. "/model.onnx", 0
    for name in io.lines(command.directory .. "/tests/onnx/nodes_passed.txt") do
      local model = fnet.load_onnx(("%s/node/test_%s/model.onnx"):format(cases.DIRECTORY, name))
      if model then -- newer distributions have other opsets
        written = written + 1
        local file = loaded.file(model)
        command.write_file(path, file)
        local same = assert(fnet.load_onnx(path))
        assert.equal(model:sha256(), same:sha256(), name)
        assert.is_true(file == loaded.file(same), name)
        for i, node in ipairs(model.graph.nodes) do assert.same(node, same.graph.nodes[i], name) end
        assert.equal(#model.graph.tensors, #same.graph.tensors, name)
      end
    end
    command.remove_directory(directory)
    assert.is_true(written > 400, written .. " tests")
  end)

  it("of which fnet has none are refused by name, not passed over", function()
    if #folders == 0 then
      pending "left out: ONNX's tests are not here"
      return
    end
    local refused = 0
    for _, name in ipairs { "loop11", "det_2d", "gridsample", "qlinearconv" } do
      local reason = cases.run(cases.DIRECTORY .. "/node/test_" .. name)
      if not is_newer(reason) then
        refused = refused + 1
        assert.matches("fnet has no operation '%w+'; it has Abs, ", reason)
      end
    end
    assert.is_true(refused > 0)
  end)
end)
