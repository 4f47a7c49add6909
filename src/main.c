/* The `fnet` command: the Lua 5.4 interpreter with the neural-network library inside.
   It does what the manual of Lua says of the stand-alone interpreter (section 7), and on top of that --help, an
   interactive mode in which `fnet` is there, and Ctrl-C that also stops a long tensor operation.
   Invariant: an interruption is raised once, by whoever takes the flag of interrupt.h first: the hook below or
   the operation that was running. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/interrupt.h"
#include "embedded.h"
#include "kernels/kernels.h"
#include "lua/lcore.h"
#include "lua/lerror.h"
#include "lua/lreadline.h"
#include "version.h"

static const char usage_text[] = "usage: fnet [options] [script [arguments]]\n"
                                 "       fnet [options] check script [arguments]\n"
                                 "       fnet [options] info file...\n"
                                 "       fnet [options] run model picture...\n"
                                 "       fnet [options] eval model [--data directory]\n"
                                 "Options (-e, -l and -W act in the order given):\n"
                                 "  -e code    run the string `code`\n"
                                 "  -l mod     require the module `mod` into the global `mod`\n"
                                 "  -l g=mod   require the module `mod` into the global `g`\n"
                                 "  -i         go interactive after the script\n"
                                 "  -v         show the versions of fnet, of its numerics and of Lua\n"
                                 "  -E         ignore environment variables (LUA_INIT, LUA_PATH, LUA_CPATH)\n"
                                 "  -W         turn warnings on\n"
                                 "  --help     show this text\n"
                                 "  --help n   show what the library says of the name `n`, such as nn.Dense\n"
                                 "  --help --search w  find names by words, or by what PyTorch calls them\n"
                                 "  --         end of the options\n"
                                 "  -          end of the options; run standard input\n";

static const char help_text[] =
    "\n"
    "fnet runs Lua 5.4 scripts that have a neural-network library at hand:\n"
    "  local fnet = require \"fnet\"\n"
    "Without a script it goes interactive on a terminal, where `fnet` is loaded already, and runs standard\n"
    "input elsewhere. Ctrl-C raises the error \"interrupted\"; a second one, before the first was delivered,\n"
    "ends the process. A script that does not catch the error dies of SIGINT, so loops in a shell stop too.\n"
    "\n"
    "Examples:\n"
    "  fnet examples/fashion.lua --epochs 3       train a network on pictures of clothes\n"
    "  fnet                                       try things out; Tab completes names\n"
    "  fnet check model.lua                       a few steps only: shapes, memory, gradients, time\n"
    "  fnet -i model.lua                          run a script, then look around in it\n"
    "  fnet -l fnet -e 'print(fnet.zeros{2, 3})'  one line\n"
    "  fnet --help nn                             list the layers; `help \"nn\"` in the interactive mode\n"
    "  fnet --help --search 'early stopping'      find a name; `search \"early stopping\"` there\n"
    "\n"
    "Environment:\n"
    "  FNET_THREADS  number of threads (default: all processors)\n"
    "  FNET_ISA      instruction set: portable, avx2, avx512, neon (default: the best there is)\n"
    "  FNET_DATA     directory of the data sets\n"
    "  LUA_INIT      code, or @file, to run first\n";

static const char *program = "fnet"; /* as messages name it; NULL in the interactive mode */

/* ---- messages ---- */

static void complain(const char *message) {
    fflush(stdout); /* so that both streams keep their order on a terminal */
    if (program != NULL) fprintf(stderr, "%s: ", program);
    fprintf(stderr, "%s\n", message);
    fflush(stderr);
}

/* Reports and pops the error on top of the stack; false, which is what its caller returns. */
static bool report(lua_State *L) {
    const char *message = lua_tostring(L, -1);
    complain(message != NULL ? message : "(error message not a string)");
    lua_pop(L, 1);
    return false;
}

