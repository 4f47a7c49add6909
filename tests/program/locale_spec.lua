--- Files are the same bytes in every locale, and are read in every one: the process has a decimal comma here, as a
-- script or a C library may have asked for by setlocale.

local command = require "tests.support.command"

-- Writes everything that fnet writes into the directory arg[1], in the locale arg[2]; reads what lies in arg[3].
local SCRIPT = [[
local fnet = require "fnet"
local decimal, json = require "fnet.base.decimal", require "fnet.files.json"
local nn, data, to, from = fnet.nn, fnet.data, arg[1], arg[3]
assert(os.setlocale(arg[2]), "no such locale")
fnet.seed(2)
local model = nn.Sequential { nn.Dense(3, 4), nn.LeakyReLU(0.125), nn.Dropout(0.25),
  nn.BatchNorm(4, { epsilon = 1e-4 }), nn.Dense(4, 2), nn.Softmax() }
local x = fnet.rand { 12, 3 }
local set = data.Dataset { x = (x * 255):byte(), y = fnet.full({ 12 }, 1, "int32"), scale = 1 / 512 }
assert(model:save(to .. "/model.safetensors", { script = false, metrics = { accuracy = 0.875, loss = 1e-7 } }))
assert(model:export_c(to .. "/model.c"))
assert(model:export_c(to .. "/small.c", { weights = "int8" }))
assert(model:export_onnx(to .. "/model.onnx"))
assert(model:export_html(to .. "/model.html", { data = set, standardise = data.standardise(
  data.Dataset { x = x, y = set.y }) }))
local events = fnet.report.events(to .. "/events", { wall_time = 0.5 })
events:scalar("loss", 1, 0.5):histogram("x", 1, x):close()
assert(fnet.write_tensors(to .. "/tensors.safetensors", { x = x }))
assert(data.write_npy(to .. "/x.npy", x))
assert(data.write_npz(to .. "/x.npz", { x = x }))
assert(data.write_png(to .. "/x.png", (x * 255):byte()))
assert(fnet.report.plot({ 0.5, 0.25 }, { path = to .. "/plot.svg", y_range = { low = 0.1 } }))
local history = require "fnet.train.history"(1, { "loss" })
history[1] = { epoch = 1, samples = 2, loss = 0.1, seconds = 0.25 }
assert(history:csv(to .. "/history.csv"))
local opt = fnet.optim.Adam(model:parameters(), { lr = 0.003 })
local checkpoint = assert(fnet.checkpoint(to .. "/run", { model = model, optim = opt, script = false }))
checkpoint.values.best = 0.0625
assert(checkpoint:save())
checkpoint:close()
local text = assert(io.open(to .. "/text", "w"))
text:write(fnet.report.json { { "loss", 0.5 }, { "rate", 1e-5 }, { "steps", 7 } }, "\n",
  json.encode { 0.1, -2.5e300 }, "\n", decimal.text("%.3f", -12.5), "\n", set:sha256(), "\n")
text:close()

local loaded = assert(fnet.load(from .. "/model.safetensors"))
assert(loaded[2].value == 0.125 and loaded[3].rate == 0.25, "other numbers")
assert(loaded:sha256() == model:sha256())
local again = assert(fnet.checkpoint(from .. "/run", { model = model, optim = opt, script = false, resume = true }))
assert(opt.lr == 0.003 and again.values.best == 0.0625)
again:close()
assert(data.read_npy(from .. "/x.npy").shape[1] == 12)
local table = io.open(to .. "/table.csv", "w")
table:write "a,b,y\n0.5,1.25,2\n1e-1,-3.5,1\n"
table:close()
assert(data.read_csv(to .. "/table.csv", { target = "y" }).x[1][2] == 1.25)
assert(json.decode "[0.5]"[1] == 0.5 and #json.decode "[0,5]" == 2)
assert(decimal.value "0.5" == 0.5 and decimal.value "-1.5e3" == -1500 and decimal.value "7" == 7)
assert(decimal.value "0,5" == nil and decimal.value "1.5.2" == nil and decimal.value "" == nil)
]]

local LOCALES = { "de_DE", "fr_FR" }

describe("in a locale with a decimal comma", function()
  local directory
  setup(function()
    directory = command.make_directory()
    command.write_file(directory .. "/script.lua", SCRIPT)
    command.shell(directory, "mkdir C")
    local result = command.shell(directory, command.line(command.fnet, { "script.lua", "C", "C", "C" }))
    assert.same({ "", 0 }, { result.errors, result.status })
  end)
  teardown(function() command.remove_directory(directory) end)

  for _, name in ipairs(LOCALES) do
    it("files are those of any other, " .. name, function()
      local made = command.shell(directory, ("mkdir -p locales %s && localedef -i %s -f UTF-8 locales/%s.UTF-8")
        :format(name, name, name))
      if made.status ~= 0 then return pending("localedef makes no such locale here: " .. made.errors) end
      local result = command.shell(directory, "LOCPATH=$PWD/locales " ..
        command.line(command.fnet, { "script.lua", name, name .. ".UTF-8", "C" }))
      assert.same({ "", 0 }, { result.errors, result.status })
      result = command.shell(directory, "rm " .. name .. "/table.csv; diff -r -x table.csv C " .. name)
      assert.same({ "", 0 }, { result.output, result.status })
      result = command.shell(directory, "rm -rf back; mkdir back; " ..
        command.line(command.fnet, { "script.lua", "back", "C", name }))
      assert.same({ "", 0 }, { result.errors, result.status })
    end)
  end
end)
