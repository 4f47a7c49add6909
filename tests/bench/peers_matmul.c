/* Matrix products in fnet and in the peers' libraries, interleaved: peers_matmul [ROUNDS] prints one JSON line for
   each product, number of threads and entrant, with the GFLOP/s of every round; peers.py makes the tables.
   The machine's multiply-add limit takes part as an entrant; the program limits beside this one measures it.
   Each entrant has a process of its own, stopped (SIGSTOP) while another measures: the libraries' idle threads
   spin for milliseconds, which would slow the next one down. All results are compared with fnet's. */
#include "peers_matmul.h"

#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/core/backend.h"
#include "../../src/core/matmul.h"
#include "../../src/core/threads.h"
#include "../../src/version.h"

#define LARGEST 2049
#define GROUP_SECONDS 0.002
#define GROUPS 5
#define ANSWER_SECONDS 0.02 /* no further group after this */
#define ROUNDS_MOST 99
#define ENTRANTS_MOST 16
#define TOLERANCE 1e-5 /* of the sum of absolute values */

static char directory[4000] = "."; /* of this program */

static const size_t batches[] = {1, 32, 64, 256, 1024};
static const size_t squares[] = {64, 128, 256, 512, 1024, 2048};
enum { BATCHES = sizeof batches / sizeof *batches, SQUARES = sizeof squares / sizeof *squares, STEP_PRODUCTS = 5 };

/* ---- what is multiplied ---- */

static struct multiplication step_product(int which, size_t batch) {
    switch (which) {
    case 0: return (struct multiplication){.name = "forward 784-128", .m = batch, .n = 128, .k = 784};
    case 1: return (struct multiplication){.name = "forward 128-10", .m = batch, .n = 10, .k = 128};
    case 2:
        return (struct multiplication){
            .name = "weights 784-128", .m = 784, .n = 128, .k = batch, .a_transposed = true};
    case 3:
        return (struct multiplication){
            .name = "weights 128-10", .m = 128, .n = 10, .k = batch, .a_transposed = true};
    default:
        return (struct multiplication){.name = "delta 10-128", .m = batch, .n = 128, .k = 10, .b_transposed = true};
    }
}

static float *operand(uint32_t seed) {
    size_t count = (size_t)LARGEST * LARGEST;
    float *values = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
    if (!values) {
        perror("peers_matmul");
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)(seed >> 8) * 0x1p-23f - 1;
    }
    return values;
}

/* ---- fnet, as an entrant ---- */

static struct matmul fnet_product;
static void *fnet_workspace;

static void fnet_version(char *text, size_t size) {
    snprintf(text, size, "%s, numerics %d, %s", FNET_VERSION, NUMERICS_VERSION, backend_name());
}

static bool fnet_prepare(const struct multiplication *p, int threads) {
    threads_set((size_t)threads);
    fnet_product = (struct matmul){.dtype = FLOAT32,
                                   .m = p->m,
                                   .n = p->n,
                                   .k = p->k,
                                   .a = p->a,
                                   .a_row = p->a_transposed ? 1 : p->k,
                                   .a_column = p->a_transposed ? p->m : 1,
                                   .b = p->b,
                                   .b_row = p->b_transposed ? 1 : p->n,
                                   .b_column = p->b_transposed ? p->k : 1,
                                   .c = p->c};
    free(fnet_workspace);
    fnet_workspace = aligned_alloc(64, (matmul_workspace(&fnet_product) + 64) / 64 * 64);
    return fnet_workspace != NULL;
}

static void fnet_run(void) { matmul_run(&fnet_product, fnet_workspace); }

static const struct entrant fnet = {"fnet", fnet_version, fnet_prepare, fnet_run};

/* ---- the process of an entrant ---- */

struct request {
    struct multiplication product; /* without the operands */
    int threads;
};

struct reply {
    double rate; /* operations a second; 0: this entrant has no code for the product */
    double sum, absolute_sum;
};

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Calls of which a group takes long enough to be timed. */
static long group_size(void (*run)(void), double enough) {
    for (long calls = 1;; calls *= 2) {
        double start = seconds_now();
        for (long i = 0; i < calls; i++) run();
        if (seconds_now() - start >= enough) return calls;
    }
}

/* Of the fastest of a few groups: what interrupts a group is the machine's doing, not the entrant's. */
static double seconds_a_call(void (*run)(void)) {
    long calls = group_size(run, GROUP_SECONDS);
    double first = seconds_now(), fastest = HUGE_VAL;
    for (int group = 0; group < GROUPS && seconds_now() - first < ANSWER_SECONDS; group++) {
        double start = seconds_now();
        for (long i = 0; i < calls; i++) run();
        fastest = fmin(fastest, seconds_now() - start);
    }
    return fastest / (double)calls;
}

static void summarise(const struct multiplication *p, struct reply *reply) {
    for (size_t i = 0; i < p->m * p->n; i++) {
        double value = p->c[i] * (double)(1 + i % 7);
        reply->sum += value;
        reply->absolute_sum += fabs(value);
    }
}

static struct reply answer(const struct entrant *entrant, const struct request *request) {
    struct reply reply = {0, 0, 0};
    const struct multiplication *p = &request->product;
    if (!entrant->prepare(p, request->threads)) return reply;
    reply.rate = 2.0 * (double)p->m * (double)p->n * (double)p->k / seconds_a_call(entrant->run);
    summarise(p, &reply);
    return reply;
}

