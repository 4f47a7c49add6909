/* The `fnet` command: the Lua interpreter with the neural-network library inside.
   It does what the manual of Lua says of the stand-alone interpreter (section 7), and on top of that --help, an
   interactive mode in which `fnet` is there, and Ctrl-C that also stops a long tensor operation. */
#include <fenv.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/launch.h"
#include "core/text.h"
#include "kernels/kernels.h"
#include "lua/lcore.h"
#include "lua/lembedded.h"
#include "lua/lerror.h"
#include "lua/lfailure.h"
#include "lua/linterrupt.h"
#include "lua/lreadline.h"
#include "options.h"
#include "version.h"

static const char *program = "fnet"; /* as messages name it; NULL in the interactive mode */
static FILE *errors;                 /* where messages go; stderr unless this is another process than the first */
static bool is_one_of_several;       /* that mpirun or srun has started */
static bool ended_by_interrupt;      /* the last error that reached the top level was an interruption */

/* Memory that the tensors of one step leave is that of the next. glibc would give it back to the system as soon as
   128 KiB at its end are free, and get it again page by page. Large blocks still come from the system and go back
   whole, where lua/lspare.c keeps them: without it glibc's own pace is the better one. */
static void keep_memory(void) {
#if defined __GLIBC__ && LUA_VERSION_NUM == 504
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
#endif
}

/* ---- several processes, started by mpirun or srun ---- */

/* The first process speaks for all: of the others nothing is heard but why one has failed, and which. */
static void take_part(void) {
    static char name[64];
    struct launch launch;
    is_one_of_several = launch_find(&launch) && launch.count > 1;
    if (!is_one_of_several) return;
    snprintf(name, sizeof name, "fnet, process %d of %d", launch.rank + 1, launch.count);
    program = name;
    if (launch.rank == 0) return;
    int descriptor = dup(STDERR_FILENO);
    FILE *own = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (own == NULL || freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
        return;
    errors = own;
}

/* Where all fail alike, the first process says so and ends the others: each lets it go first. */
static void let_the_first_speak(void) {
    if (errors != stderr) sleep(1);
}

/* Calls a function of fnet.base.processes, by its name at 1. */
static int call_processes(lua_State *L) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fnet.base.processes");
    lua_call(L, 1, 1);
    lua_pushvalue(L, 1);
    lua_gettable(L, -2);
    lua_call(L, 0, 0);
    return 0;
}

/* All join before they do anything, so that none waits for ever for one that has ended, whatever the reason. Where
   that cannot be, the script hears why when it wants to share its work. */
static void join_others(lua_State *L) {
    lua_pushcfunction(L, call_processes);
    lua_pushliteral(L, "join");
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* Where this process fails, the others must not wait for it. */
static void end_others(lua_State *L) {
    lua_pushcfunction(L, call_processes);
    lua_pushliteral(L, "abort");
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* ---- messages ---- */

/* Messages may quote files of strangers. No memory is taken, which may be what is missing. */
static void write_visible(const char *text) {
    enum { PIECE = 256 };
    char visible[TEXT_VISIBLE_MOST * PIECE];
    for (size_t left = strlen(text), size; left > 0; text += size, left -= size) {
        size = left;
        if (left > PIECE) /* ends between two characters */
            for (size = PIECE; size > PIECE - 3 && (text[size] & 0xC0) == 0x80;) size--;
        size_t length = text_visible(visible, text, size, true);
        fwrite(visible, 1, length, errors);
    }
}

static void complain(const char *message) {
    fflush(stdout); /* so that both streams keep their order on a terminal */
    if (program != NULL) fprintf(errors, "%s: ", program);
    write_visible(message);
    fputc('\n', errors);
    fflush(errors);
}

/* Takes away a progress line that stands where a message is to go. */
static int erase_live_line(lua_State *L) {
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "fnet.report.live") != LUA_TTABLE) return 0;
    lua_getfield(L, -1, "erase");
    lua_call(L, 0, 0);
    return 0;
}

/* Reports and pops the error on top of the stack; false, which is what its caller returns. */
static bool report(lua_State *L) {
    const char *message = lua_tostring(L, -1);
    lua_pushcfunction(L, erase_live_line);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1); /* no memory for that */
    let_the_first_speak();
    complain(message != NULL ? message : "(error message not a string)");
    lua_pop(L, 1);
    return false;
}

static void print_version(void) {
    printf("fnet %s  numerics %d\n%s\n", FNET_VERSION, NUMERICS_VERSION, LUA_COPYRIGHT);
    fflush(stdout);
}

