/* One step of a recurrent layer, forward and backward, of every instruction set: equal bit for bit to the formulas
   written out in plain C. */
#include "../check.h"

#include "reference.h"

enum { GATES, EXTRA, Y, BEFORE, DY, DH, DC, SLOPES, EXTRA_SLOPES, EXPECTED, PLACES };

static const size_t gates_of[CELL_COUNT] = {[CELL_TANH] = 1, [CELL_RELU] = 1, [CELL_LSTM] = 4, [CELL_GRU] = 3};

static float one(enum unary operation, float x) {
    float y;
    kernels_portable.unary[operation](1, &x, &y);
    return y;
}
static float sigmoid(float x) { return one(UNARY_SIGMOID, x); }
static float hyperbolic(float x) { return one(UNARY_TANH, x); }
static float sigmoid_slope(float dy, float y) { return dy * (y * (1 - y)); }
static float tanh_slope(float dy, float y) { return dy * (1 - y * y); }

/* What belongs to one unit of one row: the values of an element of each array, before and after. */
struct unit {
    float gates[4], extra, y, before, dy, dh, dc, slopes[4], extra_slopes;
};

static void step(enum cell_kind kind, struct unit *u) {
    float *g = u->gates;
    switch (kind) {
    case CELL_TANH: u->y = hyperbolic(g[0]); break;
    case CELL_RELU: u->y = one(UNARY_RELU, g[0]); break;
    case CELL_LSTM:
        g[0] = sigmoid(g[0]), g[1] = sigmoid(g[1]), g[2] = hyperbolic(g[2]), g[3] = sigmoid(g[3]);
        u->extra = g[1] * u->before + g[0] * g[2];
        u->y = g[3] * hyperbolic(u->extra);
        break;
    default:
        g[0] = sigmoid(g[0]), g[1] = sigmoid(g[1]);
        g[2] = hyperbolic(g[2] + g[0] * u->extra);
        u->y = (1 - g[1]) * g[2] + g[1] * u->before;
    }
}

static void step_back(enum cell_kind kind, struct unit *u) {
    const float *g = u->gates, dh = u->dy + u->dh;
    switch (kind) {
    case CELL_TANH: u->slopes[0] = tanh_slope(dh, u->y); break;
    case CELL_RELU: u->slopes[0] = u->y > 0 ? dh : 0; break;
    case CELL_LSTM: {
        float shown = hyperbolic(u->extra), dc = u->dc + tanh_slope(dh * g[3], shown);
        u->slopes[0] = sigmoid_slope(dc * g[2], g[0]);
        u->slopes[1] = sigmoid_slope(dc * u->before, g[1]);
        u->slopes[2] = tanh_slope(dc * g[0], g[2]);
        u->slopes[3] = sigmoid_slope(dh * shown, g[3]);
        u->dc = dc * g[1];
        break;
    }
    default: {
        float dcandidate = tanh_slope(dh * (1 - g[1]), g[2]);
        u->slopes[0] = sigmoid_slope(dcandidate * u->extra, g[0]);
        u->slopes[1] = sigmoid_slope(dh * (u->before - g[2]), g[1]);
        u->slopes[2] = dcandidate;
        u->extra_slopes = dcandidate * g[0];
        u->dh = dh * g[1];
    }
    }
}

/* The arrays of a step: where each lies, how many numbers a unit has there, and how far its rows are apart. */
struct array {
    float *at;
    size_t width, row;
};

/* Numbers of a unit in an array: element(0), element(units), ... */
static void get(const struct array *a, size_t units, size_t r, size_t i, float *to) {
    for (size_t k = 0; a->at && k < a->width; k++) to[k] = a->at[r * a->row + k * units + i];
}
static void set(const struct array *a, size_t units, size_t r, size_t i, const float *from) {
    for (size_t k = 0; k < a->width; k++) a->at[r * a->row + k * units + i] = from[k];
}