/* Operations a second that the machine can do at most on that many threads: the best of a few groups, as above. */
static double limit_measure(int threads) {
    char command[4200], line[100];
    double best = 0;
    snprintf(command, sizeof command, "%s/limits multiply-adds %s %d 4", directory, backend_name(), threads);
    for (int group = 0; group < GROUPS; group++) {
        FILE *output = popen(command, "r");
        if (output && fgets(line, sizeof line, output)) best = fmax(best, 1e9 * strtod(line, NULL));
        if (output) pclose(output);
    }
    return best;
}

/* An entrant of NULL is the machine's limit. */
static void serve(const struct entrant *entrant, int requests, int replies) {
    struct request request;
    float *a = operand(1), *b = operand(2), *c = operand(3);
    char version[200] = "";
    threads_open();
    if (entrant) entrant->version(version, sizeof version);
    if (write(replies, version, sizeof version) != sizeof version) _exit(1);
    while (read(requests, &request, sizeof request) == sizeof request) {
        struct reply reply = {0, 0, 0};
        request.product.a = a;
        request.product.b = b;
        request.product.c = c;
        if (entrant)
            reply = answer(entrant, &request);
        else
            reply.rate = limit_measure(request.threads);
        if (write(replies, &reply, sizeof reply) != sizeof reply) break;
    }
    _exit(0);
}

/* ---- the one who asks ---- */

struct contestant {
    const char *name;
    pid_t process;
    int requests, replies;
    char version[200];
    double rates[ROUNDS_MOST];
};

static struct contestant contestants[ENTRANTS_MOST];
static int contestant_count;

static _Noreturn void fail(const char *what, const struct contestant *who) {
    fprintf(stderr, "peers_matmul: %s: %s\n", who->name, what);
    for (int i = 0; i < contestant_count; i++) kill(contestants[i].process, SIGKILL);
    exit(1);
}

static void enter(const char *name, const struct entrant *entrant) {
    struct contestant *who = &contestants[contestant_count++];
    int requests[2], replies[2];
    who->name = name;
    if (pipe(requests) != 0 || pipe(replies) != 0) fail("no pipe", who);
    who->process = fork();
    if (who->process < 0) fail("no process", who);
    if (who->process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would wake a stopped process after an interrupt */
        close(requests[1]);
        close(replies[0]);
        serve(entrant, requests[0], replies[1]);
    }
    close(requests[0]);
    close(replies[1]);
    who->requests = requests[1];
    who->replies = replies[0];
    if (read(who->replies, who->version, sizeof who->version) != sizeof who->version) fail("did not start", who);
    kill(who->process, SIGSTOP);
}

static struct reply ask(struct contestant *who, const struct request *request) {
    struct reply reply;
    kill(who->process, SIGCONT);
    if (write(who->requests, request, sizeof *request) != sizeof *request ||
        read(who->replies, &reply, sizeof reply) != sizeof reply)
        fail("ended early", who);
    kill(who->process, SIGSTOP);
    return reply;
}

static void print_figure(const struct contestant *who, const struct request *request, size_t batch, int rounds) {
    printf("{\"name\": \"%s\", \"batch\": %zu, \"threads\": %d, \"peer\": \"%s\", \"version\": \"%s\", "
           "\"unit\": \"GFLOP/s\", \"samples\": [",
           request->product.name, batch, request->threads, who->name, who->version);
    for (int round = 0; round < rounds; round++) printf("%s%.4g", round ? ", " : "", who->rates[round] * 1e-9);
    printf("]}\n");
}

static void compare(struct multiplication product, size_t batch, int threads, int rounds) {
    struct request request = {product, threads};
    for (int round = 0; round < rounds; round++) {
        struct reply first = {0, 0, 0};
        for (int i = 0; i < contestant_count; i++) {
            struct reply reply = ask(&contestants[i], &request);
            contestants[i].rates[round] = reply.rate;
            if (i == 0) first = reply;
            bool computed = i > 0 && reply.rate > 0 && reply.absolute_sum > 0;
            if (computed && fabs(reply.sum - first.sum) > TOLERANCE * first.absolute_sum)
                fail("another result than fnet's", &contestants[i]);
        }
    }
    for (int i = 0; i < contestant_count; i++)
        if (contestants[i].rates[0] > 0) print_figure(&contestants[i], &request, batch, rounds);
    fflush(stdout);
}

int main(int count, char **arguments) {
    int rounds = count > 1 ? atoi(arguments[1]) : 5;
    if (rounds < 1 || rounds > ROUNDS_MOST) {
        fprintf(stderr, "usage: peers_matmul [ROUNDS], 1 to %d\n", ROUNDS_MOST);
        return 2;
    }
    const char *slash = strrchr(arguments[0], '/');
    if (slash) snprintf(directory, sizeof directory, "%.*s", (int)(slash - arguments[0]), arguments[0]);
    signal(SIGPIPE, SIG_IGN); /* ask() reports an entrant that ended */
    enter("fnet", &fnet);
    for (const struct entrant *peer = peers; peer->name; peer++) enter(peer->name, peer);
    enter("limit", NULL);
    for (int threads = 1; threads <= 2; threads++) {
        for (int which = 0; which < STEP_PRODUCTS; which++)
            for (int i = 0; i < BATCHES; i++) compare(step_product(which, batches[i]), batches[i], threads, rounds);
        for (int i = 0; i < SQUARES; i++)
            for (size_t n = squares[i] - 1; n <= squares[i] + 1; n++)
                compare((struct multiplication){.name = "square", .m = n, .n = n, .k = n}, n, threads, rounds);
    }
    for (int i = 0; i < contestant_count; i++) {
        kill(contestants[i].process, SIGKILL);
        waitpid(contestants[i].process, NULL, 0);
    }
    return 0;
}
