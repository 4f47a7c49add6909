--- What shells offer at Tab: `fnet --complete`, and bash, zsh and fish with the files of src/tools/completion.

local command = require "tests.support.command"
local terminal = require "tests.support.terminal"

local files = command.directory .. "/src/tools/completion/"
local quote = command.quote

local SCRIPT = [[
error "is not run at Tab"
fnet.options(arg, "Trains.", { { "epochs", 5, "passes" }, { "data", "", "where", value = "DIR" }, { "quick", false,
  "a \27[31mred\7 switch" } })
]]

local function is_here(program) return os.execute("command -v " .. program .. " >/dev/null 2>&1") == true end

describe("at Tab", function()
  local directory
  setup(function()
    directory = command.make_directory()
    command.write_file(directory .. "/mine.lua", SCRIPT)
    command.write_file(directory .. "/two words.lua", "")
    command.write_file(directory .. "/text.txt", "")
    assert(os.execute("mkdir -p " .. quote(directory .. "/bin") .. " " .. quote(directory .. "/deep")))
    assert(os.execute(("ln -s %s %s/bin/fnet"):format(quote(command.fnet), quote(directory))))
  end)
  teardown(function() command.remove_directory(directory) end)

  -- What `fnet --complete` prints, without what is said of the candidates, in one line.
  local function offered(...)
    local result = command.shell(directory, command.line(command.fnet, { "--complete", ... }))
    assert.same({ "", 0 }, { result.errors, result.status })
    return (result.output:gsub("\t[^\n]*", ""):gsub("\n", " "):gsub(" $", ""))
  end

  describe("fnet offers", function()
    it("commands and scripts, and its options after a dash", function()
      assert.equal("check info run eval export launch init :scripts", offered(""))
      assert.equal(offered "", offered())
      assert.equal("export :scripts", offered "exp")
      assert.equal("-e -l -i -v -V --version -E -W --help -h -- -", offered "-")
      assert.equal("--help", offered "--h")
      assert.equal("launch :scripts", offered("-W", "-e", "check", "--", "l"))
    end)

    it("every command that there is", function()
      for name in pairs(require "fnet.command") do assert.matches("%f[%w]" .. name .. "%f[%W]", offered "") end
    end)

    it("names and terms after --help, as far as the next dot", function()
      assert.equal("nn.Dense", offered("--help", "nn.De"))
      local all = offered("-h", "")
      assert.matches(" epoch ", all)
      assert.matches(" nn ", all)
      assert.is_nil(all:find("nn.", 1, true))
      assert.equal("--search", offered("--help", "-"))
      assert.equal("", offered("--help", "--search", "early"))
    end)

    it("nothing where any text may stand", function()
      for _, option in ipairs { "-e", "-l" } do assert.equal("", offered(option, "")) end
    end)

    it("the options of commands, the words that they take, and directories", function()
      assert.equal("--to --data --input --title --int8 --help", offered("export", "m.safetensors", "-"))
      assert.equal("c onnx html", offered("export", "m.safetensors", "--to", ""))
      assert.equal(":directories", offered("eval", "m.safetensors", "--data", ""))
      assert.equal("", offered("export", "m.safetensors", "--title", ""))
      assert.equal(":files", offered("export", "m.safetensors", "--int8", ""))
      assert.equal(":files", offered("info", ""))
      assert.equal("--to=c --to=onnx --to=html", offered("export", "m.safetensors", "--to="))
      assert.equal("--to=html", offered("export", "m.safetensors", "--to=ht"))
      assert.equal(":directories", offered("eval", "m.safetensors", "--data=de"))
      assert.equal(":directories", offered("init", ""))
    end)

    it("a script behind check and launch", function()
      assert.equal(":scripts", offered("check", ""))
      assert.equal("-n :scripts", offered("launch", ""))
      assert.equal("-n", offered("launch", "-"))
      assert.equal("", offered("launch", "-n", ""))
      assert.equal(":scripts", offered("launch", "-n", "4", ""))
      assert.equal("--epochs", offered("launch", "-n", "4", "mine.lua", "--e"))
      assert.equal("--epochs", offered("check", "mine.lua", "--e"))
    end)

    it("the options that a script declares, without running it", function()
      assert.equal("--epochs --data --quick --help", offered("-i", "mine.lua", "-"))
      assert.equal(":directories", offered("mine.lua", "--data", ""))
      assert.equal("", offered("mine.lua", "--epochs", ""))
      assert.equal(":files", offered("mine.lua", "--quick", ""))
      local result = command.shell(directory, command.line(command.fnet, { "--complete", "mine.lua", "--q" }))
      assert.is_nil(result.output:find "[\27\7]")
    end)

    it("nothing of files that are no scripts", function()
      for _, path in ipairs { "missing.lua", "deep", "/dev/zero", "text.txt", command.fnet } do
        assert.equal("", offered(path, "-"), path)
      end
    end)
  end)

  -- What is typed before the Tab, and the line that it makes.
  local lines = {
    { "fnet --h", "fnet --help " },
    { "fnet exp", "fnet export " },
    { "fnet --help nn.De", "fnet --help nn.Dense " },
    { "bin/fnet two", "bin/fnet two\\ words.lua " },
    { "~/bin/fnet mine.lua --ep", "~/bin/fnet mine.lua --epochs " },
    { "fnet eval m --data de", "fnet eval m --data deep/" },
    { "fnet info te", "fnet info text.txt " },
    { "fnet export m --to=ht", "fnet export m --to=html " },
    { "fnet export m --data=de", "fnet export m --data=deep/" },
  }

  -- Runs a shell at home in the directory, where its own fnet is the first; its output, or that of its terminal.
  local function run(line, keys)
    local home = quote(directory)
    local surroundings = ("HOME=%s ZDOTDIR=%s PATH=%s/bin:$PATH INPUTRC=/dev/null TERM=dumb"):format(home, home,
      home)
    local result = command.shell(directory, surroundings .. " timeout 20 " .. line, keys)
    assert.equal("", result.errors)
    return result.output
  end

  -- bash after some commands: each line is typed, a Tab, and what makes an echo of it.
  local function bash_completes(start)
    if not (is_here "bash" and terminal.real) then return pending "left out: bash or script(1) is not here" end
    command.write_file(directory .. "/start", start .. "\nPS1=\n")
    local keys, expected, shown = {}, {}, {}
    for i, line in ipairs(lines) do keys[i], expected[i] = line[1] .. "\t\1echo \"<\5>\"\n", line[2] end
    local output = run("script -qec 'bash --rcfile start -i' /dev/null", table.concat(keys) .. "exit\n")
    for line in output:gmatch "\n<([^\n>]*)>" do shown[#shown + 1] = line end
    assert.same(expected, shown, output)
  end

  it("bash by itself completes the line", function() bash_completes("source " .. quote(files .. "fnet.bash")) end)

  it("bash with bash-completion finds the file where it is installed, and completes the line", function()
    local path = "/usr/share/bash-completion/bash_completion"
    if not is_here(path) then return pending "left out: bash-completion is not here" end
    local folder = quote(directory .. "/share/completions")
    assert(os.execute(("mkdir -p %s && cp %s %s/fnet"):format(folder, quote(files .. "fnet.bash"), folder)))
    bash_completes("BASH_COMPLETION_USER_DIR=~/share\nsource " .. path)
  end)

  it("zsh completes the line", function()
    if not is_here "zsh" then return pending "left out: zsh is not here" end
    local typed, expected = {}, {}
    for i, line in ipairs(lines) do typed[i], expected[i] = quote(line[1]), line[2] end
    assert(os.execute(("cp %s %s/_fnet"):format(quote(files .. "fnet.zsh"), quote(directory))))
    command.write_file(directory .. "/.zshrc", ([[
      fpath=(~ $fpath)
      autoload -Uz compinit
      compinit -u -D
      lines=(%s)
      zle-line-init() {
        local line
        for line in $lines; do BUFFER=$line CURSOR=$#BUFFER; zle complete-word; print -r -- $BUFFER >>lines; done
        exit
      }
      zle -N zle-line-init]]):format(table.concat(typed, " ")))
    local output = run(
      "zsh -fc 'zmodload zsh/zpty; zpty inner zsh -i; while zpty -r inner line; do print -rn -- $line; done'")
    assert.equal(table.concat(expected, "\n") .. "\n", command.read_file(directory .. "/lines"), output)
  end)

  it("fish completes the word", function()
    if not is_here "fish" then return pending "left out: fish is not here" end
    local expected, script = {}, { "source " .. quote(files .. "fnet.fish") }
    for i, line in ipairs(lines) do
      script[i + 1] = ("complete -C %s | string match -r '^[^\\t]+' | head -n 1"):format(quote(line[1]))
      expected[i] = line[2]:gsub(" $", ""):gsub("\\", ""):match "[^ ]*$"
    end
    expected[4] = "two words.lua"
    command.write_file(directory .. "/start", table.concat(script, "\n"))
    assert.equal(table.concat(expected, "\n") .. "\n", run "fish start")
  end)
end)
