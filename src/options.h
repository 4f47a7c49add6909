/* The options of the command line; for main.c only. */
#ifndef FNET_OPTIONS_H
#define FNET_OPTIONS_H

#include <stdbool.h>

struct options {
    bool help, version, interactive, ignore_environment, has_code;
    int count;         /* arguments up to here are options */
    int script;        /* index of the script's name, of "-", or of the NULL at the end */
    const char *topic; /* what --help is about; NULL: the command */
    bool search;       /* the topic is words to be found */
    bool completes;    /* --complete is at `script`; a shell's words follow */
    const char *bad;   /* the option that we do not know or that lacks its argument; else NULL */
};

/* What the arguments of the command say. */
struct options options_parse(char **argv);

/* Whether an option needs an argument. */
bool options_needs_argument(const char *option);

/* Whether an argument asks for help: --help or -h. */
bool options_is_help(const char *argument);

/* How the command is called; what more is to be said of it. Lines of at most 80 columns, in the layout that
   lua/fnet/command/usage.lua reads. */
extern const char options_usage[], options_help[];

#endif
