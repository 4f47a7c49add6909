--- The C functions that models in C are made of, for c.lua.
-- Invariant: each takes the steps of fnet's own kernel in the same order (chains of fmaf, sums in 16 lanes, the
-- series of src/kernels/template/math.inc), so that the bits are the same. Compilers fuse a * b + c by themselves,
-- gcc 12 in spite of -ffp-contract=off where it makes alternating additions and subtractions of constants; so a
-- product that anything might be added to is rounded first. Functions with weights say WEIGHTS where their
-- parameters stand and WEIGHT[i] for one of them. A comment names no function: what a text names is taken along.

-- A pooling: `each` makes y[j] of the positions top to bottom, left to right of channel j.
local function pooling(name, parameters, each)
  return ([[
static void %s(struct window rows, struct window columns, int channels, %sconst float *x, float *y) {
    int top, bottom, left, right;
    for (int row = 0; row < rows.count; row++)
        for (int column = 0; column < columns.count; column++, y += channels) {
            clip(rows, row, &top, &bottom);
            clip(columns, column, &left, &right);
            for (int j = 0; j < channels; j++) {
%s            }
        }
}

]]):format(name, parameters, each)
end

-- A blank line parts one function, or struct, from the next, which may use it.
local SOURCE = [[
/* What no compiler looks through: a * b, and only then a sum. */
static float rounded(float x) {
    volatile float y = x;
    return y;
}

static double rounded_double(double x) {
    volatile double y = x;
    return y;
}

static void copy(int n, const float *x, float *y) {
    for (int i = 0; i < n; i++) y[i] = x[i];
}

/* exp(x) = scale * part + scale, for x that a float can show. */
static void exp_parts(double x, double *scale, double *part) {
    x = -150 > x ? -150 : x;
    x = 130 < x ? 130 : x;
    double n = rint(x * 0x1.71547652b82fep+0), r = fma(n, -0x1.62e42fefa39efp-1, x);
    double p = 1.0 / 362880;
    p = fma(p, r, 1.0 / 40320);
    p = fma(p, r, 1.0 / 5040);
    p = fma(p, r, 1.0 / 720);
    p = fma(p, r, 1.0 / 120);
    p = fma(p, r, 1.0 / 24);
    p = fma(p, r, 1.0 / 6);
    p = fma(p, r, 0.5);
    *part = fma(p * r, r, r);
    *scale = ldexp(1, (int)n);
}

static double exponential(double x) {
    double scale, part;
    if (x != x) return x;
    exp_parts(x, &scale, &part);
    return fma(scale, part, scale);
}

static void relu(int n, float *x) {
    for (int i = 0; i < n; i++) x[i] = x[i] > 0 || x[i] != x[i] ? x[i] : 0;
}

static void leaky_relu(int n, float slope, float *x) {
    for (int i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : rounded(x[i] * slope);
}

/* One slope for all, or one a feature. */
static void learnt_slopes(int n, int count, const float *slopes, float *x) {
    for (int i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : rounded(x[i] * slopes[i % count]);
}

static void elu(int n, float alpha, float *x) {
    for (int i = 0; i < n; i++) {
        double scale, part;
        if (x[i] > 0 || x[i] != x[i]) continue;
        exp_parts(x[i], &scale, &part);
        x[i] = (float)(alpha * fma(scale, part, scale - 1));
    }
}

static void selu(int n, float *x) {
    elu(n, 0x1.ac5afap+0f, x);
    for (int i = 0; i < n; i++) x[i] = rounded(x[i] * 0x1.0cfabep+0f);
}

static double logistic(double x) { return 1 / (1 + exponential(0 - x)); }

static void sigmoid(int n, float *x) {
    for (int i = 0; i < n; i++) x[i] = (float)logistic(x[i]);
}

static void silu(int n, float *x) {
    for (int i = 0; i < n; i++) x[i] = (float)((-200 > x[i] ? -200.0 : (double)x[i]) * logistic(x[i]));
}

static void hyperbolic_tangent(int n, float *x) {
    for (int i = 0; i < n; i++) {
        double scale, part, size = fabs((double)x[i]);
        if (x[i] != x[i]) continue;
        exp_parts(size + size, &scale, &part);
        double e = fma(scale, part, scale - 1);
        x[i] = copysignf((float)(e / (e + 2)), x[i]);
    }
}

/* n log(2) + 2 artanh s */
static double log_series(double n, double s) {
    double s2 = s * s, p = 1.0 / 15;
    p = fma(p, s2, 1.0 / 13);
    p = fma(p, s2, 1.0 / 11);
    p = fma(p, s2, 1.0 / 9);
    p = fma(p, s2, 1.0 / 7);
    p = fma(p, s2, 1.0 / 5);
    p = fma(p, s2, 1.0 / 3);
    p = rounded_double(p * s2 * s);
    return fma(n, 0x1.62e42fefa39efp-1, s + s + (p + p));
}

/* Of x from 1 on: 2^n m with m in (sqrt(1/2), sqrt(2)]. */
static double logarithm(double x) {
    int n;
    double m;
    if (x != x) return x;
    m = frexp(x, &n) * 2;
    n--;
    if (m > 0x1.6a09e667f3bcdp+0) m *= 0.5, n++;
    return log_series(n, (m - 1) / (m + 1));
}

/* max(x, 0) + log(1 + exp(-|x|)), of m = 1 + e in (sqrt(1/2), sqrt(2)]. */
static void softplus(int n, float *x) {
    for (int i = 0; i < n; i++) {
        double size = fabs((double)x[i]), e = exponential(0 - size);
        int halved = e > 0x1.a827999fcef34p-2;
        double s = (halved ? e - 1 : e) / (halved ? e + 3 : e + 2);
        x[i] = (float)((0 > x[i] ? 0 : (double)x[i]) + log_series(halved ? 1 : 0, s));
    }
}

/* x times the share of the normal distribution below x; beyond u = |x| it is exp(-u^2 / 2) t P(t). */
static void gelu(int n, float *x) {
    static const double series[13] = {
        -0x1.556416cf796e6p-7, 0x1.1dfb49ec5981cp-4, -0x1.7ef11bb8a0c63p-3, 0x1.05bd43801fe22p-2,
        -0x1.c2b619b4139edp-3, 0x1.451a82b73a291p-3, -0x1.b66abedfa623cp-6, 0x1.0f74201b700a4p-4,
        0x1.e5c57bbed1441p-5, 0x1.351f30858d21dp-4, 0x1.55fd168fbd851p-4, 0x1.677e52c45a42cp-4,
        0x1.677ec83b1c255p-4};
    for (int i = 0; i < n; i++) {
        double above = -40 > x[i] ? -40 : (double)x[i], held = 40 < above ? 40 : above, u = fabs(held);
        double t = 1 / fma(u, 0.22, 1), p = series[0];
        for (int k = 1; k < 13; k++) p = fma(p, t, series[k]);
        double beyond = rounded_double(p * t * exponential(u * u * -0.5));
        x[i] = (float)(above * (held > 0 ? 1 - beyond : beyond));
    }
}

static float itself(float x) { return x; }

static float exponential_of(float x) { return (float)exponential(x); }

/* One of 16 lanes, in double: groups of 8, 8 of which are added to a first accumulator, 64 of those to a second. */
struct lane {
    double group, first, second, third;
    int count;
};

static void after_term(struct lane *lane) {
    if (++lane->count % 8 != 0) return;
    lane->first += lane->group;
    lane->group = 0;
    if (lane->count % 64 != 0) return;
    lane->second += lane->first;
    lane->first = 0;
    if (lane->count % 4096 != 0) return;
    lane->third += lane->second;
    lane->second = 0;
}

static double joined(const struct lane *lane) {
    double end[16];
    for (int l = 0; l < 16; l++) end[l] = lane[l].third + (lane[l].second + (lane[l].first + lane[l].group));
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++) end[l] += end[l + half];
    return end[0];
}

/* In double, of the distances from `middle`, or their squares. */
static double wide_sum(int n, int step, double middle, int squared, const float *x) {
    struct lane lane[16] = {{0, 0, 0, 0, 0}};
    for (int i = 0; i < n; i++) {
        double distance = x[i * step] - middle;
        struct lane *own = &lane[i % 16];
        own->group = squared ? fma(distance, distance, own->group) : own->group + distance;
        after_term(own);
    }
    return joined(lane);
}

/* Of term(x) of every step-th element, divided by the count: up to 1024 in float, of more each group. */
static float sum(int n, int step, int count, float (*term)(float), const float *x) {
    struct lane lane[16] = {{0, 0, 0, 0, 0}};
    float few[16] = {0};
    for (int i = 0; i < n; i++) {
        float next = term(x[i * step]), group = (float)lane[i % 16].group + next;
        few[i % 16] += next;
        lane[i % 16].group = group;
        after_term(&lane[i % 16]);
    }
    if (n > 1024) return (float)(joined(lane) / count);
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++) few[l] += few[l + half];
    return few[0] / (float)count;
}

/* What is added may be beyond float where the result is not. */
static float mean(int n, int step, const float *x) {
    float y = sum(n, step, n, itself, x);
    return y - y == 0 ? y : (float)(wide_sum(n, step, 0, 0, x) / n);
}

/* Of so many fused multiply-adds that each block of 1024 is added in double. */
struct chain {
    int count;
    float block;
    double total;
};

static void extend(struct chain *chain, float a, float b) {
    chain->block = fmaf(a, b, chain->block);
    if (++chain->count % 1024 != 0) return;
    chain->total += chain->block;
    chain->block = 0;
}

/* x less its maximum */
static void shift_below(int n, float *x) {
    float most = x[0];
    for (int i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int i = 0; i < n; i++) x[i] -= most;
}

static void softmax(int rows, int n, float *x) {
    for (; rows > 0; rows--, x += n) {
        shift_below(n, x);
        for (int i = 0; i < n; i++) x[i] = exponential_of(x[i]);
        float total = sum(n, 1, 1, itself, x);
        for (int i = 0; i < n; i++) x[i] /= total;
    }
}

static void log_softmax(int rows, int n, float *x) {
    for (; rows > 0; rows--, x += n) {
        shift_below(n, x);
        float level = (float)logarithm(sum(n, 1, 1, exponential_of, x));
        for (int i = 0; i < n; i++) x[i] -= level;
    }
}

static void batch_norm(int rows, int n, const float *factor, const float *shift, float *x) {
    for (; rows > 0; rows--, x += n)
        for (int i = 0; i < n; i++) x[i] = rounded(x[i] * factor[i]) + shift[i];
}

static float normalised(float x, double middle, double inverse) {
    int ordinary = inverse >= 0x1p-32 && inverse <= 0x1p32;
    return ordinary ? (x - (float)middle) * (float)inverse : (float)((x - middle) * inverse);
}

/* Without a bias the middle is 0, too. */
static void layer_norm(int rows, int n, const float *weight, const float *bias, double epsilon, float *x) {
    for (; rows > 0; rows--, x += n) {
        double middle = bias ? wide_sum(n, 1, 0, 0, x) / n : 0;
        double inverse = 1 / sqrt(wide_sum(n, 1, middle, 1, x) / n + epsilon);
        for (int i = 0; i < n; i++) {
            float z = normalised(x[i], middle, inverse);
            x[i] = bias ? fmaf(z, weight[i], bias[i]) : rounded(z * weight[i]);
        }
    }
}

static double channel_mean(int places, int n, const float *x) { return wide_sum(places, n, 0, 0, x) / places; }

/* The middle and the squares of a group come from those of its channels. */
static void group_norm(int places, int n, int groups, const float *weight, const float *bias, double epsilon,
                       float *x) {
    int width = n / groups;
    for (int first = 0; first < n; first += width) {
        double middle = 0, squares = 0, start = channel_mean(places, n, x + first);
        for (int j = first; j < first + width; j++) middle += channel_mean(places, n, x + j) - start;
        middle = start + middle / width;
        for (int j = first; j < first + width; j++) {
            double own = channel_mean(places, n, x + j), apart = own - middle;
            squares += wide_sum(places, n, own, 1, x + j) + rounded_double(places * (apart * apart));
        }
        double inverse = 1 / sqrt(squares / ((double)places * width) + epsilon);
        for (int j = first; j < first + width; j++)
            for (int i = 0; i < places; i++)
                x[i * n + j] = fmaf(normalised(x[i * n + j], middle, inverse), weight[j], bias[j]);
    }
}

static void add(int n, const float *x, float *y) {
    for (int i = 0; i < n; i++) y[i] = x[i] + y[i];
}

/* Rows of n numbers into rows that are `width` apart. */
static void join(int rows, int n, int width, const float *x, float *y) {
    for (; rows > 0; rows--, x += n, y += width)
        for (int i = 0; i < n; i++) y[i] = x[i];
}

/* A row of weights for each index, which counts from 1; NaN where there is no such row. */
static void embedding(int n, int count, int units, const float *weights, const float *x, float *y) {
    for (int i = 0; i < n; i++, y += units)
        for (int j = 0; j < units; j++)
            y[j] = x[i] >= 1 && x[i] <= (float)count ? weights[((int)x[i] - 1) * units + j] : NAN;
}

static void dense(int rows, int inputs, int units, WEIGHTS, const float *bias, const float *x, float *y) {
    for (; rows > 0; rows--, x += inputs, y += units) {
        for (int j = 0; j < units; j++) y[j] = bias ? bias[j] : 0;
        for (int k = 0; k < inputs; k++)
            for (int j = 0; j < units; j++) {
                float weight = WEIGHT[k * units + j];
                y[j] = fmaf(x[k], weight, y[j]);
            }
    }
}

static void dense_long(int rows, int inputs, int units, WEIGHTS, const float *bias, const float *x, float *y) {
    for (; rows > 0; rows--, x += inputs, y += units)
        for (int j = 0; j < units; j++) {
            struct chain chain = {0, bias ? bias[j] : 0, 0};
            for (int k = 0; k < inputs; k++) {
                float weight = WEIGHT[k * units + j];
                extend(&chain, x[k], weight);
            }
            y[j] = (float)(chain.total + chain.block);
        }
}

/* A window that slides along an axis: count places, of which the first begins `before` in front of the picture. */
struct window {
    int size, kernel, stride, before, count;
};

/* The part of the window's i-th place that lies in the picture. */
static void clip(struct window w, int i, int *first, int *end) {
    *first = i * w.stride - w.before;
    *end = *first + w.kernel < w.size ? *first + w.kernel : w.size;
    if (*first < 0) *first = 0;
}

static void conv2d_long(struct window rows, struct window columns, int inputs, int units, int groups, WEIGHTS,
                        const float *bias, const float *x, float *y) {
    int depth = inputs / groups, wide = units / groups, taps = rows.kernel * columns.kernel;
    for (int place = 0; place < rows.count * columns.count; place++, y += units)
        for (int j = 0; j < units; j++) {
            struct chain chain = {0, bias ? bias[j] : 0, 0};
            for (int tap = 0; tap < taps; tap++) {
                int i = place / columns.count * rows.stride - rows.before + tap / columns.kernel;
                int k = place % columns.count * columns.stride - columns.before + tap % columns.kernel;
                int inside = i >= 0 && i < rows.size && k >= 0 && k < columns.size;
                for (int c = 0; c < depth; c++) {
                    int at = (i * columns.size + k) * inputs + j / wide * depth + c;
                    float weight = WEIGHT[(tap * depth + c) * units + j];
                    extend(&chain, inside ? x[at] : 0, weight);
                }
            }
            y[j] = (float)(chain.total + chain.block);
        }
}

static void conv2d(struct window rows, struct window columns, int inputs, int units, int groups, WEIGHTS,
                   const float *bias, const float *x, float *y) {
    int depth = inputs / groups, wide = units / groups;
    for (int row = 0; row < rows.count; row++)
        for (int column = 0; column < columns.count; column++, y += units) {
            for (int j = 0; j < units; j++) y[j] = bias ? bias[j] : 0;
            for (int tap = 0; tap < rows.kernel * columns.kernel; tap++) {
                int i = row * rows.stride - rows.before + tap / columns.kernel;
                int k = column * columns.stride - columns.before + tap % columns.kernel;
                int inside = i >= 0 && i < rows.size && k >= 0 && k < columns.size;
                for (int c = 0; c < inputs; c++) {
                    float value = inside ? x[(i * columns.size + k) * inputs + c] : 0;
                    int from = (tap * depth + c % depth) * units, first = c / depth * wide;
                    for (int j = first; j < first + wide; j++) {
                        float weight = WEIGHT[from + j];
                        y[j] = fmaf(value, weight, y[j]);
                    }
                }
            }
        }
}

/* Backwards: each place of the picture adds to a field of the result, as this reads it. */
static void conv2d_transposed(struct window rows, struct window columns, int inputs, int units, int groups, WEIGHTS,
                              const float *bias, const float *x, float *y) {
    int depth = inputs / groups, wide = units / groups;
    for (int place = 0; place < rows.count * columns.count; place++, y += units)
        for (int unit = 0; unit < units; unit++) {
            float total = 0;
            for (int at = 0; at < rows.size * columns.size; at++) {
                int i = place / columns.count + rows.before - at / columns.size * rows.stride;
                int k = place % columns.count + columns.before - at % columns.size * columns.stride;
                if (i < 0 || i >= rows.kernel || k < 0 || k >= columns.kernel) continue;
                for (int j = unit / wide * depth; j < (unit / wide + 1) * depth; j++) {
                    float weight = WEIGHT[((i * columns.kernel + k) * wide + unit % wide) * inputs + j];
                    total = fmaf(x[at * inputs + j], weight, total);
                }
            }
            y[unit] = bias ? total + bias[unit] : total;
        }
}

/* Where the i-th place of an axis lies that is `scale` times as long: between two, and the share of the second. */
static float neighbours(int i, int length, int scale, int smooth, int *low, int *high) {
    double middle = (i + 0.5) / scale + 0.5;
    *low = *high = i / scale;
    if (!smooth || scale == 1) return 0;
    middle = middle < 1 ? 1 : middle > length ? length : middle;
    *low = (int)middle - 1;
    *high = *low + 1 < length ? *low + 1 : *low;
    return (float)(middle - (*low + 1));
}

static float between(float a, float b, float share) { return rounded(a * (1 - share)) + rounded(b * share); }

/* Rows first, then columns, each only where it becomes longer. */
static void upsample(int height, int width, int channels, int down, int across, int smooth, const float *x,
                     float *y) {
    int above, below, left, right;
    for (int i = 0; i < height * down; i++)
        for (int k = 0; k < width * across; k++)
            for (int j = 0; j < channels; j++, y++) {
                float share = neighbours(i, height, down, smooth, &above, &below);
                float along = neighbours(k, width, across, smooth, &left, &right);
                const float *high = x + above * width * channels + j, *low = x + below * width * channels + j;
                float first = high[left * channels], second = high[right * channels];
                if (smooth && down > 1) {
                    first = between(first, low[left * channels], share);
                    second = between(second, low[right * channels], share);
                }
                *y = smooth && across > 1 ? between(first, second, along) : first;
            }
}

]] .. pooling("max_pool", "", [[
                float most = x[(top * columns.size + left) * channels + j];
                for (int i = top; i < bottom; i++)
                    for (int k = left; k < right; k++) {
                        float next = x[(i * columns.size + k) * channels + j];
                        most = next > most || next != next ? next : most;
                    }
                y[j] = most;
]]) .. pooling("average_pool", "int whole, ", [[
                float total = 0;
                double long_total = 0;
                int number = (bottom - top) * (right - left), count = whole ? whole : number;
                for (int i = top; i < bottom; i++)
                    for (int k = left; k < right; k++) {
                        total += x[(i * columns.size + k) * channels + j];
                        long_total += x[(i * columns.size + k) * channels + j];
                    }
                y[j] = number > 1024 ? (float)(long_total / count) : total / (float)count;
]]) .. [[
static void global_average(int positions, int channels, const float *x, float *y) {
    for (int j = 0; j < channels; j++) y[j] = mean(positions, channels, x + j);
}
]]

local parts = {} -- in the order of a file, each { name =, text = }
for text in (SOURCE .. "\n"):gmatch "(.-\n)\n" do
  parts[#parts + 1] = { name = text:match "static %w+ ([%w_]+)%(" or text:match "struct (%w+) {", text = text }
end

return parts