static void print_version(void) {
    printf("fnet %s  numerics %d\n%s\n", FNET_VERSION, NUMERICS_VERSION, LUA_COPYRIGHT);
    fflush(stdout);
}

/* ---- Ctrl-C ---- */

static lua_State *main_state;
static bool ended_by_interrupt; /* the last error that reached the top level was an interruption */

static void raise_interrupted(lua_State *L, lua_Debug *activation) {
    (void)activation;
    lua_sethook(L, NULL, 0, 0);
    if (interrupt_take()) lerror_interrupted(L);
}

static void handle_signal(int number) {
    if (interrupt_pending()) { /* nobody took the last one: the user means it */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    interrupt_request();
    lua_sethook(main_state, raise_interrupted, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static int release_signal(lua_State *L) {
    (void)L;
    signal(SIGINT, SIG_DFL);
    return 0;
}

/* Ctrl-C reaches the script from here on, until the state is closed, also by os.exit(code, true): a finalizer
   lets go of the signal, and the first one created is the last one to run. */
static void catch_signal(lua_State *L) {
    struct sigaction action = {.sa_handler = handle_signal}; /* no SA_RESTART: a blocked read has to give way */
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, release_signal);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    luaL_ref(L, LUA_REGISTRYINDEX);
    main_state = L;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

/* ---- calling Lua ---- */

/* Whether the frame is that of the chunk that we called: below it there is only our own. */
static bool is_outermost(lua_State *L, int level) {
    lua_Debug frame;
    return !lua_getstack(L, level + 2, &frame);
}

/* Adds to Lua's own "attempt to call a nil value (method 'x')", on top of the stack, the method that was probably
   meant, where the library knows one. */
static void suggest_method(lua_State *L) {
    int top = lua_gettop(L);
    if (strstr(lua_tostring(L, top), "(method '") == NULL) return;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fnet.command.help");
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_getfield(L, -1, "near_method") == LUA_TFUNCTION) {
        lua_pushvalue(L, top);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_isstring(L, -1)) {
            lua_pushfstring(L, "%s; did you mean '%s'?", lua_tostring(L, top), lua_tostring(L, -1));
            lua_replace(L, top);
        }
    }
    lua_settop(L, top);
}

/* Message handler: a string gets a traceback; another object speaks for itself through __tostring. What the
   library says of a wrong use names the script's line, so its own frames are left out, and where nothing but that
   line would remain, there is no traceback. */
static int add_traceback(lua_State *L) {
    const char *message = lua_tostring(L, 1);
    ended_by_interrupt = message != NULL && lerror_is(L, 1, LERROR_INTERRUPTED);
    if (message == NULL) {
        if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
        message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    }
    int level = lerror_level(L, 1);
    if (level < 0 && !ended_by_interrupt) suggest_method(L);
    if (level < 0)
        luaL_traceback(L, L, lua_tostring(L, -1), 1);
    else if (level == 0 || is_outermost(L, level))
        lua_settop(L, 1);
    else
        luaL_traceback(L, L, message, level);
    return 1;
}

/* Calls the function below its arguments; what goes wrong is reported here. */
static bool call(lua_State *L, int arguments, int results) {
    int base = lua_gettop(L) - arguments;
    lua_pushcfunction(L, add_traceback);
    lua_insert(L, base);
    int status = lua_pcall(L, arguments, results, base);
    lua_remove(L, base);
    return status == LUA_OK || report(L);
}

/* Pushes the value of a module; or reports why there is none. */
static bool require(lua_State *L, const char *module) {
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    return call(L, 1, 1);
}

/* Calls the chunk on top of the stack; or reports the error there, when it was not loaded. */
static bool run_loaded(lua_State *L, int load_status) { return load_status == LUA_OK ? call(L, 0, 0) : report(L); }

static bool run_string(lua_State *L, const char *code, const char *chunk_name) {
    return run_loaded(L, luaL_loadbuffer(L, code, strlen(code), chunk_name));
}

/* ---- modules inside the executable ---- */

static int load_embedded(lua_State *L) {
    const struct embedded_module *module = lua_touserdata(L, lua_upvalueindex(1));
    const char *chunk_name = lua_pushfstring(L, "@%s", module->path);
    if (luaL_loadbufferx(L, module->source, module->size, chunk_name, "t") != LUA_OK) return lua_error(L);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* The module fnet.sources: the text of each module by its path, for help. */
static int load_sources(lua_State *L) {
    lua_newtable(L);
    for (const struct embedded_module *module = embedded_modules; module->name != NULL; module++) {
        lua_pushlstring(L, module->source, module->size);
        lua_setfield(L, -2, module->path);
    }
    return 1;
}

static void preload_modules(lua_State *L) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_fnet_core);
    lua_setfield(L, -2, "fnet.core");
    lua_pushcfunction(L, load_sources);
    lua_setfield(L, -2, "fnet.sources");
    for (const struct embedded_module *module = embedded_modules; module->name != NULL; module++) {
        lua_pushlightuserdata(L, (void *)module);
        lua_pushcclosure(L, load_embedded, 1);
        lua_setfield(L, -2, module->name);
    }
    lua_pop(L, 1);
}