/* ---- calling Lua ---- */

/* Whether the frame is that of the chunk that we called: below it there is only our own. */
static bool is_outermost(lua_State *L, int level) {
    lua_Debug frame;
    return !lua_getstack(L, level + 2, &frame);
}

/* Calls a function that only helps with a message; false where that fails. Ctrl-C meanwhile is not lost. */
static bool help_with(lua_State *L, int arguments) {
    if (lua_pcall(L, arguments, 1, 0) == LUA_OK) return true;
    ended_by_interrupt = lerror_is(L, -1, LERROR_INTERRUPTED);
    return false;
}

/* Pushes what the library says to do instead, such as "did you mean 'x'?", where Lua's own message on top of the
   stack says what a value is not, or that there is no such script; false, with nothing pushed, where there is no
   such advice. */
static bool push_way_out(lua_State *L) {
    int top = lua_gettop(L);
    const char *message = lua_tostring(L, top);
    if (strstr(message, " value (") == NULL && strncmp(message, "cannot open ", 12) != 0) return false;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fnet.command.suggest");
    if (help_with(L, 1) && lua_getfield(L, -1, "way_out") == LUA_TFUNCTION) {
        lua_pushvalue(L, top);
        if (help_with(L, 1) && lua_isstring(L, -1)) {
            lua_replace(L, top + 1);
            lua_settop(L, top + 1);
            return true;
        }
    }
    lua_settop(L, top);
    return false;
}

/* Whether a message speaks of a nil that may be the result of a call. A method that is not there is none: its
   object is. */
static bool speaks_of_nil(const char *message) {
    return strstr(message, " nil") != NULL && strstr(message, "nil value (method '") == NULL;
}

/* Adds such advice to the message at 1, or to one that speaks of nil the failure that a function of the library has
   given as nil. */
static void explain(lua_State *L) {
    const char *message = lua_tostring(L, 1);
    if (push_way_out(L)) {
        lua_pushfstring(L, "%s; %s", message, lua_tostring(L, -1));
        lua_replace(L, 1);
    } else if (speaks_of_nil(message) && lfailure_latest(L, false) != NULL) {
        lua_pushfstring(L, "%s\nnil may come from %s (assert(...) around that call says so at once)", message,
                        lua_tostring(L, -1));
        lua_replace(L, 1);
    }
    lua_settop(L, 1);
}

/* Message handler: a string gets a traceback; another object speaks for itself through __tostring. What the
   library says of a wrong use names the script's line, so its own frames are left out, and where nothing but that
   line would remain, there is no traceback. */
static int add_traceback(lua_State *L) {
    const char *message = lua_tostring(L, 1);
    ended_by_interrupt = message != NULL && lerror_is(L, 1, LERROR_INTERRUPTED);
    if (message == NULL) {
        if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    }
    int level = lerror_level(L, 1);
    if (message != NULL && !ended_by_interrupt) explain(L);
    if (level < 0 || (level > 0 && !is_outermost(L, level)))
        luaL_traceback(L, L, lua_tostring(L, -1), level < 0 ? 1 : level);
    return 1;
}

