--- What may happen to a training and its checkpoint: kills, damage, a full disk. `make test-long` sets FNET_LONG:
-- every bit instead of some, 200 kills instead of 10.

local fnet = require "fnet"
local command = require "tests.support.command"
local crash = require "tests.support.crash"

local long = (os.getenv "FNET_LONG" or "") ~= ""

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local function open(place, options)
  local model = fnet.nn.Sequential { fnet.nn.Dense(2, 2) }
  local all = { model = model, optim = fnet.optim.Adam(model:parameters()), script = false }
  for key, value in pairs(options or {}) do all[key] = value end
  return fnet.checkpoint(place, all)
end

describe("a training that is killed", function()
  it("goes on with the weights of an undisturbed one, every time", function()
    local count = long and 200 or 10
    local result = crash.run(count, 20170825)
    print(("%d kills, %d inside a save, %d resumed with the same weights"):format(result.kills, result.inside,
      result.identical))
    assert.equal(count, result.kills)
    assert.equal(count, result.identical)
    -- Every second kill waits for a save; on a busy machine it may come when that is done.
    local least = long and count // 3 or 1
    assert.is_true(result.inside >= least, ("only %d of %d were inside a save"):format(result.inside, count))
  end)
end)

describe("a checkpoint", function()
  it("is refused for every bit that flips and every length that it is cut to", function()
    local place = directory .. "/flips"
    local checkpoint = open(place)
    checkpoint:save()
    checkpoint:close()
    local path = place .. "/checkpoint.safetensors"
    local whole, tried, accepted = command.read_file(path), 0, {}
    local function try(content, what)
      command.write_file(path, content)
      tried = tried + 1
      if fnet.read_tensors(path) then accepted[#accepted + 1] = what end
    end
    local step = long and 1 or 37
    for length = 0, #whole - 1, step do try(whole:sub(1, length), "cut to " .. length) end
    for bit = 0, 8 * #whole - 1, step do
      local at = bit // 8 + 1
      try(whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ 1 << bit % 8) .. whole:sub(at + 1), "bit " .. bit)
    end
    assert.same({}, accepted)
    assert.is_true(tried > 100)
    command.write_file(path, whole)
    assert.is_table(fnet.read_tensors(path))
  end)

  it("survives a full disk and a directory that becomes read-only", function()
    local place = directory .. "/small"
    if not os.execute(("mkdir '%s' && mount -t tmpfs -o size=64k tmpfs '%s' 2>/dev/null"):format(place, place)) then
      pending "no small file system can be mounted here; tests/c/core/durable_test.c makes the calls fail instead"
      return
    end
    local ok, message = pcall(function()
      local checkpoint = assert(open(place .. "/run"))
      assert(checkpoint:save())
      local path = place .. "/run/checkpoint.safetensors"
      local before = command.read_file(path)
      checkpoint.values.large = fnet.zeros { 20000 }
      assert.same({ nil, path .. ": No space left on device", 28 }, { checkpoint:save() })
      assert.equal(before, command.read_file(path))
      assert.equal("checkpoint.safetensors\nlock\n", command.shell(directory, "ls small/run").output)
      checkpoint.values.large = nil
      checkpoint:close()
      assert(os.execute(("mount -o remount,ro '%s'"):format(place)))
      assert.same({ nil, path .. ": Read-only file system", 30 }, { fnet.write_tensors(path, {}) })
      assert.same({ nil, place .. "/run/lock: Read-only file system", 30 }, { open(place .. "/run") })
      assert.equal(before, command.read_file(path))
    end)
    os.execute(("umount -l '%s'"):format(place))
    assert.is_true(ok, message)
  end)
end)