/* ---- the command line ---- */

struct options {
    bool help, version, interactive, ignore_environment, has_code;
    int count;         /* arguments up to here are options */
    int script;        /* index of the script's name, of "-", or of the NULL at the end */
    const char *topic; /* what --help is about; NULL: the command */
    bool search;       /* the topic is words to be found */
    const char *bad;   /* the option that we do not know or that lacks its argument; else NULL */
};

static struct options parse_options(char **argv) {
    struct options options = {0};
    int i = argv[0] == NULL ? 0 : 1;
    for (; options.bad == NULL && argv[i] != NULL && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        const char *option = argv[i];
        if (strcmp(option, "--") == 0) {
            options.count = i;
            options.script = i + 1;
            return options;
        }
        if (strcmp(option, "--help") == 0) {
            options.help = true;
            if (argv[i + 1] != NULL && strcmp(argv[i + 1], "--search") == 0) {
                option = argv[++i];
                options.search = true;
            }
            if (argv[i + 1] != NULL && argv[i + 1][0] != '-') options.topic = argv[++i];
            if (options.search && options.topic == NULL) options.bad = option;
        } else if (option[1] == 'e' || option[1] == 'l') {
            bool stands_apart = option[2] == '\0';
            options.has_code |= option[1] == 'e';
            if (stands_apart && (argv[i + 1] == NULL || argv[i + 1][0] == '-')) options.bad = option;
            if (stands_apart) i++;
        } else if (option[2] != '\0' || strchr("viEW", option[1]) == NULL) {
            options.bad = option;
        } else {
            options.version |= option[1] == 'v';
            options.interactive |= option[1] == 'i';
            options.ignore_environment |= option[1] == 'E';
        }
    }
    options.count = options.script = i;
    return options;
}

static void complain_of_option(const char *option) {
    bool needs_argument = option[1] == 'e' || option[1] == 'l' || strcmp(option, "--search") == 0;
    fprintf(stderr, needs_argument ? "%s: '%s' needs argument\n" : "%s: unrecognized option '%s'\n", program,
            option);
    fputs(usage_text, stderr);
}

/* The global `arg`: the script's name at 0, what follows it from 1, what precedes it below 0. Without a script
   the command itself is at 0. */
static void set_arg(lua_State *L, char **argv, int script) {
    int count = 0;
    while (argv[count] != NULL) count++;
    if (script >= count) script = 0;
    lua_createtable(L, count - script, script + 1);
    for (int i = 0; i < count; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - script);
    }
    lua_setglobal(L, "arg");
}

