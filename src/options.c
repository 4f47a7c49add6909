/* The options of the command line. See options.h. */
#include "options.h"

#include <string.h>

const char options_usage[] = "usage: fnet [options] [script [arguments]]\n"
                             "       fnet [options] check script [arguments]\n"
                             "       fnet [options] info file...\n"
                             "       fnet [options] run model picture...\n"
                             "       fnet [options] eval model [--data directory]\n"
                             "       fnet [options] export model [--to c|onnx|html] file\n"
                             "       fnet [options] launch -n processes script [arguments]\n"
                             "       fnet [options] init [--library] folder\n"
                             "Options (-e, -l and -W act in the order given):\n"
                             "  -e code    run the string `code`\n"
                             "  -l mod     require the module `mod` into the global `mod`\n"
                             "  -l g=mod   require the module `mod` into the global `g`\n"
                             "  -i         go interactive after the script\n"
                             "  -v, -V, --version  show the versions of fnet, of its numerics and of Lua\n"
                             "  -E         ignore environment variables (LUA_INIT, LUA_PATH, LUA_CPATH)\n"
                             "  -W         turn warnings on\n"
                             "  --help, -h  show this text\n"
                             "  --help n    show what fnet says of the name `n`, such as nn.Dense, or of\n"
                             "              a word, such as overfitting; `--help terms` lists the words\n"
                             "  --help --search w  find names by words, or by what PyTorch calls them\n"
                             "  --         end of the options\n"
                             "  -          end of the options; run standard input\n";

const char options_help[] = "\n"
                            "fnet runs Lua scripts that have a neural-network library at hand:\n"
                            "  local fnet = require \"fnet\"\n"
                            "Without a script it goes interactive on a terminal, where `fnet` is loaded\n"
                            "already, and runs standard input elsewhere. Ctrl-C raises the error\n"
                            "\"interrupted\"; a second one, before the first was delivered, ends the process.\n"
                            "A script that does not catch the error dies of SIGINT, so loops in a shell stop\n"
                            "too. check, info, init, run, eval, export and launch are commands whatever files\n"
                            "there are: a script of such a name runs as ./info.\n"
                            "\n"
                            "Examples:\n"
                            "  fnet examples/fashion.lua --epochs 3   train a network on pictures of clothes\n"
                            "  fnet                                   try things out; Tab completes names\n"
                            "  fnet check model.lua                   a few steps: shapes, gradients, time\n"
                            "  fnet launch -n 4 model.lua             in four processes, by mpirun\n"
                            "  fnet init mine                         a folder for an experiment of your own\n"
                            "  fnet export m.safetensors page.html    a saved network as a page to draw on\n"
                            "  fnet export --help                     what export takes; so eval, init\n"
                            "  fnet -i model.lua                      run a script, then look around in it:\n"
                            "                                         its top-level locals are still there\n"
                            "  fnet -l fnet -e 'print(fnet.ones{2})'  one line\n"
                            "  fnet --help nn                         the layers; at the prompt `help nn`\n"
                            "  fnet --help --search 'early stopping'  find names; `search ...` at the prompt\n"
                            "\n"
                            "Environment:\n"
                            "  FNET_THREADS  number of threads (default: all processors)\n"
                            "  FNET_ISA      portable, avx2, avx512 or neon (default: the best)\n"
                            "  FNET_DATA     directory of the data sets\n"
                            "  PAGER         what shows help that is longer than the screen (default: less)\n"
                            "  NO_COLOR      when set: pictures without colours\n"
                            "  TERM          dumb or empty: no colours, no progress line, no line editing\n"
                            "  XDG_STATE_HOME  the interactive mode's history is in fnet/history below it, or\n"
                            "                below ~/.local/state\n"
                            "  LUA_INIT      code, or @file, to run first\n"
                            "  LUA_PATH, LUA_CPATH  where modules in Lua and in C are looked for\n";

bool options_is_help(const char *argument) {
    return argument != NULL && (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0);
}

bool options_needs_argument(const char *option) {
    return option[1] == 'e' || option[1] == 'l' || strcmp(option, "--search") == 0;
}

struct options options_parse(char **argv) {
    struct options options = {0};
    int i = argv[0] == NULL ? 0 : 1;
    for (; options.bad == NULL && argv[i] != NULL && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        const char *option = argv[i];
        if (strcmp(option, "--complete") == 0) {
            options.completes = true;
            break;
        }
        if (strcmp(option, "--") == 0) {
            options.count = i;
            options.script = i + 1;
            return options;
        }
        if (options_is_help(option) && argv[i + 1] != NULL && strcmp(argv[i + 1], "--search") == 0)
            option = argv[++i];
        options.search |= strcmp(option, "--search") == 0;
        if (options_is_help(option) || options.search) {
            options.help = true;
            if (argv[i + 1] != NULL && argv[i + 1][0] != '-') options.topic = argv[++i];
            if (options.search && options.topic == NULL) options.bad = option;
        } else if (option[1] == 'e' || option[1] == 'l') {
            bool stands_apart = option[2] == '\0';
            options.has_code |= option[1] == 'e';
            if (stands_apart && (argv[i + 1] == NULL || argv[i + 1][0] == '-')) options.bad = option;
            if (stands_apart) i++;
        } else if (strcmp(option, "--version") == 0 || strcmp(option, "-V") == 0) {
            options.version = true;
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
