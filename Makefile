# Builds fnet, the interpreter with the library inside, and fnet/core.so, the library for stock Lua.
# Everything that is made lies in build/VARIANT, except ./fnet, which is the release build. Objects are compiled
# again when a source, a header, a flag or the compiler changes. `make help` lists the targets.
#
# To set on the command line or in the environment: CC, CPPFLAGS, CFLAGS (release builds), LDFLAGS, PKG_CONFIG, STRIP,
# LUA (as pkg-config names it: lua5.5), LUA_CFLAGS and LUA_LIBDIR (where its headers and liblua.a are, for a Lua that
# pkg-config does not know), PREFIX, BINDIR, LUADIR, LIBDIR, MANDIR, DESTDIR, READLINE=auto|libedit|readline|none,
# IMAGES=auto|none, MPI=auto|none, V=1 (show the commands).

ifeq ($(wildcard src/main.c),)
$(error fnet is built in its own folder, and all that is made goes to build there: \
make -C '$(patsubst %/Makefile,%,$(strip $(MAKEFILE_LIST)))')
endif
ifeq ($(origin CC),default)
CC = cc
endif
CFLAGS ?= -O2
PKG_CONFIG ?= pkg-config
STRIP ?= strip
READLINE ?= auto
IMAGES ?= auto
MPI ?= auto
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LUADIR ?= $(PREFIX)/share/lua/$(lua_version)
LIBDIR ?= $(PREFIX)/lib/lua/$(lua_version)
MANDIR ?= $(PREFIX)/share/man

unexport CDPATH # by which `cd src` in a script would lead elsewhere

# release; asan, tsan and coverage for tests; fuzz for make fuzz; with -Werror gcc and clang for lint, aarch64-gcc and
# aarch64-clang for test-aarch64, i386-gcc for test-i386.
VARIANT = release
build := build/$(VARIANT)
fnet := $(if $(filter release,$(VARIANT)),fnet,$(build)/fnet)
quiet := $(if $(V),,@)
comma := ,

# ---- what the machine has; a missing Lua is reported by the rule that needs it ----

find_lua := LUA='$(LUA)' PKG_CONFIG='$(PKG_CONFIG)' sh src/tools/lua.sh
lua := $(shell $(find_lua) 2>/dev/null)
ifeq ($(origin LUA_CFLAGS),undefined)
LUA_CFLAGS := $(if $(lua),$(shell $(PKG_CONFIG) --cflags $(lua)))
endif
# 5.4 or 5.5, as the headers say.
lua_version = $(or $(shell printf '\043include <lua.h>\nLUA_VERSION\n' | $(CC) $(LUA_CFLAGS) -E -P -x c - 2>/dev/null | \
    sed -n 's/^"Lua " "\([0-9]*\)" "\." "\([0-9]*\)"$$/\1.\2/p'),$(error LUADIR and LIBDIR have to be set where \
there is no lua.h to tell the version))
lua_libs := $(if $(lua),$(shell $(PKG_CONFIG) --libs $(lua)))
lua_archive := $(if $(lua),$(wildcard $(shell $(PKG_CONFIG) --variable=libdir $(lua))/$(patsubst \
    -l%,lib%.a,$(filter -llua%,$(lua_libs)))))
ifeq ($(lua),)
lua_archive := $(firstword $(wildcard $(foreach name,lua5.4 lua5.5 lua,$(LUA_LIBDIR)/lib$(name).a)))
endif
# Asked with all flags, since -m32 among them makes another machine of it: x86_64, i386, aarch64 or other; and its
# system: linux, APPLE, or one of the BSDs.
target := $(shell $(CC) $(CPPFLAGS) $(CFLAGS) -dM -E -x c /dev/null 2>/dev/null | \
    sed -nE 's/^\#define __(x86_64|i386|aarch64|linux|APPLE)__ 1$$/\1/p')
machine := $(or $(filter x86_64 i386 aarch64,$(target)),other)
system := $(or $(filter linux APPLE,$(target)),BSD)

readline.auto := libedit readline
readline.libedit := libedit
readline.readline := readline
readline := $(shell for name in $(readline.$(READLINE)); do \
    $(PKG_CONFIG) --exists $$name 2>/dev/null && echo $$name && break; done)
