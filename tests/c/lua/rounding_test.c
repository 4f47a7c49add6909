/* Another library of the process has set another mode of floating-point arithmetic, to flush denormal numbers to
   zero or to round upwards: what fnet computes stays the same to the last bit, in each thread, and the mode is
   afterwards what it was. */
#include "../check.h"

#include "../../../src/core/rounding.h"
#include "../../../src/lua/lcore.h"

#include <fenv.h>
#include <lauxlib.h>
#include <lualib.h>

/* Gives a function that gives names and digests. The numbers are exact, so that Lua's own arithmetic does not
   matter; the tables and texts are read before the mode changes. */
static const char script[] =
    "package.path = 'lua/?.lua;lua/?/init.lua'\n"
    "local fnet = require 'fnet'\n"
    "local nn, data, tenth, tiny, third = fnet.nn, fnet.data, 0.1, 1e-40, 1 / 3\n"
    "local numbers = { 1e-38, 3e-39, 1e-45, 0.1, -0.3, 7, 1 / 3 }\n"
    "local path = os.tmpname()\n"
    "local file = io.open(path, 'w')\n"
    "file:write 'a,b\\n0.1,1e-40\\n0.12345678901234567890123,3.3e-41\\n0.1234567890123456789e-5,7\\n' "
    "file:close()\n"
    "for n = 1, 4 do fnet.threads(n) fnet.rand { 400, 400 }:exp() end\n"
    "return function(threads)\n"
    "  fnet.threads(threads)\n"
    "  fnet.seed(1)\n"
    "  local names, digests = {}, {}\n"
    "  local function note(name, ...)\n"
    "    for _, value in ipairs { ... } do\n"
    "      names[#names + 1] = name\n"
    "      digests[#digests + 1] = fnet.is_tensor(value) and fnet.sha256(value) or string.pack('n', value)\n"
    "    end\n"
    "  end\n"
    "  local small, wide = fnet.tensor(numbers), fnet.tensor(numbers, 'float64')\n"
    "  local x, big = fnet.rand { 60, 70 }, fnet.randn { 300, 310 }\n"
    "  note('tensor', small, wide)\n"
    "  note('random', x, big, fnet.rand({ 9 }, -tenth, third), fnet.randn({ 9 }, tenth, third))\n"
    "  note('full', fnet.full({ 5 }, tenth), fnet.full({ 5 }, tiny), fnet.zeros { 5 }:fill(third))\n"
    "  note('range', fnet.arange(0, 1, tenth), fnet.arange(0, 1, third, 'float64'))\n"
    "  note('convert', wide:float(), small:double(), (wide * tenth):float())\n"
    "  note('item', small[1], small[3], small:get(2), (small * 0.5)[1], small:totable()[3])\n"
    "  note('set', fnet.zeros { 2 }:set(tenth, 1) or small)\n"
    "  for _, name in ipairs { 'exp', 'tanh', 'sigmoid', 'sqrt', 'abs', 'relu', 'gelu', 'log', 'softmax' } do\n"
    "    note(name, small[name](small), x[name](x), (big * tiny)[name](big * tiny))\n"
    "  end\n"
    "  note('binary', small * 0.5, small + tiny, small / 3, small - x[1]:slice(1, 1, 7), x ^ 1.5, big * tiny * "
    "0.5)\n"
    "  note('reduce', small:sum(), x:mean(), x:sum(1), big:sum(2), (big * tiny):sum(), x:max(), x:std(), "
    "x:var(2),\n"
    "    wide:std(), (x * 255):byte():mean(1), (x * 9):int():mean(), x:norm(), x:double():mean(1))\n"
    "  note('index', (small * 0.25):argmax(), small:argmin(), small:slice(1, 2, 3):max())\n"
    "  note('product', x:matmul(x:T()), big:matmul(big:T()), (x * 1e-20):matmul(x:T() * 1e-20))\n"
    "  note('view', big:T():contiguous(), x:T():double():float())\n"
    "  local model = nn.Sequential { nn.Conv2D(1, 4, 3), nn.BatchNorm(4), nn.MaxPool2D(2), nn.AvgPool2D(2), "
    "nn.Flatten(),\n"
    "    nn.Dense(4 * 5 * 5, 40), nn.LayerNorm(40), nn.Dropout(0.25), nn.Dense(40, 3) }\n"
    "  local opt = fnet.optim.Adam(model:parameters(), { lr = 0.125 })\n"
    "  local pictures, labels = fnet.rand { 8, 24, 24, 1 }, fnet.full({ 8 }, 2, 'int32')\n"
    "  local loss = nn.cross_entropy(model(pictures), labels)\n"
    "  loss:backward() fnet.optim.clip_norm(model:parameters(), 0.5) opt:step()\n"
    "  note('training', loss, loss:item(), table.unpack(model:parameters()))\n"
    "  local read = assert(data.read_csv(path, { target = 'b' }))\n"
    "  note('csv', read.x, read.y)\n"
    "  note('resize', data.resize(big, 40, 50))\n"
    "  return names, digests\n"
    "end\n";