/* Calls the function below its arguments; what goes wrong is reported here. */
static bool call(lua_State *L, int arguments, int results) {
    int base = lua_gettop(L) - arguments;
    lua_pushcfunction(L, add_traceback);
    lua_insert(L, base);
    ended_by_interrupt = false; /* a lack of memory does not come to the handler */
    fesetenv(FE_DFL_ENV);       /* a library that has been loaded may have set another one: see core/rounding.h */
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

/* ---- the command line ---- */

/* Only how the command is called is shown, so that the complaint is still there on a small screen. */
static void complain_of_option(const char *option) {
    fprintf(stderr, options_needs_argument(option) ? "%s: '%s' needs argument\n" : "%s: unrecognized option '%s'\n",
            program, option);
    const char *rest = strstr(options_usage, "Options");
    fprintf(stderr, "%.*s`fnet --help` explains them\n", (int)(rest - options_usage), options_usage);
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

/* Shows a text, on top of the stack, as help is shown: as wide as the terminal, and through a pager. */
static bool show_text(lua_State *L) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fnet.command.page");
    if (!call(L, 1, 1)) return false;
    lua_insert(L, -2);
    return call(L, 1, 0);
}

/* Shows what help says about a name of the library, or search about words. */
static bool show_help(lua_State *L, const char *topic, bool search) {
    if (!require(L, search ? "fnet.command.search" : "fnet.command.help")) return false;
    push_member(L, -1, "find");
    lua_pushstring(L, topic);
    if (!call(L, 1, 2)) return false;
    if (lua_isnil(L, -2)) return report(L);
    lua_pop(L, 1);
    return show_text(L);
}

/* Prints what a shell offers at Tab, after the words in `arg`. */
static bool complete_words(lua_State *L) {
    if (!require(L, "fnet.command.shell")) return false;
    lua_getglobal(L, "arg");
    lua_pushstring(L, options_usage);
    return call(L, 2, 0);
}

/* Pushes the chunk of a file, or of standard input for NULL. Where the session goes on after it, its locals stay.
 */
static bool load_script(lua_State *L, const char *name, bool stays) {
    if (!stays || name == NULL) {
        int status = luaL_loadfile(L, name);
        if (status == LUA_ERRFILE && push_way_out(L))
            lua_pushfstring(L, "%s; %s", lua_tostring(L, -2), lua_tostring(L, -1));
        return status == LUA_OK || report(L);
    }
    if (!require(L, "fnet.command.session")) return false;
    push_member(L, -1, "load_file");
    lua_pushstring(L, name);
    if (!call(L, 1, 2)) return false;
    if (lua_isnil(L, -2)) return report(L);
    lua_pop(L, 1);
    return true;
}

/* Runs a file, or standard input for NULL, with the values of `arg` from 1. */
static bool run_script(lua_State *L, const char *name, bool stays) {
    if (!load_script(L, name, stays)) return false;
    int chunk = lua_gettop(L);
    if (lua_getglobal(L, "arg") != LUA_TTABLE) luaL_error(L, "'arg' is not a table");
    int count = (int)luaL_len(L, -1);
    luaL_checkstack(L, count, "too many arguments to script");
    for (int i = 1; i <= count; i++) lua_rawgeti(L, chunk + 1, i);
    lua_remove(L, chunk + 1);
    if (!call(L, count, LUA_MULTRET)) return false;
    if (!stays) return true;
    int results = lua_gettop(L) - chunk + 1;
    if (!require(L, "fnet.command.session")) return false;
    push_member(L, -1, "keep");
    lua_replace(L, -2);
    lua_insert(L, chunk);
    return call(L, results, 0);
}

/* The module of a command, as lua/fnet/command/init.lua has it; the stack keeps the name. NULL where the word is no
   command. No file of that name is ever run instead: whoever describes a model that came in a folder trusts nothing
   in it. */
static const char *command_module(lua_State *L, const char *word) {
    if (word == NULL) return NULL;
    if (!require(L, "fnet.command")) return NULL;
    lua_getfield(L, -1, word);
    return lua_tostring(L, -1);
}

/* Whether a command has options, which it explains itself; the others are in the usage. */
static bool explains_itself(const char *word) {
    return strcmp(word, "eval") == 0 || strcmp(word, "export") == 0 || strcmp(word, "init") == 0;
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

/* Shows the values above `base`, a chunk's results. */
static void show_values(lua_State *L, int repl, int base) {
    luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
    push_member(L, repl, "show");
    lua_insert(L, base + 1);
    if (lua_pcall(L, lua_gettop(L) - base - 1, 0, 0) != LUA_OK) report(L);
}

/* Reads, runs and shows until the end of the input; whether that was reached. Only the language side is Lua
   (fnet.command.repl): chunks are called from here, so a traceback shows the user's functions and nothing else. */
static bool interact(lua_State *L) {
    const char *before = program;
    bool failed = false; /* the last reading, for want of memory; nothing is said of it twice in a row */
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fnet.command.repl");
    lua_call(L, 1, 1);
    int repl = lua_gettop(L);
    push_member(L, repl, "complete");
    lreadline_open(L);
    program = NULL;
    if (isatty(STDIN_FILENO))
        puts("`help` tells what there is, `help nn` of a part of it; `exit` or Ctrl-D leaves.");
    push_member(L, repl, "open");
    call(L, 0, 0);
    for (;;) {
        int base = repl + 1;
        lua_settop(L, base);
        push_member(L, repl, "read");
        lua_pushvalue(L, base);
        if (failed ? lua_pcall(L, 1, 2, 0) != LUA_OK : !call(L, 1, 2)) {
            if (failed) break;
            failed = !ended_by_interrupt;
            continue;
        }
        failed = false;
        if (lua_isnil(L, -2)) {
            if (lua_isnil(L, -1)) puts(""); /* the prompt's line is still open */
            fflush(stdout);
            break;
        }
        if (lua_isfunction(L, -2)) {
            lua_pop(L, 1);
            if (call(L, 0, LUA_MULTRET)) show_values(L, repl, base);
        } else if (!lua_isnil(L, -1)) {
            report(L);
        }
    }
    program = before;
    ended_by_interrupt = false;
    return !failed;
}

/* ---- everything, in the order of the manual ---- */

static void do_nothing(int number) { (void)number; }

/* A file that grows beyond the limit of the process is an error of whoever writes it, which the system reports
   where the signal has a handler; unlike an ignored signal, that is no matter of the programs that the script
   starts. */
static void survive_file_limits(void) {
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART}, before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGXFSZ, NULL, &before);
    if (before.sa_handler == SIG_DFL) sigaction(SIGXFSZ, &action, NULL);
}

