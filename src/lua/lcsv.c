/* The binding of the CSV reader. A session is one file, from csv_open on, and the table that fills from it:
   separate, read the header, fill, tally, finish. lua/fnet/files/csv.lua and lua/fnet/data/table.lua call it.
   Invariant: file, buffers and table belong to the session, which Lua closes or collects, however a function ends.
   Their memory comes from Lua's allocator, where a lack of it can be told. */
#include "lsource.h"
#include "lspare.h"
#include "ltensor.h"

#include "../core/csv.h"
#include "../core/interrupt.h"
#include "../core/number.h"
#include "../core/rounding.h"
#include "../core/table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SESSION_METATABLE "fnet.csv"
#define BEGINNING 4096         /* bytes that tell what a file is */
#define LOOK 4096              /* records between two looks for an interrupt */
#define CODES_MOST 16777216.0f /* float32 counts no further */

/* What becomes of a missing value. */
enum policy { REFUSE, KEEP, DROP };

struct column {
    size_t field; /* of a record, from 0 */
    bool category;
    enum policy policy;
    float most; /* the highest code met */
};

struct session {
    lua_State *L; /* that of the call which runs */
    struct csv_reader reader;
    struct table table;
    struct column *columns; /* of the table, kept by the user value */
    enum csv_state state;   /* of the record that was read last */
    bool current;           /* it was not filled in yet */
    size_t line, dropped;
};

static void *resize(void *context, void *block, size_t old_size, size_t size) {
    void *userdata, *result;
    lua_State *L = ((struct session *)context)->L;
    lua_Alloc allocate = lspare_allocator(L, &userdata);
    result = allocate(userdata, block, old_size, size);
    if (result || size == 0) return result;
    lua_gc(L, LUA_GCCOLLECT, 0);
    lspare_empty(L);
    return allocate(userdata, block, old_size, size);
}

static struct session *session_of(lua_State *L) {
    struct session *session = luaL_checkudata(L, 1, SESSION_METATABLE);
    session->L = L;
    return session;
}

static int close_session(lua_State *L) {
    struct session *session = session_of(L);
    csv_close(&session->reader);
    table_close(&session->table);
    return 0;
}

/* nil, message, errno of what the reader met. */
static int failure(lua_State *L, const struct csv_reader *reader) {
    lcheck_interrupt(L);
    luaL_pushfail(L);
    lua_pushstring(L, reader->message);
    if (reader->code == 0) return 2;
    lua_pushinteger(L, reader->code);
    return 3;
}

/* core.csv_open(path): a session; nil, message, errno where there is no such file. */
static int open_session(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct session *session = memset(lua_newuserdatauv(L, sizeof *session, 1), 0, sizeof *session);
    session->L = L;
    session->reader.resize = session->table.resize = resize;
    session->reader.context = session->table.context = session;
    luaL_setmetatable(L, SESSION_METATABLE);
    FILE *file = lsource_open(L, path, NULL);
    if (!file) return 3;
    return csv_open(&session->reader, file) ? 1 : failure(L, &session->reader);
}

/* session:beginning(): the first bytes of the file, decompressed. */
static int beginning(lua_State *L) {
    const struct csv_reader *reader = &session_of(L)->reader;
    size_t count = reader->end - reader->begin;
    lua_pushlstring(L, reader->buffer ? reader->buffer + reader->begin : "", count < BEGINNING ? count : BEGINNING);
    return 1;
}

/* session:separate(character) */
static int separate(lua_State *L) {
    size_t length;
    const char *separator = luaL_checklstring(L, 2, &length);
    luaL_argcheck(L, length == 1, 2, "expected one character");
    csv_separate(&session_of(L)->reader, *separator);
    return 0;
}

/* Reads the next record; false once there is none or a fault. */
static bool advance(struct session *session) {
    session->state = session->reader.buffer ? csv_next(&session->reader) : CSV_END; /* closed: nothing is there */
    session->line = session->reader.line;
    return session->state == CSV_RECORD;
}