static const struct {
    const char *name;
    int rounding;
    bool flush;
} modes[] = {
    {"to nearest", FE_TONEAREST, false},       {"upwards", FE_UPWARD, false},
    {"downwards", FE_DOWNWARD, false},         {"towards zero", FE_TOWARDZERO, false},
    {"denormals flushed", FE_TONEAREST, true},
};
enum { MODES = sizeof modes / sizeof *modes, MOST = 400 };

static void set_mode(int rounding, bool flush) {
    fesetenv(FE_DFL_ENV);
    fesetround(rounding);
#if defined(__x86_64__)
    if (flush) rounding_write(rounding_read() | 0x8040); /* flush to zero, denormals are zeros */
#elif defined(__aarch64__)
    if (flush) rounding_write(rounding_read() | 1 << 24);
#else
    (void)flush; /* not known here */
#endif
}

static char digest[2][MOST][80];
static char name[MOST][40];

/* Calls the function on top of the stack; how many digests it gave. */
static size_t results(lua_State *L, int threads, size_t m, char (*to)[80]) {
    lua_pushvalue(L, -1);
    lua_pushinteger(L, threads);
    set_mode(modes[m].rounding, modes[m].flush);
    rounding_mode before = rounding_read();
    int status = lua_pcall(L, 1, 2, 0);
    rounding_mode after = rounding_read();
    set_mode(FE_TONEAREST, false);
    if (!check(status == LUA_OK, "%s", lua_tostring(L, -1))) {
        lua_pop(L, 1);
        return 0;
    }
    check(((before ^ after) & ROUNDING_BITS) == 0, "the mode was %#lx and is %#lx", (unsigned long)before,
          (unsigned long)after);
    size_t count = (size_t)lua_rawlen(L, -1);
    if (!check(count <= MOST, "too many")) exit(check_end());
    for (size_t i = 0; i < count; i++) {
        size_t length;
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        lua_rawgeti(L, -3, (lua_Integer)i + 1);
        snprintf(name[i], sizeof name[i], "%s", lua_tostring(L, -1));
        const char *bytes = lua_tolstring(L, -2, &length);
        memset(to[i], 0, sizeof to[i]);
        memcpy(to[i], bytes, length < sizeof to[i] ? length : sizeof to[i]);
        lua_pop(L, 2);
    }
    lua_pop(L, 2);
    return count;
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_fnet_core);
    lua_setfield(L, -2, "fnet.core");
    lua_settop(L, 0);
    test("the script");
    if (!check(luaL_dostring(L, script) == LUA_OK, "%s", lua_tostring(L, -1))) return check_end();
    size_t expected = results(L, 1, 0, digest[0]);
    if (expected == 0) return check_end();
    for (size_t m = 0; m < MODES; m++)
        for (int threads = 1; threads <= 4; threads += 3) {
            test("%s, %d threads", modes[m].name, threads);
            size_t made = results(L, threads, m, digest[1]);
            check(made == expected && made > 0, "%zu results, not %zu", made, expected);
            for (size_t i = 0; i < made; i++)
                check(memcmp(digest[0][i], digest[1][i], sizeof digest[0][i]) == 0, "%s, result %zu", name[i],
                      i + 1);
        }
    lua_close(L);
    return check_end();
}