static void check_array(size_t place, const struct array *a, size_t rows, size_t units, const struct unit *all,
                        size_t offset, const char *what) {
    size_t count = rows ? (rows - 1) * a->row + a->width * units : 0;
    float *expected = put_copy(EXPECTED, count, 0, a->at);
    const struct array to = {expected, a->width, a->row};
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < units; i++)
            set(&to, units, r, i, (const void *)((const char *)&all[r * units + i] + offset));
    check_same(count, expected, a->at, "%s, rows %zu units %zu", what, rows, units);
    check_guards(place);
}

static void test_cell(const struct kernels *kernels, enum cell_kind kind, size_t rows, size_t units,
                      enum values values) {
    static struct unit all[3 * 129];
    const size_t gates = gates_of[kind], row = units * (1 + random_below(3));
    const size_t before_row = random_below(2) ? row : units;
    struct array part[PLACES] = {[GATES] = {NULL, gates, gates * row},
                                 [EXTRA] = {NULL, 1, row},
                                 [Y] = {NULL, 1, row},
                                 [BEFORE] = {NULL, 1, before_row},
                                 [DY] = {NULL, 1, row},
                                 [DH] = {NULL, 1, units},
                                 [DC] = {NULL, 1, units},
                                 [SLOPES] = {NULL, gates, gates * row},
                                 [EXTRA_SLOPES] = {NULL, 1, row}};
    for (size_t place = 0; place < EXPECTED; place++) {
        size_t count = rows ? (rows - 1) * part[place].row + part[place].width * units : 0;
        part[place].at = put_filled(place, count, random_below(POSITION_COUNT), values);
    }
    struct cell cell = {.rows = rows, .units = units, .row = row, .before_row = before_row};
    cell.gates = part[GATES].at;
    cell.extra = part[EXTRA].at;
    cell.y = part[Y].at;
    cell.before = part[BEFORE].at;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < units; i++) {
            struct unit *u = &all[r * units + i];
            get(&part[GATES], units, r, i, u->gates);
            get(&part[EXTRA], units, r, i, &u->extra);
            get(&part[BEFORE], units, r, i, &u->before);
            get(&part[DY], units, r, i, &u->dy);
            get(&part[DH], units, r, i, &u->dh);
            get(&part[DC], units, r, i, &u->dc);
            get(&part[EXTRA_SLOPES], units, r, i, &u->extra_slopes);
            step(kind, u);
        }
    kernels->cell[kind](&cell);
    check_array(GATES, &part[GATES], rows, units, all, offsetof(struct unit, gates), "gates");
    check_array(EXTRA, &part[EXTRA], rows, units, all, offsetof(struct unit, extra), "extra");
    check_array(Y, &part[Y], rows, units, all, offsetof(struct unit, y), "y");

    for (size_t i = 0; i < rows * units; i++) step_back(kind, &all[i]);
    cell.dy = part[DY].at;
    cell.dh = part[DH].at;
    cell.dc = part[DC].at;
    cell.slopes = part[SLOPES].at;
    cell.extra_slopes = part[EXTRA_SLOPES].at;
    kernels->cell_backward[kind](&cell);
    check_array(SLOPES, &part[SLOPES], rows, units, all, offsetof(struct unit, slopes), "slopes");
    check_array(EXTRA_SLOPES, &part[EXTRA_SLOPES], rows, units, all, offsetof(struct unit, extra_slopes),
                "extra slopes");
    check_array(DH, &part[DH], rows, units, all, offsetof(struct unit, dh), "dh");
    check_array(DC, &part[DC], rows, units, all, offsetof(struct unit, dc), "dc");
    check_guards(Y);
}

int main(int count, char **arguments) {
    static const char *const kinds[CELL_COUNT] = {"tanh", "relu", "lstm", "gru"};
    size_t tables;
    const struct kernels *const *table = kernels_supported(&tables);
    check_start(count, arguments);
    for (size_t t = 0; t < tables; t++)
        for (int kind = 0; kind < CELL_COUNT; kind++) {
            test("%s %s", table[t]->name, kinds[kind]);
            for (int values = 0; values < VALUES_COUNT; values++)
                for (size_t s = 0; s < SIZE_COUNT; s++)
                    for (size_t rows = 0; rows < 4; rows++)
                        test_cell(table[t], (enum cell_kind)kind, rows, size_at(s), (enum values)values);
        }
    return check_end();
}