/* session:read(): the fields of the next record, and whether the first of them stands in quotes; nothing at the
   end; nil, message, errno. */
static int read_record(lua_State *L) {
    struct session *session = session_of(L);
    const struct csv_reader *reader = &session->reader;
    session->current = advance(session);
    if (session->state == CSV_FAULT) return failure(L, reader);
    if (session->state == CSV_END) return 0;
    lua_createtable(L, (int)reader->count, 0);
    for (size_t i = 0; i < reader->count; i++) {
        lua_pushlstring(L, reader->fields[i].at, reader->fields[i].length);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushboolean(L, reader->fields[0].quoted);
    return 2;
}

/* session:line(): where the record begins that was read last. */
static int line_of_record(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)session_of(L)->line);
    return 1;
}

/* ---- filling the table ---- */

/* What the fields mean, and where the arguments of `fill` lie on the stack. */
struct filler {
    struct session *session;
    size_t fields; /* a record */
    char decimal, thousands;
    size_t number_count;
    const double *numbers; /* that mean a missing value */
    size_t rows_most;
};

enum { FIELDS = 2, COLUMNS, MARKERS, NUMBERS, POINT, THOUSANDS, LIMIT, ARGUMENTS = LIMIT, CODES };

enum found { VALUE, MISSING, NO_NUMBER };

static enum found find_number(lua_State *L, const struct filler *filler, const struct csv_field *field, float *to) {
    const char *at = field->at, *end = at + field->length;
    double value;
    while (at < end && *at == ' ') at++; /* within quotes they are still there */
    while (end > at && end[-1] == ' ') end--;
    if (number_parse(at, (size_t)(end - at), filler->decimal, filler->thousands, &value)) {
        for (size_t i = 0; i < filler->number_count; i++)
            if (value == filler->numbers[i]) return MISSING;
        *to = rounding_single(value);
        if (isfinite(*to)) return VALUE;
    }
    lua_pushlstring(L, at, (size_t)(end - at));
    bool missing = lua_rawget(L, MARKERS) != LUA_TNIL;
    lua_pop(L, 1);
    return missing ? MISSING : NO_NUMBER;
}

/* The code of a text. What answers the first question for a text is Lua, which may raise a fault. */
static enum found find_category(lua_State *L, size_t number, const struct csv_field *field, struct column *column,
                                float *to) {
    lua_rawgeti(L, CODES, (lua_Integer)number + 1);
    lua_pushlstring(L, field->at, field->length);
    lua_gettable(L, -2);
    lua_Number code = lua_tonumber(L, -1);
    lua_pop(L, 2);
    if (isnan(code)) return MISSING;
    if (!(code >= 0 && code <= CODES_MOST)) lerror(L, "fill: expected a code that float32 can hold, got %f", code);
    *to = (float)code;
    if (*to > column->most) column->most = *to;
    return VALUE;
}

/* Adds a record, of empty fields where `blank`. Gives the number of values that it returns: 0, or those of a fault.
 */
static int add_record(lua_State *L, const struct filler *filler, bool blank) {
    static const struct csv_field empty = {.at = ""};
    struct session *session = filler->session;
    struct table *table = &session->table;
    if (table->count == filler->rows_most) {
        luaL_pushfail(L);
        lua_pushfstring(
            L, "line %I: the %I records before take all bytes of the limit; { limit = bytes } sets another",
            (LUAI_UACINT)session->line, (LUAI_UACINT)table->count);
        return 2;
    }
    float *row = table_row(table);
    bool dropped = false;
    if (!row) {
        luaL_pushfail(L);
        lua_pushfstring(L, "line %I: needs %I bytes for the records so far, which do not fit into memory",
                        (LUAI_UACINT)session->line, (LUAI_UACINT)table_bytes(table));
        lua_pushinteger(L, ENOMEM);
        return 3;
    }
    for (size_t i = 0; i < table->width; i++) {
        struct column *column = &session->columns[i];
        const struct csv_field *field = blank ? &empty : &session->reader.fields[column->field];
        enum found found =
            column->category ? find_category(L, i, field, column, &row[i]) : find_number(L, filler, field, &row[i]);
        if (found == NO_NUMBER || (found == MISSING && column->policy == REFUSE)) {
            luaL_pushfail(L);
            lua_pushstring(L, found == MISSING ? "missing" : "number");
            lua_pushinteger(L, (lua_Integer)i + 1);
            lua_pushlstring(L, field->at, field->length);
            return 4;
        }
        if (found == MISSING) row[i] = NAN;
        dropped = dropped || (found == MISSING && column->policy == DROP);
    }
    if (dropped)
        session->dropped++;
    else
        table->count++;
    return 0;
}

