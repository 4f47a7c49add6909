--- What `make dist`, `make rock` and `make deb` pack of these sources: all of it, the same bytes each time, with
-- its licences, and it builds. Of a clone that this spec makes. `make test-long` sets FNET_LONG: then the rock is
-- installed, and Debian's packages are built and given to lintian.

local command = require "tests.support.command"

local long = (os.getenv "FNET_LONG" or "") ~= ""

local function has(program) return os.execute("command -v " .. program .. " >/dev/null") == true end

describe("a release", function()
  if command.fnet:gsub("/%./", "/") ~= command.directory .. "/fnet" then
    return pending "left out: what is packed is the same, whichever variant is tested"
  end
  if not has "git" then return pending "left out: git is not here, of whose files a release is made" end

  local version = command.read_file("src/version.h"):match 'FNET_VERSION "([^"]*)"'
  local name = "fnet-" .. version
  local make = "env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CC -u CFLAGS -u LUA_PATH_5_4 -u LUA_CPATH_5_4 make -s "
  local directory

  local function shell(script)
    return command.shell(directory, [[
      export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
      export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.c
    ]] .. script)
  end

  local function run(script)
    local result = shell(script)
    assert.equal(0, result.status, result.output .. result.errors)
    return result.output
  end

  -- What a script says that fails.
  local function refused(script)
    local result = shell(script)
    assert.not_equal(0, result.status, result.output)
    return result.errors
  end

  lazy_setup(function()
    directory = command.make_directory()
    run("mkdir clone && cd clone && tar -C " .. command.quote(command.directory) ..
      " --exclude=./.git --exclude=./build --exclude=./fnet -c . | tar -x && git init -q && git add -A && " ..
      "GIT_COMMITTER_DATE='2026-01-02 03:04:05 +0600' git commit -q -m all && git tag v" .. version)
    run("cd clone && " .. make .. "dist && tar -x -z -C .. -f build/dist/" .. name .. ".tar.gz")
  end)
  lazy_teardown(function() command.remove_directory(directory) end)

  it("has every tracked file, and nothing else", function()
    run("(cd clone && git ls-files | LC_ALL=C sort) >tracked")
    run("(cd " .. name .. " && find . ! -type d | sed 's:^./::' | LC_ALL=C sort) >packed")
    run "diff tracked packed"
    run("cd clone/build/dist && sha256sum --check " .. name .. ".tar.gz.sha256")
  end)

  it("is the same bytes elsewhere and later", function()
    run("umask 077 && git clone -q clone 'an other' && cd 'an other' && TZ=Asia/Tokyo " .. make .. "dist")
    run "diff -r clone/build/dist 'an other/build/dist'"
    assert.matches("2026%-01%-01 21:04", run("TZ=UTC0 tar -t -v -z -f clone/build/dist/" .. name .. ".tar.gz"))
  end)

  it("lists its files with checksums, licences and copyright", function()
    local list = command.read_file(directory .. "/clone/build/dist/" .. name .. ".spdx")
    local sums = { SHA1 = {}, SHA256 = {} }
    local ours, zalando = 0, {}
    for path, facts in (list .. "\n"):gmatch "%f[%w]FileName: ([^\n]*)\n(.-\n)\n" do
      for kind, sum in facts:gmatch "FileChecksum: (%w+): (%x+)" do
        table.insert(sums[kind], sum .. "  " .. path)
      end
      assert.matches("LicenseConcluded: MIT\n", facts)
      if facts:find("<text>Copyright (c) 2017 Zalando SE", 1, true) then
        zalando[#zalando + 1] = path
      elseif facts:find("<text>Copyright (c) 2026 the fnet authors</text>", 1, true) then
        ours = ours + 1
      end
    end
    for kind, program in pairs { SHA1 = "sha1sum", SHA256 = "sha256sum" } do
      command.write_file(directory .. "/sums", table.concat(sums[kind], "\n") .. "\n")
      run("cd " .. name .. " && " .. program .. " --quiet --check ../sums")
      assert.equal(tonumber(run("find " .. name .. " -type f | wc -l")), #sums[kind])
    end
    assert.equal(#sums.SHA1, ours + #zalando)
    assert.equal(5, #zalando)
    for _, path in ipairs(zalando) do assert.matches("^%./tests/fixtures/fashion/", path) end
  end)

  it("builds without a network, and works", function()
    local isolated = shell("unshare -n true").status == 0 and "unshare -n " or ""
    run("cd " .. name .. " && " .. isolated .. make ..
      "-j2 CFLAGS=-O0 fast_kernels= READLINE=none IMAGES=none MPI=none fnet library")
    assert.equal(("fnet %s  numerics "):format(version), run("./" .. name .. "/fnet -v"):match "^fnet .*numerics ")
    if command.lua then
      assert.equal(version .. "\n", run("cd " .. name .. " && LUA_PATH='lua/?.lua;lua/?/init.lua' " ..
        "LUA_CPATH='build/release/?.so' env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 " .. command.lua ..
        [[ -e 'print(require("fnet").version)']]))
    end
  end)

  it("is refused where it would not be what it says", function()
    assert.matches("packs what git tracks, and git says: .*not a git repository", refused("cd " .. name .. " && " ..
      "GIT_CEILING_DIRECTORIES=" .. command.quote(directory) .. " " .. make .. "dist"))
    run "git clone -q clone third && echo >>third/README.md"
    assert.matches("what is not committed is left out: README.md\n", shell("cd third && " .. make .. "dist").errors)
    run "sed -i 's/VERSION \"/VERSION \"9/' third/src/version.h"
    assert.matches("src/version.h says 9" .. version:gsub("%.", "%%.") .. ", but in the last commit",
      refused("cd third && " .. make .. "dist"))
    run "cd third && git checkout -q . && echo 'All rights reserved' >tests/LICENSE"
    run "cd third && git add -A && git commit -q -m another"
    assert.matches("%./tests/LICENSE is not the MIT licence", refused("cd third && " .. make .. "dist"))
    run("mkdir third/within && cd clone && cp -R Makefile src ../third/within")
    assert.matches("of a clone this is only the folder within/", refused("cd third/within && " .. make .. "dist"))
  end)

  it("has its copyright holders in Debian's packages too", function()
    local debian = command.read_file "src/tools/packages/debian/copyright"
    for path in run("cd " .. name .. " && find . -name LICENSE"):gmatch "%./([^\n]+)" do
      local folder = path == "LICENSE" and "*" or path:gsub("LICENSE$", "*")
      local holder = command.read_file(path):match "Copyright %(c%) ([^\n]*)"
      assert.is_truthy(debian:find(("Files: %s\nCopyright: %s\n"):format(folder, holder), 1, true), path)
    end
  end)

  it("is packed for LuaRocks, from the tarball or from a tag", function()
    if not has "luarocks" then return pending "luarocks is not here" end
    local rock = name .. "-1.src.rock"
    for _, source in ipairs { "", " SOURCE=git+file://" .. directory .. "/clone" } do
      run("rm -rf unpacked clone/build/dist/*.rock && mkdir unpacked && cd clone && " .. make .. "rock" .. source)
      run("luarocks lint clone/build/dist/" .. name .. "-1.rockspec")
      run("cd unpacked && luarocks unpack ../clone/build/dist/" .. rock)
      assert.matches(version, run("cat unpacked/*/*/src/version.h"), 1, true)
    end
    for _, source in ipairs { "x/y", "github.com/x/y" } do
      assert.matches("SOURCE=" .. source .. ": expected an address",
        refused("cd clone && " .. make .. "rock SOURCE=" .. source), 1, true)
    end
    assert.matches("`make rock` writes one that has a source",
      shell("luarocks pack " .. command.quote(command.directory .. "/fnet-scm-1.rockspec")).errors)

    if not (long and command.lua) then return end
    run("cd clone && " .. make .. "rock")
    run("luarocks --lua-version 5.4 --tree tree install clone/build/dist/" .. rock)
    assert.matches("^fnet " .. version, run "tree/bin/fnet -v")
    assert.equal(version .. "\n", run('eval "$(luarocks --lua-version 5.4 --tree tree path)" && ' .. command.lua ..
      [[ -e 'print(require("fnet").version)']]))
    run("luarocks --lua-version 5.4 --tree tree remove fnet")
    assert.equal("", run "find tree -name 'fnet*' -type f")
  end)

  it("is packed for Debian, to lintian's satisfaction", function()
    if not long then return pending "in make test-long" end
    if not (has "dh" and has "lintian") then return pending "debhelper and lintian are not here" end
    run("cd clone && export DEBFULLNAME='fnet authors' DEBEMAIL=fnet@debian.org DEB_BUILD_OPTIONS=nocheck && " ..
      make .. "-j2 deb")
    assert.equal("", run "grep jobserver clone/build/deb/build.log || true")
    assert.equal("", run "cd clone/build/deb && lintian -E --pedantic *.changes")
    run("for package in clone/build/deb/*fnet_*.deb; do dpkg -x $package root; done")
    assert.matches("^fnet " .. version, run "root/usr/bin/fnet -v")
  end)
end)
