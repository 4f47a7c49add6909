#include "order.h"

#include "interrupt.h"
#include "threads.h"

#include <string.h>

#define FEW 64 /* so many are kept in order as they come; for more it pays to count digits */

#define DIGITS 8 /* of a key, each one byte */
#define DIGIT_VALUES 256

struct job {
    const struct tensor *x;
    size_t lines, n, inner, first, count, parts; /* the places of ranks first .. first + count - 1 are asked for */
    bool descending;
    struct order_item *items;
    int32_t *place;
};

/* Keys are in the order of the numbers: IEEE's bits are, but for the sign. */
static uint64_t key_of(double value, bool descending) {
    const uint64_t sign = (uint64_t)1 << 63;
    uint64_t bits;
    value += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &value, sizeof bits);
    if (value != value) return UINT64_MAX;
    bits = (bits & sign) != 0 ? ~bits : bits | sign;
    return descending ? ~bits : bits;
}

/* Of the element i of the line that begins at `line`. */
static inline struct order_item item_of(const struct job *job, size_t line, size_t i) {
    double value = tensor_element(job->x->dtype, job->x->data, line + i * job->inner);
    return (struct order_item){key_of(value, job->descending), (uint32_t)i + 1};
}

/* The first few of a line, each put behind those that are not larger. */
static const struct order_item *keep_few(const struct job *job, size_t line, struct order_item *items) {
    size_t few = job->first + job->count, kept = 0;
    for (size_t i = 0; i < job->n; i++) {
        struct order_item item = item_of(job, line, i);
        if (kept == few && item.key >= items[kept - 1].key) continue;
        size_t at = kept < few ? kept++ : kept - 1;
        for (; at > 0 && items[at - 1].key > item.key; at--) items[at] = items[at - 1];
        items[at] = item;
    }
    return items + job->first;
}

/* The keys among which those that are asked for lie; so many elements of the line are below. */
struct range {
    uint64_t low, high;
    size_t below;
};

static inline bool lies_in(uint64_t key, const struct range *range) {
    return key - range->low <= range->high - range->low; /* what is below becomes large */
}

/* Digit by digit, the highest first, until few others are left in it: a pass over the keys is cheaper than to sort
   them. */
static struct range find_range(const struct job *job, const uint64_t *key) {
    struct range range = {0, UINT64_MAX, 0};
    size_t last = job->first + job->count - 1, left = job->n;
    for (int shift = 8 * (DIGITS - 1); shift >= 0 && left / 4 > job->count + FEW && !interrupt_pending();
         shift -= 8) {
        uint32_t counts[DIGIT_VALUES] = {0};
        size_t above = range.below;
        uint64_t from = 0, to, known = range.low;
        for (size_t i = 0; i < job->n; i++)
            if (lies_in(key[i], &range)) counts[key[i] >> shift & 0xff]++;
        while ((above += counts[from]) <= job->first) range.below = above, from++;
        for (to = from; above <= last;) above += counts[++to];
        left = above - range.below;
        range.low = known | from << shift;
        range.high = known | to << shift | (((uint64_t)1 << shift) - 1);
        if (from != to) break;
    }
    return range;
}

/* What lies in the range, by radix sort, the lowest digit first; one that all keys have in common needs no pass. */
static const struct order_item *sort_range(const struct job *job, size_t line, struct order_item *items) {
    uint32_t counts[DIGITS][DIGIT_VALUES] = {{0}};
    struct order_item *from = items, *to = items + job->n;
    uint64_t *key = (void *)to; /* for now */
    for (size_t i = 0; i < job->n; i++) key[i] = item_of(job, line, i).key;
    struct range range = find_range(job, key);
    size_t n = 0;
    for (size_t i = 0; i < job->n; i++) {
        if (!lies_in(key[i], &range)) continue;
        from[n++] = (struct order_item){key[i], (uint32_t)i + 1};
        for (int digit = 0; digit < DIGITS; digit++) counts[digit][key[i] >> 8 * digit & 0xff]++;
    }
    for (int digit = 0; digit < DIGITS && !interrupt_pending(); digit++) {
        uint32_t *count = counts[digit], before = 0;
        if (count[from[0].key >> 8 * digit & 0xff] == n) continue;
        for (int value = 0; value < DIGIT_VALUES; value++) {
            uint32_t here = count[value];
            count[value] = before;
            before += here;
        }
        for (size_t i = 0; i < n; i++) to[count[from[i].key >> 8 * digit & 0xff]++] = from[i];
        struct order_item *sorted = to;
        to = from;
        from = sorted;
    }
    return from + (job->first - range.below);
}

static void sort_lines(void *context, size_t begin, size_t end) {
    const struct job *job = context;
    for (size_t part = begin; part < end; part++) {
        struct order_item *items = job->items + part * order_items(job->n, job->first + job->count);
        size_t line, last;
        threads_range(job->lines, 1, part, job->parts, &line, &last);
        for (; line < last && !interrupt_pending(); line++) {
            size_t outer = line / job->inner, inner = line % job->inner,
                   first = outer * job->n * job->inner + inner;
            const struct order_item *sorted =
                job->first + job->count <= FEW ? keep_few(job, first, items) : sort_range(job, first, items);
            int32_t *place = job->place + outer * job->count * job->inner + inner;
            for (size_t i = 0; i < job->count; i++) place[i * job->inner] = (int32_t)sorted[i].place;
        }
    }
}

size_t order_parts(size_t lines) { return lines < threads_count() ? lines : threads_count(); }

size_t order_items(size_t n, size_t last) { return last <= FEW ? last : 2 * n; }

void order_places(bool descending, const struct tensor *x, size_t outer, size_t n, size_t inner, size_t first,
                  size_t count, struct order_item *items, int32_t *place) {
    struct job job = {.x = x,
                      .lines = outer * inner,
                      .n = n,
                      .inner = inner,
                      .first = first,
                      .count = count,
                      .parts = order_parts(outer * inner),
                      .descending = descending,
                      .items = items,
                      .place = place};
    if (count > 0) threads_for(job.parts, 1, (double)job.lines * (double)n * 32, sort_lines, &job);
}

size_t order_groups(const struct tensor *x, size_t n, const int32_t *place, int32_t *group) {
    size_t groups = 0;
    uint64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)place[i] - 1;
        uint64_t key = key_of(tensor_element(x->dtype, x->data, at), false);
        if (i == 0 || key != last) groups++;
        group[at] = (int32_t)groups;
        last = key;
    }
    return groups;
}
