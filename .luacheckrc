std = "lua54"
max_line_length = 116
self = false -- a method may ignore its object
exclude_files = { "build", "tests/tools/editor" }
files["tests/**/*_spec.lua"] = { std = "lua54+busted" }
files["examples/**/*_spec.lua"] = { std = "lua54+busted" }
files["fnet-scm-1.rockspec"] = { std = "lua54+rockspec" }
files[".busted"] = { std = "lua54" }
