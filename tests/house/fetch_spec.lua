--- data/fetch.sh against a web server on loopback: it downloads, continues, checks, and leaves no bad file.
-- A copy of the script runs in a temporary directory beside checksums of the small data set.

local command = require "tests.support.command"

local FIXTURES = command.directory .. "/tests/fixtures/fashion"
local PACKAGE = "/usr/share/datasets/fashion-mnist"
local NAMES = {
  "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}
local FIRST = NAMES[1]

local function output_of(line)
  local pipe = assert(io.popen(line))
  local text = pipe:read "a"
  assert(pipe:close())
  return text
end

local function read_optional(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  file:close()
  return command.read_file(path)
end

describe("data/fetch.sh", function()
  local directory, web, target, log, port, server

  setup(function()
    server = os.tmpname()
    local compile = (os.getenv "CC" or "cc") .. " -std=c11 -D_DEFAULT_SOURCE -o "
    assert(os.execute(compile .. server .. " tests/support/loopback_server.c"))
  end)

  teardown(function() os.remove(server) end)

  local pid

  local function start(served)
    port, pid = output_of(("%s %s %s"):format(server, served, log)):match "(%d+) (%d+)"
  end

  local function stop()
    if pid then os.execute("kill " .. pid) end
    pid = nil
  end

  before_each(function()
    directory = command.make_directory()
    web, target, log = directory .. "/web", directory .. "/target", directory .. "/log"
    assert(os.execute(("mkdir %s %s"):format(web, target)))
    assert(os.execute(("cp %s/*.gz %s && cp data/fetch.sh %s"):format(command.quote(FIXTURES), web, directory)))
    local sums = {}
    for i, name in ipairs(NAMES) do
      local sum = output_of(("gzip -dc %s/%s.gz | sha256sum"):format(command.quote(FIXTURES), name)):match "%x+"
      sums[i] = sum .. "  " .. name .. "\n"
    end
    command.write_file(directory .. "/SHA256SUMS", table.concat(sums))
    start(web)
  end)

  after_each(function()
    stop()
    command.remove_directory(directory)
  end)

  -- Runs the script; mirrors: paths on the server, or whole addresses.
  local function fetch(mirrors, settings)
    local addresses = {}
    for i, mirror in ipairs(mirrors) do
      addresses[i] = mirror:find "^http" and mirror or ("http://127.0.0.1:%s%s"):format(port, mirror)
    end
    local variables = ("no_proxy=127.0.0.1 FNET_DATASET_DIR=%s/none FNET_MIRROR='%s' %s"):format(directory,
      table.concat(addresses, " "), settings or "")
    return command.shell(directory, ("%s ./fetch.sh %s"):format(variables, target))
  end

  -- The first file in a directory of its own on the server, as another mirror has it.
  local function serve(path, bytes)
    assert(os.execute(("mkdir -p %s%s && cp %s/*.gz %s%s"):format(web, path, command.quote(FIXTURES), web, path)))
    if bytes then command.write_file(("%s%s/%s.gz"):format(web, path, FIRST), bytes) end
  end

  local function original(name) return command.read_file(("%s/%s.gz"):format(FIXTURES, name)) end
  local function fetched(name) return read_optional(("%s/%s.gz"):format(target, name)) end
  local function part(name) return read_optional(("%s/%s.gz.part"):format(target, name)) end
  local function write_part(bytes) command.write_file(("%s/%s.gz.part"):format(target, FIRST), bytes) end
  local function requests() return read_optional(log) or "" end

  local function assert_complete(result)
    assert.equal(0, result.status, result.errors)
    assert.matches("every checksum matches", result.errors)
    for _, name in ipairs(NAMES) do
      assert.is_true(original(name) == fetched(name))
      assert.is_nil(part(name))
    end
  end

  it("downloads the four files", function() assert_complete(fetch { "/" }) end)

  it("finds its checksums where CDPATH leads elsewhere", function()
    local line = "mkdir -p other/data data && mv fetch.sh SHA256SUMS data && CDPATH=$PWD/other no_proxy=127.0.0.1 "
      .. "FNET_DATASET_DIR=none FNET_MIRROR=http://127.0.0.1:%s/ sh data/fetch.sh %s"
    assert_complete(command.shell(directory, line:format(port, target)))
  end)

  it("has nothing to download the second time", function()
    fetch { "/" }
    local before = requests()
    assert_complete(fetch { "/" })
    assert.equal(before, requests())
  end)

  it("replaces a file that is damaged", function()
    command.write_file(("%s/%s.gz"):format(target, FIRST), "damaged")
    assert_complete(fetch { "/" })
  end)

  it("continues what an earlier run began", function()
    write_part(original(FIRST):sub(1, 100000))
    assert_complete(fetch { "/" })
    assert.matches("/" .. FIRST .. ".gz 100000\n", requests(), 1, true)
  end)

  it("keeps what it has when the connection breaks, and continues from there", function()
    serve "/broken"
    local result = fetch { "/broken" }
    assert.equal(1, result.status)
    assert.is_nil(fetched(FIRST))
    local begun = part(FIRST)
    assert.is_true(#begun > 0 and begun == original(FIRST):sub(1, #begun))
    assert_complete(fetch { "/" })
    assert.matches(("/%s.gz %d\n"):format(FIRST, #begun), requests(), 1, true)
  end)

  it("starts again where the server cannot continue", function()
    serve "/whole"
    write_part(original(FIRST):sub(1, 100000))
    assert_complete(fetch { "/whole" })
  end)

  it("starts again when what it continued was damaged", function()
    write_part(("x"):rep(1000))
    local result = fetch { "/" }
    assert_complete(result)
    assert.matches("does not have the SHA-256 of " .. FIRST, result.errors, 1, true)
  end)

  it("starts again when it has more than the file holds", function()
    write_part(("x"):rep(1000000))
    assert_complete(fetch { "/" })
  end)

  it("deletes a file with another checksum, and says so", function()
    serve("/other", original(NAMES[3]))
    local result = fetch { "/other" }
    assert.equal(1, result.status)
    local lines = {
      "fetch.sh: downloading ADDRESS",
      "fetch.sh: what came from ADDRESS does not have the SHA-256 of NAME, so it was deleted",
      "fetch.sh: NAME.gz could not be fetched; try again later, name another address in FNET_MIRROR, "
        .. "or put the four files into TARGET yourself",
    }
    local values = {
      ADDRESS = ("http://127.0.0.1:%s/other/%s.gz"):format(port, FIRST), NAME = FIRST, TARGET = target,
    }
    assert.equal((table.concat(lines, "\n") .. "\n"):gsub("%f[%u]%u+%f[%U]", values), result.errors)
    assert.is_nil(fetched(FIRST))
    assert.is_nil(part(FIRST))
  end)

  it("refuses the right content with something behind it", function()
    serve("/other", original(FIRST) .. "x")
    assert.equal(1, fetch({ "/other" }).status)
    assert.is_nil(fetched(FIRST))
  end)

  it("goes to the next mirror after a wrong checksum or an error", function()
    serve("/other", "<html>moved</html>")
    assert_complete(fetch { "/missing", "/other", "/" })
  end)

  it("reports a server that does not answer", function()
    stop()
    write_part(original(FIRST):sub(1, 1000))
    local result = fetch { "/" }
    assert.equal(1, result.status)
    assert.matches("could not be fetched", result.errors)
    assert.equal(1000, #part(FIRST))
  end)

  it("does nothing where the package is installed", function()
    local result = fetch({ "/" }, "FNET_DATASET_DIR=" .. command.quote(FIXTURES))
    assert.equal(0, result.status)
    assert.equal("fetch.sh: Fashion-MNIST is in " .. FIXTURES .. " already; nothing to do\n", result.errors)
    assert.equal("", requests())
  end)

  describe("with few tools", function()
    -- A directory with the named programs alone.
    local function tools(names)
      local bin = directory .. "/bin"
      assert(os.execute("mkdir -p " .. bin))
      for name in ("sh sed gzip cut mkdir mv rm dirname " .. names):gmatch "%S+" do
        local line = ("ln -s \"$(command -v %s)\" %s/%s 2>/dev/null"):format(name, bin, name)
        if not os.execute(("command -v %s >/dev/null && %s"):format(name, line)) then return nil, name end
      end
      return "PATH=" .. bin
    end

    for _, names in ipairs { "curl sha256sum", "curl openssl", "curl shasum perl", "wget sha256sum" } do
      it("downloads by means of " .. names, function()
        local path, missing = tools(names)
        if not path then return pending(missing .. " is not installed") end
        write_part(original(FIRST):sub(1, 100000))
        assert_complete(fetch({ "/" }, path))
        assert.matches("/" .. FIRST .. ".gz 100000\n", requests(), 1, true)
      end)
    end

    it("starts again with wget too", function()
      local path, missing = tools "wget sha256sum"
      if not path then return pending(missing .. " is not installed") end
      write_part(("x"):rep(1000))
      assert_complete(fetch({ "/" }, path))
      os.remove(("%s/%s.gz"):format(target, FIRST))
      write_part(("x"):rep(1000000))
      assert_complete(fetch({ "/missing", "/" }, path))
    end)

    it("says what to install", function()
      local result = fetch({ "/" }, tools "sha256sum")
      assert.equal(1, result.status)
      assert.equal("fetch.sh: neither curl nor wget is there to download with; install one of them\n",
        result.errors)
    end)
  end)

  it("finds the whole data set to have the checksums that it carries", function()
    local directory_of_package = io.open(PACKAGE .. "/" .. FIRST .. ".gz")
    if not directory_of_package then return pending "the package is not installed" end
    directory_of_package:close()
    stop()
    start(PACKAGE)
    assert(os.execute(("cp data/SHA256SUMS %s"):format(directory)))
    local result = fetch { "/" }
    assert.equal(0, result.status, result.errors)
    assert.is_true(fetched(FIRST) == command.read_file(PACKAGE .. "/" .. FIRST .. ".gz"))
  end)
end)
