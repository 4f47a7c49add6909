/* Rows of numbers that grow until a file has been read, and then become tensors.
   A row has one number for each column that is wanted: the value of a number; of a category its code, counted from
   1 in the order in which they were met; NaN where a value is missing. Invariant: rows lie in blocks that are never
   moved; they are given back one by one while the tensors fill, so that little more than the result is in memory.
   A table starts as zeros but for width, resize and context; table_close is owed to it. */
#ifndef FNET_TABLE_H
#define FNET_TABLE_H

#include "csv.h"

struct table {
    size_t width; /* numbers a row, at least 1 */
    size_t count; /* rows */
    csv_resize *resize;
    void *context;

    /* Private to table.c. */
    float **blocks;
    size_t room; /* for blocks */
};

/* What a column becomes in a tensor. */
struct table_output {
    size_t column;
    size_t spread;    /* 0: one number; else so many columns, 1 in that of the category, the others 0 */
    const float *map; /* the number of the category with each code, from map[1] on; NULL: the number stays */
};

/* The place of the row behind the last, to be written; count + 1 makes it part of the table. NULL: no memory. */
float *table_row(struct table *table);

/* The bytes of all rows and of room for more: what there was no memory for. */
size_t table_bytes(const struct table *table);

/* Counts how often each code from 1 to `codes` is in the column: counts[code] is increased. */
void table_tally(const struct table *table, size_t column, size_t codes, uint32_t *counts);

/* Writes x, [count, the sum of the outputs' widths], and the y that belongs to it in the same way, where there are
   outputs for it: y as int32 where `labels`. The rows are given back. */
void table_finish(struct table *table, const struct table_output *x_outputs, size_t x_count, float *x,
                  const struct table_output *y_outputs, size_t y_count, void *y, bool labels);

/* Gives the memory back; the table is empty afterwards. */
void table_close(struct table *table);

#endif