static bool run_environment(lua_State *L) {
    const char *name = "=LUA_INIT" LUA_VERSUFFIX;
    const char *code = getenv(name + 1);
    if (code == NULL) {
        name = "=LUA_INIT";
        code = getenv(name + 1);
    }
    if (code == NULL) return true;
    return code[0] == '@' ? run_loaded(L, luaL_loadfile(L, code + 1)) : run_string(L, code, name);
}

/* -l mod, -l global=mod */
static bool require_module(lua_State *L, const char *argument) {
    const char *equals = strchr(argument, '=');
    const char *module = equals == NULL ? argument : equals + 1;
    const char *global = equals == NULL ? argument : lua_pushlstring(L, argument, (size_t)(equals - argument));
    bool done = require(L, module);
    if (done) lua_setglobal(L, global);
    if (equals != NULL) lua_pop(L, 1);
    return done;
}

/* The options that act, in their order. */
static bool run_options(lua_State *L, char **argv, int count) {
    for (int i = 1; i < count; i++) {
        char letter = argv[i][1];
        if (letter == 'W') lua_warning(L, "@on", 0);
        if (letter != 'e' && letter != 'l') continue;
        const char *argument = argv[i][2] != '\0' ? argv[i] + 2 : argv[++i];
        bool done = letter == 'e' ? run_string(L, argument, "=(command line)") : require_module(L, argument);
        if (!done) return false;
    }
    return true;
}

/* Pushes the function `name` of the table at `index`. */
static void push_member(lua_State *L, int index, const char *name) {
    if (lua_getfield(L, index, name) != LUA_TFUNCTION) luaL_error(L, "the module lacks '%s'", name);
}

/* Prints what help says about a name of the library, or search about words. */
static bool show_help(lua_State *L, const char *topic, bool search) {
    if (!require(L, search ? "fnet.command.search" : "fnet.command.help")) return false;
    push_member(L, -1, "find");
    lua_pushstring(L, topic);
    if (!call(L, 1, 2)) return false;
    if (lua_isnil(L, -2)) return report(L);
    puts(lua_tostring(L, -2));
    return true;
}

/* Runs a file, or standard input for NULL, with the values of `arg` from 1. */
static bool run_script(lua_State *L, const char *name) {
    if (luaL_loadfile(L, name) != LUA_OK) return report(L);
    if (lua_getglobal(L, "arg") != LUA_TTABLE) luaL_error(L, "'arg' is not a table");
    int table = lua_gettop(L);
    int count = (int)luaL_len(L, table);
    luaL_checkstack(L, count, "too many arguments to script");
    for (int i = 1; i <= count; i++) lua_rawgeti(L, table, i);
    lua_remove(L, table);
    return call(L, count, 0);
}

/* The module of a command, as lua/fnet/command/init.lua has it; the stack keeps the name. NULL where the word is no
   command, or the name of a script, which goes first. */
static const char *command_module(lua_State *L, const char *word) {
    if (word == NULL || access(word, F_OK) == 0) return NULL;
    if (!require(L, "fnet.command")) return NULL;
    lua_getfield(L, -1, word);
    return lua_tostring(L, -1);
}

/* Calls the function that the module is with `arg`; it says whether it succeeded, and perhaps why not. */
static bool run_command(lua_State *L, const char *module) {
    if (!require(L, module)) return false;
    lua_getglobal(L, "arg");
    if (!call(L, 1, 2)) return false;
    bool succeeded = lua_toboolean(L, -2);
    if (lua_isstring(L, -1)) report(L);
    return succeeded;
}

/* ---- the interactive mode ---- */

static void print_values(lua_State *L, int count) {
    if (count == 0) return;
    luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
    lua_getglobal(L, "print");
    lua_insert(L, -count - 1);
    if (lua_pcall(L, count, 0, 0) == LUA_OK) return;
    lua_pushfstring(L, "error calling 'print' (%s)", lua_tostring(L, -1));
    report(L);
}

/* Reads, runs and prints until the end of the input. Only the language side is Lua (fnet.repl): chunks are
   called from here, so a traceback shows the user's functions and nothing else. */