/* Says of a file that the script could not write, and that is not there in the end, what it has perhaps not looked
   at: the result of model:save, which nothing else needs. */
static void recall(lua_State *L) {
    const char *failure = lfailure_latest(L, true);
    if (failure == NULL) return;
    lua_pushfstring(L, "note: not written by %s (assert(...) around that call ends the script there)", failure);
    report(L);
}

static bool run_everything(lua_State *L, char **argv) {
    struct options options = options_parse(argv);
    if (options.bad != NULL) {
        complain_of_option(options.bad);
        return false;
    }
    if (options.ignore_environment) {
        lua_pushboolean(L, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV"); /* where the package library looks */
    }
    luaL_checkversion(L); /* the headers were those of the library */
    luaL_openlibs(L);
    lua_warning(L, "@off", 0); /* Lua 5.4 begins so, Lua 5.5 only in its interpreter */
    lembedded_preload(L);
    const char *script = argv[options.script];
    const char *command = options.help ? NULL : command_module(L, script);
    bool asks_for_help = command != NULL && !explains_itself(script) && options_is_help(argv[options.script + 1]);
    if (asks_for_help || (options.help && options.topic == NULL)) {
        lua_pushfstring(L, "%s%s", options_usage, options_help);
        return show_text(L);
    }
    if (options.version || options.interactive) print_version();
    set_arg(L, argv, options.script);
#if LUA_VERSION_NUM == 504
    lua_gc(L, LUA_GCGEN, 10, 0);
#else
    lua_gc(L, LUA_GCGEN);
    lua_gc(L, LUA_GCPARAM, LUA_GCPMINORMUL, 10);
#endif
    linterrupt_open(L);
    survive_file_limits();
    if (options.completes) return complete_words(L);
    if (options.help) return show_help(L, options.topic, options.search);
    if (is_one_of_several) join_others(L);
    if (!options.ignore_environment && !run_environment(L)) return false;
    if (!run_options(L, argv, options.count)) return false;

    bool idle = script == NULL && !options.has_code && !options.version && !options.interactive;
    if (idle && isatty(STDIN_FILENO)) {
        print_version();
        options.interactive = true;
    } else if (idle) {
        if (!run_loaded(L, luaL_loadfile(L, NULL))) return false;
    } else if (command != NULL) {
        return run_command(L, command);
    } else if (script != NULL) {
        bool standard_input = strcmp(script, "-") == 0 && options.script == options.count; /* not after -- */
        if (!run_script(L, standard_input ? NULL : script, options.interactive)) return false;
    }
    if (options.interactive) return interact(L);
    recall(L);
    return true;
}

/* The same under protection: argv -> success. An error comes out only when there is no memory for more. */
static int protected_run(lua_State *L) {
    char **argv = lua_touserdata(L, 1);
    lua_settop(L, 0);
    lua_pushboolean(L, run_everything(L, argv));
    return 1;
}

/* The last thing a process does, also after os.exit: what was printed and is not there makes it fail. */
static void check_output(void) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return;
    complain("standard output could not be written: what was printed is not complete");
    _exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
    if (argc > 0 && argv[0][0] != '\0') program = argv[0];
    errors = stderr;
    atexit(check_output); /* the first, so that it runs after those of libraries */
    keep_memory();
    take_part();
    fesetenv(FE_DFL_ENV);
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
    if (!succeeded && is_one_of_several) end_others(L);
    lua_close(L);
    if (!succeeded && ended_by_interrupt) { /* as if never caught: the shell around us has to see it */
        fflush(NULL);
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    return succeeded ? EXIT_SUCCESS : EXIT_FAILURE;
}
