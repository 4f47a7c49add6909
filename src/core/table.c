#include "table.h"

#include <stdint.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)1 << 20)

static size_t rows_of_block(const struct table *table) {
    size_t rows = BLOCK_BYTES / (table->width * sizeof(float));
    return rows > 0 ? rows : 1;
}

static size_t bytes_of_block(const struct table *table) {
    return rows_of_block(table) * table->width * sizeof(float);
}

float *table_row(struct table *table) {
    size_t rows = rows_of_block(table), block = table->count / rows;
    if (block == table->room) {
        size_t room = table->room > 0 ? 2 * table->room : 16, size = sizeof *table->blocks;
        float **blocks = table->resize(table->context, table->blocks, table->room * size, room * size);
        if (!blocks) return NULL;
        for (size_t i = table->room; i < room; i++) blocks[i] = NULL;
        table->blocks = blocks;
        table->room = room;
    }
    if (!table->blocks[block]) table->blocks[block] = table->resize(table->context, NULL, 0, bytes_of_block(table));
    return table->blocks[block] ? table->blocks[block] + table->count % rows * table->width : NULL;
}

size_t table_bytes(const struct table *table) {
    return (table->count / rows_of_block(table) + 1) * bytes_of_block(table);
}

void table_tally(const struct table *table, size_t column, size_t codes, uint32_t *counts) {
    size_t rows = rows_of_block(table);
    for (size_t row = 0; row < table->count; row++) {
        float code = table->blocks[row / rows][row % rows * table->width + column];
        if (code >= 1 && code <= (float)codes) counts[(size_t)code]++;
    }
}

static inline float value_of(const struct table_output *output, const float *row) {
    float value = row[output->column];
    return output->map && value >= 1 ? output->map[(size_t)value] : value;
}

/* One row of a tensor; gives the place behind it. */
static float *write_row(const struct table_output *outputs, size_t count, const float *row, float *to) {
    for (size_t i = 0; i < count; i++) {
        float value = value_of(&outputs[i], row);
        if (outputs[i].spread == 0) {
            *to++ = value;
            continue;
        }
        memset(to, 0, outputs[i].spread * sizeof *to);
        if (value >= 1) to[(size_t)value - 1] = 1; /* not of a missing one */
        to += outputs[i].spread;
    }
    return to;
}

static void give_back(struct table *table, size_t block) {
    if (table->blocks[block]) table->resize(table->context, table->blocks[block], bytes_of_block(table), 0);
    table->blocks[block] = NULL;
}

void table_finish(struct table *table, const struct table_output *x_outputs, size_t x_count, float *x,
                  const struct table_output *y_outputs, size_t y_count, void *y, bool labels) {
    size_t rows = rows_of_block(table);
    float *targets = labels ? NULL : y;
    for (size_t row = 0; row < table->count; row++) {
        const float *from = table->blocks[row / rows] + row % rows * table->width;
        x = write_row(x_outputs, x_count, from, x);
        if (labels)
            ((int32_t *)y)[row] = (int32_t)value_of(y_outputs, from);
        else
            targets = write_row(y_outputs, y_count, from, targets);
        if (row % rows == rows - 1) give_back(table, row / rows);
    }
}

void table_close(struct table *table) {
    for (size_t block = 0; block < table->room; block++) give_back(table, block);
    if (table->blocks) table->resize(table->context, table->blocks, table->room * sizeof *table->blocks, 0);
    table->blocks = NULL;
    table->room = table->count = 0;
}