static void interact(lua_State *L) {
    const char *before = program;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fnet.command.repl");
    lua_call(L, 1, 1);
    int repl = lua_gettop(L);
    push_member(L, repl, "complete");
    lreadline_open(L);
    program = NULL;
    push_member(L, repl, "open");
    call(L, 0, 0);
    for (;;) {
        int base = repl + 1;
        lua_settop(L, base);
        push_member(L, repl, "read");
        lua_pushvalue(L, base);
        if (!call(L, 1, 2)) continue;
        if (lua_isnil(L, -2)) break;
        if (lua_isfunction(L, -2)) {
            lua_pop(L, 1);
            if (call(L, 0, LUA_MULTRET)) print_values(L, lua_gettop(L) - base);
        } else if (!lua_isnil(L, -1)) {
            report(L);
        }
    }
    putchar('\n');
    fflush(stdout);
    program = before;
    ended_by_interrupt = false;
}

/* ---- everything, in the order of the manual ---- */

static bool run_everything(lua_State *L, char **argv) {
    struct options options = parse_options(argv);
    if (options.bad != NULL) {
        complain_of_option(options.bad);
        return false;
    }
    if (options.ignore_environment) {
        lua_pushboolean(L, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV"); /* where the package library looks */
    }
    luaL_openlibs(L);
    preload_modules(L);
    const char *script = argv[options.script];
    const char *command = options.help ? NULL : command_module(L, script);
    bool asks_for_help = command != NULL && argv[options.script + 1] != NULL &&
                         strcmp(argv[options.script + 1], "--help") == 0; /* fnet check --help */
    if (asks_for_help || (options.help && options.topic == NULL)) {
        fputs(usage_text, stdout);
        fputs(help_text, stdout);
        return true;
    }
    if (options.version || options.interactive) print_version();
    set_arg(L, argv, options.script);
    lua_gc(L, LUA_GCGEN, 0, 0);
    catch_signal(L);
    if (options.help) return show_help(L, options.topic, options.search);
    if (!options.ignore_environment && !run_environment(L)) return false;
    if (!run_options(L, argv, options.count)) return false;

    bool idle = script == NULL && !options.has_code && !options.version && !options.interactive;
    if (idle && isatty(STDIN_FILENO)) {
        print_version();
        options.interactive = true;
    } else if (idle) {
        return run_loaded(L, luaL_loadfile(L, NULL));
    } else if (command != NULL) {
        return run_command(L, command);
    } else if (script != NULL) {
        bool standard_input = strcmp(script, "-") == 0 && options.script == options.count; /* not after -- */
        if (!run_script(L, standard_input ? NULL : script)) return false;
    }
    if (options.interactive) interact(L);
    return true;
}

/* The same under protection: argv -> success. An error comes out only when there is no memory for more. */
static int protected_run(lua_State *L) {
    char **argv = lua_touserdata(L, 1);
    lua_settop(L, 0);
    lua_pushboolean(L, run_everything(L, argv));
    return 1;
}

int main(int argc, char **argv) {
    if (argc > 0 && argv[0][0] != '\0') program = argv[0];
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        complain("cannot create the Lua state: not enough memory");
        return EXIT_FAILURE;
    }
    lua_pushcfunction(L, protected_run);
    lua_pushlightuserdata(L, argv);
    int status = lua_pcall(L, 1, 1, 0);
    bool succeeded = status == LUA_OK && lua_toboolean(L, -1);
    if (status != LUA_OK) report(L);
    lua_close(L);
    if ((fflush(stdout) != 0 || ferror(stdout)) && succeeded) {
        complain("standard output could not be written: what was printed is not complete");
        succeeded = false;
    }
    if (!succeeded && ended_by_interrupt) { /* as if never caught: the shell around us has to see it */
        fflush(NULL);
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    return succeeded ? EXIT_SUCCESS : EXIT_FAILURE;
}
