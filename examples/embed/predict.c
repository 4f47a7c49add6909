/* A network that fnet saved, in a C program: fnet is loaded into a state of Lua, and called through Lua's C
   interface.
     ./predict model.safetensors [LENGTH...] <numbers.txt
   reads the numbers of one sample and prints what the network gives, one number a line. The lengths are those of
   the sample's axes, such as 28 28; without them it is one row. README.md says how this is built. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample {
    char *const *lengths; /* the words of the command line, and NULL */
    const char *model;    /* the path */
    float *numbers;
    size_t count;
};

/* Pushes require "fnet". */
static void push_fnet(lua_State *L) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "fnet");
    lua_call(L, 1, 1);
}

/* Pushes fnet.load(path); what it says of a file that it cannot read becomes an error. */
static void push_model(lua_State *L, int fnet, const char *path) {
    lua_getfield(L, fnet, "load");
    lua_pushstring(L, path);
    lua_call(L, 1, 2);
    if (lua_isnil(L, -2)) lua_error(L);
    lua_pop(L, 1);
}

/* Pushes fnet.from_bytes(numbers, { 1, lengths... }): a batch with one sample. */
static void push_input(lua_State *L, int fnet, const struct sample *sample) {
    lua_getfield(L, fnet, "from_bytes");
    lua_pushlstring(L, (const char *)sample->numbers, sample->count * sizeof(float));
    lua_newtable(L);
    lua_pushinteger(L, 1);
    lua_rawseti(L, -2, 1);
    if (!*sample->lengths) {
        lua_pushinteger(L, (lua_Integer)sample->count);
        lua_rawseti(L, -2, 2);
    }
    for (int i = 0; sample->lengths[i]; i++) {
        if (!lua_stringtonumber(L, sample->lengths[i]))
            luaL_error(L, "expected the length of an axis, got %s", sample->lengths[i]);
        lua_rawseti(L, -2, i + 2);
    }
    lua_call(L, 2, 1);
}

/* Pushes fnet.predict(model, input):bytes(), which are floats. */
static void push_output(lua_State *L, int fnet, int model, int input) {
    lua_getfield(L, fnet, "predict");
    lua_pushvalue(L, model);
    lua_pushvalue(L, input);
    lua_call(L, 2, 1);
    if (!lua_isuserdata(L, -1)) luaL_error(L, "the network gives several tensors; this program prints one");
    lua_getfield(L, -1, "bytes");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
}

/* Called in protected mode: any error ends it, and is the message that predict prints. A program that predicts more
   than once pushes fnet and the model once. */
static int run(lua_State *L) {
    struct sample *sample = lua_touserdata(L, 1);
    push_fnet(L);                    /* 2 */
    push_model(L, 2, sample->model); /* 3 */
    push_input(L, 2, sample);        /* 4 */
    push_output(L, 2, 3, 4);         /* 5 */
    sample->count = lua_rawlen(L, 5) / sizeof(float);
    const char *bytes = lua_tostring(L, 5); /* which belong to Lua, and may lie where no float may */
    for (size_t i = 0; i < sample->count; i++) {
        float number;
        memcpy(&number, bytes + i * sizeof number, sizeof number);
        printf("%.9g\n", (double)number);
    }
    return 0;
}

/* The numbers on standard input; false, with a message, where they end at something else. */
static bool read_numbers(struct sample *sample) {
    float number;
    while (scanf("%f", &number) == 1) {
        if ((sample->count & (sample->count - 1)) == 0) { /* a power of two: room for as many more */
            float *more = realloc(sample->numbers, 2 * (sample->count + 1) * sizeof number);
            if (!more) {
                fputs("predict: not enough memory\n", stderr);
                return false;
            }
            sample->numbers = more;
        }
        sample->numbers[sample->count++] = number;
    }
    if (feof(stdin)) return true;
    fprintf(stderr, "predict: what follows number %zu on standard input is no number\n", sample->count);
    return false;
}

static bool predict(struct sample *sample) {
    lua_State *L = luaL_newstate();
    if (!L) {
        fputs("predict: not enough memory\n", stderr);
        return false;
    }
    luaL_openlibs(L);
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, sample);
    bool done = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (!done) fprintf(stderr, "predict: %s\n", luaL_tolstring(L, -1, NULL));
    lua_close(L);
    return done;
}

int main(int count, char **words) {
    if (count < 2) {
        fputs("usage: predict model.safetensors [LENGTH...] <numbers.txt\n", stderr);
        return 2;
    }
    struct sample sample = {.model = words[1], .lengths = words + 2};
    bool done = read_numbers(&sample) && predict(&sample);
    free(sample.numbers);
    return done ? 0 : 1;
}