static bool is_blank(const struct csv_reader *reader) {
    for (size_t i = 0; i < reader->count; i++)
        if (reader->fields[i].length > 0) return false;
    return true;
}

/* All records from the current one on. Those of empty fields wait for one that follows: at the end they do not
   count. */
static int add_records(lua_State *L, struct filler *filler) {
    struct session *session = filler->session;
    const struct csv_reader *reader = &session->reader;
    size_t waiting = 0, first_waiting = 0, count = 0;
    for (bool there = session->current || advance(session); there; there = advance(session)) {
        if (++count % LOOK == 0) lcheck_interrupt(L);
        if (reader->count != filler->fields) {
            luaL_pushfail(L);
            lua_pushliteral(L, "fields");
            lua_pushinteger(L, (lua_Integer)reader->count);
            return 3;
        }
        if (is_blank(reader)) {
            if (waiting++ == 0) first_waiting = session->line;
            continue;
        }
        for (session->line = first_waiting; waiting > 0; waiting--) {
            int values = add_record(L, filler, true);
            if (values > 0) return values;
        }
        session->line = reader->line;
        int values = add_record(L, filler, false);
        if (values > 0) return values;
    }
    session->current = false;
    if (session->state == CSV_FAULT) return failure(L, reader);
    lua_pushinteger(L, (lua_Integer)session->table.count);
    lua_pushinteger(L, (lua_Integer)session->dropped);
    return 2;
}

static char check_character(lua_State *L, int index, char otherwise) {
    return lua_isnoneornil(L, index) ? otherwise : *luaL_checkstring(L, index);
}

static enum policy check_policy(lua_State *L, int index) {
    static const char *const names[] = {"refuse", "nan", "drop", NULL};
    return (enum policy)luaL_checkoption(L, index, NULL, names);
}

/* The columns that the list at COLUMNS describes become the session's; their codes a list at CODES. */
static void keep_columns(lua_State *L, struct session *session, size_t count, size_t fields) {
    lua_createtable(L, (int)count, 0);
    struct column *columns = lua_newuserdatauv(L, count * sizeof *columns, 0);
    for (size_t i = 0; i < count; i++) {
        int table = lua_gettop(L) + 1;
        luaL_argcheck(L, lua_geti(L, COLUMNS, (lua_Integer)i + 1) == LUA_TTABLE, COLUMNS, "not a list of tables");
        lua_getfield(L, table, "number");
        size_t field = (size_t)lcheck_integer(L, table + 1, "fill: number", 1, (lua_Integer)fields) - 1;
        lua_getfield(L, table, "missing");
        columns[i] = (struct column){.field = field, .policy = check_policy(L, table + 2)};
        columns[i].category = lua_getfield(L, table, "codes") == LUA_TTABLE;
        lua_rawseti(L, CODES, (lua_Integer)i + 1);
        lua_settop(L, table - 1);
    }
    lua_setiuservalue(L, 1, 1);
    session->columns = columns;
}

/* Pushes the numbers that the list at NUMBERS has. */
static const double *push_numbers(lua_State *L, size_t count) {
    double *numbers = lua_newuserdatauv(L, count * sizeof *numbers, 0);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, NUMBERS, (lua_Integer)i + 1);
        numbers[i] = luaL_checknumber(L, -1);
        lua_pop(L, 1);
    }
    return numbers;
}

