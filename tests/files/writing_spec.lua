--- What all writers of files have in common: they leave by one door, which touches no file but the one that they
-- are told to write. tests/c/core/durable_test.c makes each call of the system fail.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"

local directory
before_each(function() directory = command.make_directory() end)
after_each(function() command.remove_directory(directory) end)

local function run(line) return command.shell(directory, line).output end

local model = fnet.nn.Sequential { fnet.nn.Dense(2, 3) }
local writers = {
  save = function(path) return model:save(path, { script = false }) end,
  export_c = function(path) return model:export_c(path) end,
  export_onnx = function(path) return model:export_onnx(path) end,
  write_tensors = function(path) return fnet.write_tensors(path, { a = fnet.ones { 2 } }) end,
  write_npy = function(path) return fnet.data.write_npy(path, fnet.ones { 2 }) end,
  write_npz = function(path) return fnet.data.write_npz(path, { a = fnet.ones { 2 } }) end,
  write_png = function(path) return fnet.data.write_png(path, fnet.ones { 2, 2 }) end,
}

describe("every writer", function()
  for name, write in pairs(writers) do
    it("refuses what cannot be written, writes through a link, and leaves nothing else: " .. name, function()
      local none = directory .. "/none/x"
      assert.same({ nil, none .. ": no file can be made in its directory: No such file or directory", 2 },
        { write(none) })
      assert.same({ nil, directory .. ": Is a directory", 21 }, { write(directory) })
      run "ln -s file link; ln -s nowhere dangling"
      assert.same({ nil, directory .. "/dangling: is a symbolic link, which is not followed to where nothing is: "
        .. "No such file or directory", 2 }, { write(directory .. "/dangling") })
      command.write_file(directory .. "/file", "")
      run "chmod 640 file"
      assert.truthy(write(directory .. "/link"))
      assert.matches("^%-rw%-r%-%-%-%-%-", run "ls -l file")
      assert.is_true(#command.read_file(directory .. "/file") > 0)
      assert.equal("dangling\nfile\nlink\n", run "LC_ALL=C ls")
      assert.equal("file\n", run "readlink link")
    end)
  end
end)

describe("what lies beside the file under a name that fnet once used", function()
  local path
  before_each(function() path = directory .. "/m.st" end)

  it("is not written to, though it is another name of a precious file", function()
    run "echo precious > precious; ln precious m.st.part"
    assert.is_true(writers.save(path))
    assert.equal("precious\n", run "cat precious")
  end)

  it("stays, and gives nothing to the new file", function()
    run "echo notes > m.st.part; chmod 666 m.st.part; touch new"
    assert.is_true(writers.save(path))
    assert.equal("notes\n", run "cat m.st.part")
    assert.equal(run "ls -l new | cut -c 1-10", run "ls -l m.st | cut -c 1-10")
  end)

  it("is neither waited for nor in the way: a pipe, a link, a directory", function()
    for _, make in ipairs { "mkfifo m.st.part", "ln -s precious m.st.part", "mkdir m.st.part" } do
      run("rm -rf m.st.part; " .. make)
      assert.is_true(writers.save(path))
    end
    assert.equal("m.st\nm.st.part\n", run "LC_ALL=C ls")
  end)
end)

describe("can_write", function()
  it("says what a writer would say, and changes nothing", function()
    assert.is_true(fnet.can_write(directory .. "/new"))
    assert.equal("", run "ls")
    command.write_file(directory .. "/file", "old")
    assert.is_true(fnet.can_write(directory .. "/file"))
    run "ln -s nowhere dangling"
    for _, path in ipairs { directory, directory .. "/none/x", "/dev/null", directory .. "/dangling", "" } do
      assert.same({ writers.write_npy(path) }, { fnet.can_write(path) })
      assert.is_nil((fnet.can_write(path)))
    end
    assert.equal("old", command.read_file(directory .. "/file"))
    assert.equal("dangling\nfile\n", run "LC_ALL=C ls")
  end)

  it("raises where there is no path", function()
    support.raises("can_write: expected a path, got nil", function() fnet.can_write() end)
  end)
end)
