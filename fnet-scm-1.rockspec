-- The library for a Lua 5.4 or 5.5 that is there already: `luarocks make` in a clone. (The interpreter fnet comes with
-- `make install`.)
package = "fnet"
version = "scm-1"
rockspec_format = "3.0"
source = { url = "." }
description = {
  summary = "A neural-network laboratory: tensors, gradients and training at C speed",
  license = "MIT",
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.4, < 5.6" }
external_dependencies = { ZLIB = { header = "zlib.h" } }
build = {
  type = "make",
  build_target = "library",
  build_variables = { LUA_CFLAGS = "-I$(LUA_INCDIR)", CPPFLAGS = "-I$(ZLIB_INCDIR)", LDFLAGS = "-L$(ZLIB_LIBDIR)" },
  install_target = "install-library",
  install_variables = { LUADIR = "$(LUADIR)", LIBDIR = "$(LIBDIR)", LUA_CFLAGS = "-I$(LUA_INCDIR)",
    CPPFLAGS = "-I$(ZLIB_INCDIR)", LDFLAGS = "-L$(ZLIB_LIBDIR)" },
}