/* session:open_ended(): whether a small file may have any number of records. */
static int open_ended(lua_State *L) {
    lua_pushboolean(L, csv_is_open_ended(&session_of(L)->reader));
    return 1;
}

/* session:fill(fields, columns, markers, numbers, decimal, thousands, limit): all records from the one that was
   read last, each of so many fields, into a row of the columns, tables with number, the field's place; codes, a
   table that gives the code of a text, NaN where it stands for a missing value, for a number nil; missing,
   "refuse", "nan" or "drop". markers: keys are the texts, numbers a list of the numbers, that mean a missing value.
   Gives how many records there are, and how many were dropped. Else nil and "fields", the count of another one; nil
   and "missing" or "number", the number of the column in the list, the text; nil, message, errno. */
static int fill(lua_State *L) {
    struct session *session = session_of(L);
    lua_settop(L, ARGUMENTS);
    struct filler filler = {.session = session};
    filler.fields = (size_t)lcheck_integer(L, FIELDS, "fill: fields", 1, LUA_MAXINTEGER);
    for (int index = COLUMNS; index <= NUMBERS; index++) luaL_checktype(L, index, LUA_TTABLE);
    filler.decimal = check_character(L, POINT, '.');
    filler.thousands = check_character(L, THOUSANDS, '\0');
    size_t width = (size_t)lua_rawlen(L, COLUMNS);
    luaL_argcheck(L, width > 0 && session->table.width == 0, COLUMNS, "none, or filled before");
    keep_columns(L, session, width, filler.fields);
    filler.number_count = (size_t)lua_rawlen(L, NUMBERS);
    filler.numbers = push_numbers(L, filler.number_count);
    session->table.width = width;
    lua_Integer limit =
        lua_isnil(L, LIMIT) ? LUA_MAXINTEGER : lcheck_integer(L, LIMIT, "fill: limit", 1, LUA_MAXINTEGER);
    filler.rows_most = (size_t)limit / (width * sizeof(float));
    return add_records(L, &filler);
}

/* ---- from the table to tensors ---- */

static size_t check_column(lua_State *L, int index, const struct session *session) {
    return (size_t)lcheck_integer(L, index, "column", 1, (lua_Integer)session->table.width) - 1;
}

/* session:tally(column): how many records have each code that was given, a list. */
static int tally(lua_State *L) {
    struct session *session = session_of(L);
    size_t column = check_column(L, 2, session), codes = (size_t)session->columns[column].most;
    uint32_t *counts = lua_newuserdatauv(L, (codes + 1) * sizeof *counts, 0);
    memset(counts, 0, (codes + 1) * sizeof *counts);
    lua_createtable(L, (int)codes, 0);
    table_tally(&session->table, column, codes, counts);
    for (size_t code = 1; code <= codes; code++) {
        lua_pushinteger(L, (lua_Integer)counts[code]);
        lua_rawseti(L, -2, (lua_Integer)code);
    }
    return 1;
}

/* Pushes the numbers that categories get, by their codes; `most` is the highest of them. */
static const float *push_map(lua_State *L, int index, size_t codes, size_t *most) {
    float *map = lua_newuserdatauv(L, (codes + 1) * sizeof *map, 0);
    *most = 0;
    for (size_t code = 1; code <= codes; code++) {
        lua_rawgeti(L, index, (lua_Integer)code);
        size_t number = (size_t)lcheck_integer(L, lua_gettop(L), "map", 0, (lua_Integer)CODES_MOST);
        lua_pop(L, 1);
        map[code] = (float)number;
        if (number > *most) *most = number;
    }
    return map;
}

/* Pushes the outputs that the list at `index` describes, and a list that keeps their maps; *width is that of a row
   of the tensor. */
