-- fnet for a Lua 5.4 or 5.5 that is there already, the library and the command: `luarocks make` in a clone. A rockspec
-- with a version and a source, from which `luarocks pack` and `luarocks install` work, is made of this by `make rock`.
package = "fnet"
version = "scm-1"
source = { url = "file:///; of this rockspec only `luarocks make` works, `make rock` writes one that has a source" }
rockspec_format = "3.0"
description = {
  summary = "A neural-network laboratory: tensors, gradients and training at C speed",
  detailed = [[
    Tensors, gradients, layers, optimisers and data sets for Lua, computed in C. The same seed gives the same weights,
    bit for bit, on any number of threads and any instruction set. The command `fnet` is an interpreter of Lua with all
    of that inside.]],
  license = "MIT",
  labels = { "neural-network", "machine-learning", "tensor" },
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.4, < 5.6" }
external_dependencies = { ZLIB = { header = "zlib.h" } } -- libpng, libjpeg and line editing: each that pkg-config finds
build = {
  type = "make",
  build_target = "fnet library",
  variables = {
    CFLAGS = "$(CFLAGS)", CPPFLAGS = "-I$(ZLIB_INCDIR)", LDFLAGS = "-L$(ZLIB_LIBDIR)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)", LUA_LIBDIR = "$(LUA_DIR)/lib",
  },
  install_variables = {
    PREFIX = "$(PREFIX)", BINDIR = "$(BINDIR)", LUADIR = "$(LUADIR)", LIBDIR = "$(LIBDIR)",
  },
}
test = { type = "command", command = "make test" }