ifeq ($(READLINE)$(readline),$(filter-out auto none,$(READLINE)))
$(error READLINE=$(READLINE): $(PKG_CONFIG) finds no such library; auto takes libedit, readline or none)
endif
readline_flags := $(if $(readline),$(shell $(PKG_CONFIG) --cflags $(readline)))
readline_libs := $(if $(readline),$(shell $(PKG_CONFIG) --libs $(readline)))

# A misspelt "none" would build in what was not wanted.
$(foreach name,IMAGES MPI,$(if $(filter-out auto none,$($(name))),$(error $(name)=$($(name)): expected auto or none)))

# PNG and JPEG pictures: each library that is there.
images := $(if $(filter none,$(IMAGES)),,$(shell for name in libpng libjpeg; do \
    $(PKG_CONFIG) --exists $$name 2>/dev/null && echo $$name; done))
image_flags := $(if $(filter libpng,$(images)),-DFNET_PNG) $(if $(filter libjpeg,$(images)),-DFNET_JPEG) \
    $(if $(images),$(shell $(PKG_CONFIG) --cflags $(images)))
image_libs := $(if $(images),$(shell $(PKG_CONFIG) --libs $(images)))

# Several processes: a module of its own for each MPI that is there.
mpi_package.openmpi := ompi-c
mpi_package.mpich := mpich
mpi := $(if $(filter none,$(MPI)),,$(shell for name in openmpi:$(mpi_package.openmpi) mpich:$(mpi_package.mpich); do \
    $(PKG_CONFIG) --exists $${name#*:} 2>/dev/null && echo $${name%:*}; done))
mpi_flags = $(shell $(PKG_CONFIG) --cflags $(mpi_package.$(1)))
mpi_libs = $(shell $(PKG_CONFIG) --libs $(mpi_package.$(1)))

# ---- flags ----

warnings := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
# Beside C there is what the system has by default: POSIX, and flock, madvise or wait4. Only Linux asks for the word.
language := -std=c11 -D_DEFAULT_SOURCE -D_FILE_OFFSET_BITS=64 -pthread -fPIC -fvisibility=hidden
# The numerics contract, after CFLAGS so that none of them can break it: each operation rounds once, as written.
numerics := -fno-fast-math -ffp-contract=off -fno-math-errno $(if $(filter i386,$(machine)),-msse2 -mfpmath=sse)

# Nothing in fnet unwinds the stack but debuggers, for which -g adds their own tables.
variant.release := $(CFLAGS) -fno-asynchronous-unwind-tables
variant.gcc := -O2 -Werror
variant.clang := -O2 -Wpedantic -Werror
variant.aarch64-gcc := -O2 -Werror
variant.aarch64-clang := -O2 -Werror
variant.i386-gcc := -O2 -Werror
variant.asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
variant.fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
variant.tsan := -O1 -g -fsanitize=thread
variant.coverage := -O0 -g --coverage
ifeq ($(origin variant.$(VARIANT)),undefined)
$(error VARIANT=$(VARIANT) is unknown; there are release, asan, tsan, coverage, fuzz, gcc, clang, \
aarch64-gcc, aarch64-clang and i386-gcc)
endif

compile := $(CC) $(language) $(warnings) $(CPPFLAGS) $(variant.$(VARIANT)) $(numerics)
# GCC also unrolls the loops over 16 lanes, which makes them longer and no faster; those over a tile's 12 rows it must.
# Its first scheduling, held to the registers there are, mixes the vectors that elementwise.inc takes side by side.
fast_kernels := $(if $(filter release gcc clang aarch64-% i386-%,$(VARIANT)),-O3 $(if $(findstring clang,\
    $(shell $(CC) --version 2>/dev/null | head -n 1)),,--param max-completely-peel-times=12 -fschedule-insns -fsched-pressure))
# With -Ofast and the like at linking, start-up code comes in that flushes denormal numbers to zero.
plain = $(patsubst -Ofast,-O3,$(filter-out -ffast-math -funsafe-math-optimizations,$(1)))
link := $(CC) -pthread $(call plain,$(variant.$(VARIANT)) $(LDFLAGS)) $(numerics)

# Lua goes in whole, with its symbols exported, so that C rocks find the interface in the executable.
ifeq ($(lua_archive),)
lua_link := $(lua_libs)
else ifeq ($(system),APPLE)
lua_link := -Wl,-export_dynamic -Wl,-force_load,$(lua_archive)
else
lua_link := -Wl,-E -Wl,--whole-archive $(lua_archive) -Wl,--no-whole-archive
endif
# A module finds Lua's interface in the program that loads it.
shared := -shared $(if $(filter APPLE,$(system)),-Wl$(comma)-undefined$(comma)dynamic_lookup)
system_libs := $(image_libs) -lz -lm $(if $(filter linux,$(system)),-ldl)

# ---- sources ----

kernel_names := portable double
kernel_names += $(if $(filter x86_64,$(machine)),avx2 avx512)
kernel_names += $(if $(filter aarch64,$(machine)),neon)
other_kernels := $(filter-out $(kernel_names:%=src/kernels/kernels_%.c),$(wildcard src/kernels/kernels_*.c))

kernel_sources := $(sort $(filter-out $(other_kernels),$(wildcard src/kernels/*.c)))
core_sources := $(sort $(wildcard src/core/*.c))
lua_of_interpreter := src/lua/lembedded.c src/lua/linterrupt.c src/lua/lreadline.c
lua_of_mpi := src/lua/lmpi.c
lua_sources := $(sort $(filter-out $(lua_of_interpreter) $(lua_of_mpi),$(wildcard src/lua/*.c)))
editor := src/terminal/editor_$(or $(readline),none).c
interpreter_sources := src/main.c src/options.c $(lua_of_interpreter) $(editor) \
    $(filter-out src/terminal/editor_%,$(wildcard src/terminal/*.c))
test_sources := $(sort $(wildcard tests/c/kernels/*.c tests/c/core/*.c))
bench_sources := $(filter-out tests/bench/peers%,$(wildcard tests/bench/*.c))
modules := $(sort $(shell find lua -name '*.lua'))
# What `require "fnet"` loads: of these floors all but the modules of a later use; tests/house/loading_spec.lua compares.
modules_for_later := base/gather_rows base/generator base/lock base/nested base/progress tensor/axes tensor/einsum \
    tensor/elsewhere tensor/grad tensor/index tensor/methods tensor/order tensor/recurrent tensor/running tensor/sample \
    nn/attention nn/clone nn/conv1d nn/elsewhere nn/feed nn/group_norm nn/margin nn/outside nn/prelu nn/recurrent nn/snapshot \
    nn/state nn/transformer nn/upsample
modules_as_text := $(filter-out $(modules_for_later:%=lua/fnet/%.lua),$(filter lua/fnet/init.lua lua/fnet/base/% \
    lua/fnet/tensor/% lua/fnet/nn/% lua/fnet/optim/init.lua,$(modules)))

objects_of = $(patsubst %.c,$(build)/%.o,$(1))
core_objects := $(call objects_of,$(kernel_sources) $(core_sources))
library_objects := $(core_objects) $(call objects_of,$(lua_sources))
interpreter_objects := $(library_objects) $(call objects_of,$(interpreter_sources)) $(build)/embedded.o
test_programs := $(patsubst %.c,$(build)/%,$(test_sources))
host_sources := $(sort $(wildcard tests/c/lua/*.c))
host_programs := $(patsubst %.c,$(build)/%,$(host_sources))
bench_programs := $(patsubst %.c,$(build)/%,$(bench_sources))
peers_objects := $(patsubst %.c,$(build)/%.o,$(wildcard tests/bench/peers_*.c))
core_fuzzers := $(patsubst %.c,$(build)/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
script_fuzzers := $(patsubst %.lua,$(build)/%,$(sort $(wildcard tests/fuzz/*_fuzz.lua)))
fuzzers := $(core_fuzzers) $(script_fuzzers)
module := $(build)/fnet/core.so
mpi_objects := $(mpi:%=$(build)/src/lua/lmpi_%.o)
mpi_modules := $(mpi:%=$(build)/fnet/%.so)

# ---- building ----

.PHONY: all library help docs fashion data test test-pages test-long test-aarch64 test-i386 test-portable
.PHONY: test-distributions fuzz asan tsan coverage coverage-lua lint bench bench-compare bench-hosts bench-scaling
.PHONY: bench-peers install install-library install-strip uninstall dist rock deb clean
.PHONY: programs objects fuzzers check peers-matmul found-lua FORCE
.DELETE_ON_ERROR:
.SECONDARY:

# What this machine cannot run, and the slow variants, are built without asking whether help knows every name, and
# without the manual pages and the declarations for editors, which fnet writes.
here := $(shell uname -m | sed 's/^amd64$$/x86_64/; s/^arm64$$/aarch64/')
runs := $(if $(filter release,$(VARIANT)),$(filter $(here),$(machine)))
documented := $(if $(runs),$(build)/documented.txt)
man_pages := $(if $(runs),build/man/man1/fnet.1 build/man/man3/fnet-lua.3)

all: $(fnet) $(module) $(mpi_modules) $(documented) $(man_pages) ## Build ./fnet and build/release/fnet/core.so (what plain `make` does)

library: $(module) $(mpi_modules)

# A file that changes only when its text does: what depends on it is made again then.
define remember
$(build)/$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' '$(2)' | cmp -s - $$@ || printf '%s\n' '$(2)' > $$@
endef
compiler_version := $(shell $(CC) --version 2>/dev/null | head -n 1)
$(eval $(call remember,compile.txt,$(compile) $(LUA_CFLAGS) $(readline_flags) $(image_flags) $(compiler_version)))
$(eval $(call remember,link.txt,$(link) $(lua_link) $(readline_libs) $(image_libs) $(interpreter_objects)))
$(eval $(call remember,modules.txt,$(modules)))

found-lua:
	$(if $(lua)$(LUA_CFLAGS),,$(error $(shell $(find_lua) 2>&1)))

$(build)/src/kernels/kernels_avx2.o: private own_flags := -mavx2 -mfma $(fast_kernels)
$(build)/src/kernels/kernels_avx512.o: private own_flags := \
    -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma $(fast_kernels)
# Where AVX2 can be had, these serve processors of before 2013, and the program stays small.
ifneq ($(filter avx2,$(kernel_names)),)
$(build)/src/kernels/kernels_portable.o: private own_flags := $(if $(fast_kernels),-Os)
endif
# GCC's first scheduling moves so many loads ahead that the sums of a matmul tile no longer fit into registers.
$(build)/src/kernels/kernels_neon.o: private own_flags := $(fast_kernels) \
    $(if $(findstring clang,$(compiler_version)),,-fno-schedule-insns)
# the one symbol that core.so shows
$(build)/src/lua/lcore.o: private own_flags := -fvisibility=default
# whose wrappers libraries may meet
$(build)/tests/support/faults.o: private own_flags := -fvisibility=default
$(build)/$(editor:.c=.o): private own_flags := $(readline_flags)
$(build)/src/core/image_png.o $(build)/src/core/image_jpeg.o: private own_flags := $(image_flags)
$(build)/src/core/picture.o $(build)/src/core/rearrange.o: private own_flags := $(fast_kernels)

$(build)/%.o: %.c $(build)/compile.txt Makefile | found-lua
	@mkdir -p $(@D)
	@$(if $(quiet),echo '  compile $<')
	$(quiet)$(compile) $(LUA_CFLAGS) $(own_flags) -MMD -MP -c -o $@ $<

$(build)/embedded.o: $(build)/embedded.c $(build)/compile.txt
	@$(if $(quiet),echo '  compile $<')
	$(quiet)$(compile) -Isrc -MMD -MP -c -o $@ $<

$(build)/embedded.c: src/tools/embed.sh $(modules) $(build)/modules.txt
	$(quiet)sh src/tools/embed.sh lua $(modules_as_text) -- $(filter-out $(modules_as_text),$(modules)) > $@

$(fnet): $(interpreter_objects) $(build)/link.txt
	$(if $(lua_archive)$(lua_libs),,$(error fnet has Lua inside, whose library $(PKG_CONFIG) does not find; set \
LUA_LIBDIR to the folder of liblua.a, or `make library` builds the library for stock Lua alone))
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(link) -o $@ $(interpreter_objects) $(lua_link) $(readline_libs) $(system_libs)

$(module): $(library_objects) $(build)/link.txt
	@mkdir -p $(@D)
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(link) $(shared) -o $@ $(library_objects) $(system_libs)

# The flags that an MPI asks for are some distribution's own; only where its headers and itself are, matters here.
$(mpi_objects): $(build)/src/lua/lmpi_%.o: $(lua_of_mpi) $(build)/compile.txt Makefile | found-lua
	@mkdir -p $(@D)
	@$(if $(quiet),echo '  compile $< for $*')
	$(quiet)$(compile) $(LUA_CFLAGS) $(patsubst -I%,-isystem %,$(filter -I%,$(call mpi_flags,$*))) \
	    -DFNET_MPI_OPEN=luaopen_fnet_$* -fvisibility=default -MMD -MP -c -o $@ $<

$(mpi_modules): $(build)/fnet/%.so: $(build)/src/lua/lmpi_%.o $(build)/link.txt
	@mkdir -p $(@D)
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(link) $(shared) -o $@ $< $(filter -L% -lmpi%,$(call mpi_libs,$*))

$(build)/documented.txt: $(fnet) tests/house/documented.lua
	$(quiet)./$(fnet) tests/house/documented.lua
	@touch $@

build/man/man3/fnet-lua.3: build/man/man1/fnet.1 # which the same run writes
	@test -e $@ || ./$(fnet) src/tools/docs/man.lua build/man

build/man/man1/fnet.1: $(fnet) src/tools/docs/man.lua src/tools/docs/reference.lua
	$(quiet)./$(fnet) src/tools/docs/man.lua build/man

$(test_programs): $(build)/%: $(build)/%.o $(core_objects) $(build)/link.txt
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(link) -o $@ $< $(core_objects) $(system_libs)

# Needs MPFR, which test-long alone installs.
rounding := $(build)/tests/c/long/rounding
has_mpfr = $(shell $(PKG_CONFIG) --exists mpfr && echo yes)

$(rounding): $(rounding).o $(core_objects) $(build)/link.txt
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(link) -o $@ $< $(core_objects) -lmpfr $(system_libs)

# Programs that have Lua and the library inside, as fnet does.
$(host_programs): $(build)/%: $(build)/%.o $(library_objects) $(build)/link.txt
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(link) -o $@ $< $(library_objects) $(lua_link) $(system_libs)

# The interpreter, whose calls of the system fail on demand.
faulty := $(build)/tests/support/faulty
faulty_calls = $(shell sed -nE 's/^(WRAP|DECLARE).([a-zA-Z0-9_]+), .*/\2/p' tests/support/faults.c)

$(faulty): $(build)/tests/support/faults.o $(interpreter_objects) $(build)/link.txt
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(link) -o $@ $(faulty_calls:%=-Wl,--wrap=%) $< $(interpreter_objects) $(lua_link) $(readline_libs) \
	    $(system_libs)

# Fuzz targets: replayed by a main of ours, or driven by clang's libFuzzer.
fuzz_driver := $(if $(filter fuzz,$(VARIANT)),,$(build)/tests/fuzz/replay.o)
fuzz_link := $(link) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer)

$(core_fuzzers): $(build)/%: $(build)/%.o $(fuzz_driver) $(core_objects) $(build)/link.txt
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(fuzz_link) -o $@ $< $(fuzz_driver) $(core_objects) $(system_libs)

$(script_fuzzers): $(build)/tests/fuzz/script.o $(fuzz_driver) $(library_objects) $(build)/link.txt
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(fuzz_link) -o $@ $< $(fuzz_driver) $(library_objects) $(lua_link) $(system_libs)

$(bench_programs): $(build)/%: $(build)/%.o $(build)/link.txt
	@$(if $(quiet),echo '  link    $@')
	$(quiet)$(link) -o $@ $< $(system_libs)

-include $(mpi_objects:.o=.d)
-include $(patsubst %.o,%.d,$(interpreter_objects) $(rounding).o $(test_programs:=.o) $(host_programs:=.o) $(bench_programs:=.o) \
    $(core_fuzzers:=.o) $(build)/tests/fuzz/script.o $(build)/tests/fuzz/replay.o $(faulty:faulty=faults.o))

# ---- using ----

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

docs: ## Write the documentation as HTML pages to build/docs
	@sh src/tools/setup.sh docs
	@$(MAKE) --no-print-directory $(fnet)
	./$(fnet) src/tools/docs/docs.lua build/docs
	@echo 'build/docs/index.html is the first page'

fashion: ## Install what is missing, build, find or fetch Fashion-MNIST, train and evaluate
	@sh src/tools/setup.sh fashion
	@sh src/tools/build.sh '$(MAKE)' all
	@sh data/fetch.sh
	./fnet examples/fashion.lua

data: ## Put the Fashion-MNIST files within reach (Debian package or download)
	@sh data/fetch.sh

test: ## Install what is missing, build, run every test
	@sh src/tools/setup.sh test
	@sh tests/tools/python.sh
	@$(MAKE) --no-print-directory check

test-pages: ## The tests that drive headless Chromium, which is installed where apt-get is
	@sh src/tools/setup.sh test pages
	@$(MAKE) --no-print-directory $(fnet)
	@sh tests/tools/part.sh pages $(fnet) "--tags=browser $$(grep -rl --include='*_spec.lua' '#browser' tests \
	    | LC_ALL=C sort | tr '\n' ' ')"

test-long: ## The long versions of tests: kills, bits that flip, calls that fail, damaged files, functions of every float
	@sh src/tools/setup.sh test long
	@$(MAKE) --no-print-directory $(fnet) library $(fuzzers) $(faulty) $(rounding)
	@FNET_LONG=1 sh tests/tools/part.sh long $(fnet) "tests/program/crash_spec.lua tests/program/faults_spec.lua \
	    tests/program/processes_spec.lua tests/program/processes_recipes_spec.lua \
	    tests/program/sweep_processes_spec.lua tests/house/release_spec.lua" $(fuzzers) $(rounding)

asan: ## Every test under AddressSanitizer and UndefinedBehaviorSanitizer
	@sh src/tools/setup.sh test
	@$(MAKE) --no-print-directory VARIANT=asan check

tsan: ## Every test under ThreadSanitizer
	@sh src/tools/setup.sh test
	@$(MAKE) --no-print-directory VARIANT=tsan check

test-aarch64: ## Kernel tests and a short training on aarch64 builds, under qemu (Debian, Ubuntu)
	@sh src/tools/setup.sh aarch64
	@$(MAKE) --no-print-directory $(fnet)
	@MAKE='$(MAKE)' sh tests/tools/emulated.sh aarch64

test-i386: ## Kernel tests and a short training on a 32-bit build (Debian, Ubuntu on x86-64)
	@sh src/tools/setup.sh i386
	@$(MAKE) --no-print-directory $(fnet)
	@MAKE='$(MAKE)' sh tests/tools/emulated.sh i386

test-portable: ## Compile and link for macOS, FreeBSD, NetBSD and musl, by zig, which pip fetches where it is missing
	@MAKE='$(MAKE)' LUA_CFLAGS='$(LUA_CFLAGS)' sh tests/tools/portable.sh $(or $(TARGETS),\
	    aarch64-macos x86_64-macos x86_64-freebsd x86_64-netbsd x86_64-linux-musl aarch64-linux-musl)

test-distributions: ## The tests on bare systems of Debian and Ubuntu, as root; SUITES='trixie sid-lua5.5' are some
	@sh src/tools/setup.sh distributions
	@sh tests/tools/distributions.sh $(or $(SUITES),bookworm trixie sid sid-lua5.5 noble)

fuzz: ## Let libFuzzer invent files and calls, SECONDS=60 for each target or TARGET=name alone
	@sh src/tools/setup.sh fuzz
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=clang fuzzers
	@sh tests/tools/fuzz.sh '$(or $(SECONDS),60)' $(if $(TARGET),build/fuzz/tests/fuzz/$(TARGET)_fuzz,$(fuzzers:$(build)/%=build/fuzz/%))

coverage: ## Every test on a build that counts; how many lines and branches of each C file were executed
	@sh src/tools/setup.sh test
	@mkdir -p build/coverage && find build/coverage -name '*.gcda' -delete
	@$(MAKE) --no-print-directory $(fnet)
	@status=0; $(MAKE) --no-print-directory VARIANT=coverage check || status=$$?; \
	    ./fnet tests/tools/coverage.lua build/coverage || status=$$?; exit $$status

lua_lines := build/lua.lines

coverage-lua: ## The library's specs, five times slower; how many lines of each Lua file were executed
	@sh src/tools/setup.sh test
	@$(MAKE) --no-print-directory $(fnet)
	@rm -f $(lua_lines)
	@status=0; FNET_LUA_LINES=$(lua_lines) LUA_INIT=@tests/tools/lua_lines.lua busted --lua=./fnet --run=library \
	    || status=$$?; ./fnet tests/tools/lua_coverage.lua $(lua_lines) || status=$$?; exit $$status

# Apple's linker does not wrap calls.
programs: $(fnet) $(test_programs) $(host_programs) $(bench_programs) $(fuzzers) $(if $(filter APPLE,$(system)),,$(faulty))

# Of what other targets link: modules, which lie beside the executable in release builds only, and bench-peers.
objects: $(mpi_objects) $(peers_objects) $(if $(has_mpfr),$(rounding).o)

fuzzers: $(fuzzers)

check: programs $(if $(filter release,$(VARIANT)),library)
	@sh tests/tools/test.sh $(VARIANT) $(fnet) $(test_programs) $(host_programs) $(if $(filter tsan,$(VARIANT)),,$(fuzzers))

lint: ## luacheck, cppcheck, clang-format, and every warning of gcc and clang as an error
	@sh src/tools/setup.sh lint
	@sh tests/tools/lint.sh
	@$(MAKE) --no-print-directory VARIANT=gcc CC=gcc programs objects
	@$(MAKE) --no-print-directory VARIANT=clang CC=clang programs objects

bench: all $(bench_programs) ## Measure speed against the machine's own limits (JSON=file: lines of JSON go there)
	./fnet tests/bench/bench.lua $(if $(JSON),--json '$(JSON)')

bench-compare: all $(bench_programs) ## What changed in speed between A=rev and B=rev (git), or two files of bench JSON=file
	MAKE='$(MAKE)' ./fnet tests/bench/compare.lua '$(A)' '$(B)'

bench-hosts: all ## What a step costs on hosts that network namespaces play, as root, with Open MPI
	sh tests/bench/hosts.sh with 4 ./fnet tests/bench/hosts.lua

bench-scaling: all ## How far processes on many machines pay, by a model of the time of a step
	./fnet tests/bench/scaling.lua

bench-peers: all $(build)/tests/bench/limits ## Compare with NumPy, PyTorch, scikit-learn, Keras, OpenBLAS, oneDNN and libxsmm, installed where possible
	@sh tests/bench/peers_setup.sh
	@$(MAKE) --no-print-directory peers-matmul
	@python3 tests/bench/peers.py $(if $(ONLY),--only '$(ONLY)') $(if $(ROUNDS),--rounds '$(ROUNDS)') \
	    $(if $(JSON),--json '$(JSON)')

# Which libraries there are is asked when this is made: bench-peers may just have installed them.
has_onednn = $(shell printf '\043include <oneapi/dnnl/dnnl.h>\n' | $(CC) -E -o /dev/null - 2>/dev/null && echo yes)
has_openblas = $(shell $(PKG_CONFIG) --exists openblas && echo yes)
has_libxsmm = $(shell $(PKG_CONFIG) --exists libxsmmext openblas && echo yes)
peer_flags = $(if $(has_openblas),-DPEER_OPENBLAS $(shell $(PKG_CONFIG) --cflags openblas)) \
    $(if $(has_onednn),-DPEER_ONEDNN) $(if $(has_libxsmm),-DPEER_LIBXSMM)
peer_libs = $(if $(has_libxsmm),$(filter-out -fopenmp,$(shell $(PKG_CONFIG) --libs libxsmmext))) \
    $(if $(has_openblas),$(shell $(PKG_CONFIG) --libs openblas)) $(if $(has_onednn),-ldnnl) \
    $(if $(has_libxsmm)$(has_onednn),-l:libgomp.so.1)

$(build)/tests/bench/peers_libraries.o: private own_flags = $(peer_flags)
$(build)/tests/bench/peers_libraries.o: FORCE

peers-matmul: $(peers_objects) $(core_objects)
	$(quiet)$(link) -o $(build)/tests/bench/peers_matmul $^ $(peer_libs) $(system_libs)

-include $(peers_objects:.o=.d)

# Folders and files may have spaces and quotes in their names.
quoted = '$(subst ','\'',$(1))'
to_bin = $(call quoted,$(DESTDIR)$(BINDIR))
to_lib = $(call quoted,$(DESTDIR)$(LIBDIR)/fnet)
to_lua = $(call quoted,$(DESTDIR)$(LUADIR))
to_man = $(call quoted,$(DESTDIR)$(MANDIR))
to_share = $(call quoted,$(DESTDIR)$(PREFIX)/share)
# Where each shell looks for what it completes, below share.
completions := bash:bash-completion/completions/fnet zsh:zsh/site-functions/_fnet fish:fish/vendor_completions.d/fnet.fish
lua_files = $(modules:lua/%=%)
lua_folders = $(patsubst %/,%,$(sort $(dir $(lua_files))))
backwards = $(if $(1),$(call backwards,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))

install: $(fnet) $(man_pages) install-library ## Install fnet and the library for stock Lua under PREFIX (/usr/local)
	install -d $(to_bin)
	install -m 755 fnet $(to_bin)/fnet
	for page in $(man_pages:build/man/%=%); do \
	    install -d $(to_man)/$${page%/*} && install -m 644 build/man/$$page $(to_man)/$$page || exit 1; done
	for pair in $(completions); do path=$${pair#*:}; install -d $(to_share)/$${path%/*} && \
	    install -m 644 src/tools/completion/fnet.$${pair%:*} $(to_share)/$$path || exit 1; done
	$(if $(runs),install -d $(to_share)/fnet && ./$(fnet) init --library $(to_share)/fnet)

install-library: library ## Install only the library for stock Lua
	install -d $(to_lib)
	install -m 644 $(module) $(mpi_modules) $(to_lib)
	@echo install -m 644 lua/fnet/... $(to_lua)/fnet
	@for folder in $(lua_folders); do install -d $(to_lua)/$$folder || exit 1; done
	@for file in $(lua_files); do install -m 644 lua/$$file $(to_lua)/$$file || exit 1; done

install-strip: install ## Install, and leave out the names of functions, by STRIP (strip)
	$(STRIP) $(to_bin)/fnet
	for file in $(notdir $(module) $(mpi_modules)); do $(STRIP) -S -x $(to_lib)/$$file || exit 1; done

# What others put there stays, and so do the folders that it is in.
uninstall: ## Remove what install put there
	rm -f $(to_bin)/fnet $(to_man)/man1/fnet.1 $(to_man)/man3/fnet-lua.3
	for pair in $(completions); do rm -f $(to_share)/$${pair#*:}; done
	for file in fnet.lua fnet/testing.lua luassert.lua; do rm -f $(to_share)/fnet/library/$$file; done
	@for folder in fnet/library/fnet fnet/library fnet; do rmdir $(to_share)/$$folder 2>/dev/null || true; done
	for file in core.so openmpi.so mpich.so; do rm -f $(to_lib)/$$file; done
	@echo rm -f $(to_lua)/fnet/...
	@for file in $(lua_files); do rm -f $(to_lua)/$$file; done
	@for folder in $(call backwards,$(lua_folders)); do rmdir $(to_lua)/$$folder 2>/dev/null || true; done
	@rmdir $(to_lib) 2>/dev/null || true

# ---- releases ----

version = $(shell sed -n 's/^\#define FNET_VERSION "\(.*\)"/\1/p' src/version.h)

dist: ## Pack a release to build/dist: tarball, its SHA-256, and a list of what is inside with licences (SPDX)
	@sh src/tools/packages/dist.sh '$(version)'

rock: dist ## Write a rockspec of the release and pack a rock (SOURCE=where others get it from) to build/dist
	@sh src/tools/packages/rock.sh '$(version)' '$(SOURCE)'

deb: dist ## Build the Debian packages fnet and lua-fnet, and their source package, in build/deb
	@sh src/tools/packages/deb.sh '$(version)'

clean: ## Remove everything that was built
	rm -rf build fnet