static const struct table_output *push_outputs(lua_State *L, int index, const struct session *session,
                                               size_t *count, size_t *width) {
    luaL_checktype(L, index, LUA_TTABLE);
    *count = (size_t)lua_rawlen(L, index);
    *width = 0;
    struct table_output *outputs = lua_newuserdatauv(L, *count * sizeof *outputs, 0);
    lua_createtable(L, (int)*count, 0);
    int kept = lua_gettop(L);
    for (size_t i = 0; i < *count; i++, lua_settop(L, kept)) {
        luaL_argcheck(L, lua_geti(L, index, (lua_Integer)i + 1) == LUA_TTABLE, index, "not a list of tables");
        lua_getfield(L, kept + 1, "column");
        struct table_output *output = &outputs[i];
        *output = (struct table_output){.column = check_column(L, kept + 2, session)};
        size_t most = (size_t)session->columns[output->column].most;
        if (lua_getfield(L, kept + 1, "map") == LUA_TTABLE) {
            output->map = push_map(L, kept + 3, most, &most);
            lua_rawseti(L, kept, (lua_Integer)i + 1);
        }
        if (lua_getfield(L, kept + 1, "spread") != LUA_TNIL)
            output->spread = (size_t)lcheck_integer(L, -1, "spread", (lua_Integer)most, LUA_MAXINTEGER);
        *width += output->spread > 0 ? output->spread : 1;
    }
    return outputs;
}

/* session:finish(x, y, labels): the tensors x, float32 [records, columns], and y in the same way, or int32
   [records] where `labels`, from the table, which is empty afterwards. x and y, which may be nil, are lists of
   tables with column, the number of one that was filled in; map, a list of the numbers that its codes become;
   spread, how many columns of 0 and 1 a category becomes. nil, message, errno where there is no memory for them. */
static int finish(lua_State *L) {
    struct session *session = session_of(L);
    bool has_y = !lua_isnoneornil(L, 3), labels = lua_toboolean(L, 4);
    size_t x_count, x_width, y_count = 0, y_width = 0, rows = session->table.count;
    const struct table_output *y_outputs = NULL;
    const struct tensor *y = NULL;
    luaL_argcheck(L, session->table.width > 0, 1, "nothing was filled in");
    const struct table_output *x_outputs = push_outputs(L, 2, session, &x_count, &x_width);
    if (has_y) y_outputs = push_outputs(L, 3, session, &y_count, &y_width);
    luaL_argcheck(L, !labels || y_count == 1, 4, "expected one column of labels");
    const struct tensor *x = ltensor_try(L, FLOAT32, 2, (size_t[]){rows, x_width});
    if (!x) return 3;
    if (has_y) y = ltensor_try(L, labels ? INT32 : FLOAT32, labels ? 1 : 2, (size_t[]){rows, y_width});
    if (has_y && !y) return 3;
    table_finish(&session->table, x_outputs, x_count, x->data, y_outputs, y_count, y ? y->data : NULL, labels);
    session->table.count = 0;
    return has_y ? 2 : 1;
}

/* core.csv_number(text, decimal, thousands): the number that a text is, nil for another one. decimal: '.' by
   default, thousands: none. */
static int number_of_text(lua_State *L) {
    size_t length;
    double value;
    const char *text = luaL_checklstring(L, 1, &length);
    if (!number_parse(text, length, check_character(L, 2, '.'), check_character(L, 3, '\0'), &value)) return 0;
    lua_pushnumber(L, value);
    return 1;
}

void lopen_csv(lua_State *L) {
    static const luaL_Reg functions[] = {{"csv_open", open_session}, {"csv_number", number_of_text}, {NULL, NULL}};
    static const luaL_Reg session[] = {{"beginning", beginning},
                                       {"separate", separate},
                                       {"read", read_record},
                                       {"line", line_of_record},
                                       {"fill", fill},
                                       {"open_ended", open_ended},
                                       {"tally", tally},
                                       {"finish", finish},
                                       {"__close", close_session},
                                       {"__gc", close_session},
                                       {NULL, NULL}};
    lnew_metatable(L, SESSION_METATABLE, session);
    luaL_setfuncs(L, functions, 0);
}
