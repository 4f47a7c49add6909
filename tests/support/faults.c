/* What the environment refuses, on demand: linked into a program (--wrap) so that its calls come here first. In
   FNET_FAULT stand what is to fail, the number of the first call that does, how many do from there on, and the
   error: memory 17 2 12     the 17th and 18th allocation system 3 1 5       the third call of the system Without
   the variable nothing fails; where it is empty, the numbers of calls go to standard error at the end. Invariant:
   what fails has had no effect, but for closing, which happens as on Linux. */
#define _GNU_SOURCE /* struct and flags of FILE */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <zlib.h>

enum call { MEMORY, SYSTEM, CALLS };

static atomic_ulong seen[CALLS];
static unsigned long first[CALLS], past[CALLS]; /* the failing calls; both 0: none */
static int code;

static __attribute__((constructor)) void start(void) {
    const char *fault = getenv("FNET_FAULT");
    char what[10];
    unsigned long from, count;
    if (fault == NULL || sscanf(fault, "%9s %lu %lu %d", what, &from, &count, &code) != 4) return;
    enum call call = strcmp(what, "memory") == 0 ? MEMORY : SYSTEM;
    first[call] = from;
    past[call] = from + count;
}

static __attribute__((destructor)) void end(void) {
    const char *fault = getenv("FNET_FAULT");
    if (fault != NULL && *fault == '\0')
        dprintf(STDERR_FILENO, "memory %lu system %lu\n", seen[MEMORY], seen[SYSTEM]);
}

static bool fails(enum call call) {
    unsigned long number = atomic_fetch_add(&seen[call], 1) + 1;
    if (number < first[call] || number >= past[call]) return false;
    errno = code;
    return true;
}

#define DECLARE(name, result, parameters)                                                                          \
    result __real_##name parameters;                                                                               \
    result __wrap_##name parameters

#define WRAP(name, result, call, failure, parameters, arguments)                                                   \
    DECLARE(name, result, parameters);                                                                             \
    result __wrap_##name parameters { return fails(call) ? failure : __real_##name arguments; }

/* The Makefile reads below which calls are wrapped: what stands at the beginning of a line. */
/* clang-format off */

WRAP(malloc, void *, MEMORY, NULL, (size_t size), (size))
WRAP(calloc, void *, MEMORY, NULL, (size_t count, size_t size), (count, size))
WRAP(realloc, void *, MEMORY, NULL, (void *block, size_t size), (block, size))
WRAP(inflateInit2_, int, MEMORY, Z_MEM_ERROR, (z_streamp stream, int bits, const char *version, int size),
     (stream, bits, version, size))
WRAP(deflateInit2_, int, MEMORY, Z_MEM_ERROR, (z_streamp stream, int level, int method, int bits, int memory,
     int strategy, const char *version, int size),
     (stream, level, method, bits, memory, strategy, version, size))
WRAP(opendir, DIR *, SYSTEM, NULL, (const char *path), (path))
WRAP(fopen, FILE *, SYSTEM, NULL, (const char *path, const char *mode), (path, mode))
WRAP(fopen64, FILE *, SYSTEM, NULL, (const char *path, const char *mode), (path, mode))
WRAP(stat, int, SYSTEM, -1, (const char *path, struct stat *status), (path, status))
WRAP(fstat, int, SYSTEM, -1, (int file, struct stat *status), (file, status))
WRAP(realpath, char *, SYSTEM, NULL, (const char *path, char *result), (path, result))
WRAP(read, ssize_t, SYSTEM, -1, (int file, void *to, size_t count), (file, to, count))
WRAP(pread, ssize_t, SYSTEM, -1, (int file, void *to, size_t count, off_t at), (file, to, count, at))
WRAP(write, ssize_t, SYSTEM, -1, (int file, const void *from, size_t count), (file, from, count))
WRAP(ftruncate, int, SYSTEM, -1, (int file, off_t size), (file, size))
WRAP(fchmod, int, SYSTEM, -1, (int file, mode_t mode), (file, mode))
WRAP(rename, int, SYSTEM, -1, (const char *from, const char *to), (from, to))
WRAP(unlink, int, SYSTEM, -1, (const char *path), (path))
WRAP(remove, int, SYSTEM, -1, (const char *path), (path))
WRAP(mkdir, int, SYSTEM, -1, (const char *path, mode_t mode), (path, mode))
WRAP(flock, int, SYSTEM, -1, (int file, int operation), (file, operation))
WRAP(getrandom, ssize_t, SYSTEM, -1, (void *to, size_t count, unsigned flags), (to, count, flags))
WRAP(pthread_create, int, SYSTEM, EAGAIN, (pthread_t *thread, const pthread_attr_t *attributes,
     void *(*run)(void *), void *argument), (thread, attributes, run, argument))

DECLARE(open, int, (const char *path, int flags, ...));
int __wrap_open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return fails(SYSTEM) ? -1 : __real_open(path, flags, mode);
}

DECLARE(fsync, int, (int file));
int __wrap_fsync(int file) { return fails(SYSTEM) ? -1 : file < 0; } /* which takes its time */

DECLARE(close, int, (int file));
int __wrap_close(int file) {
    bool failing = fails(SYSTEM);
    int result = __real_close(file);
    if (!failing) return result;
    errno = code;
    return -1;
}

DECLARE(fclose, int, (FILE *file));
int __wrap_fclose(FILE *file) {
    bool failing = fails(SYSTEM);
    int result = __real_fclose(file);
    if (!failing) return result;
    errno = code;
    return EOF;
}

#ifdef _IO_ERR_SEEN /* what ferror looks at in the C library of GNU */

DECLARE(fread, size_t, (void *to, size_t size, size_t count, FILE *file));
size_t __wrap_fread(void *to, size_t size, size_t count, FILE *file) {
    if (!fails(SYSTEM)) return __real_fread(to, size, count, file);
    file->_flags |= _IO_ERR_SEEN;
    return 0;
}

DECLARE(fwrite, size_t, (const void *from, size_t size, size_t count, FILE *file));
size_t __wrap_fwrite(const void *from, size_t size, size_t count, FILE *file) {
    if (file == stderr || !fails(SYSTEM)) return __real_fwrite(from, size, count, file); /* where the reason is said */
    file->_flags |= _IO_ERR_SEEN;
    return 0;
}

#endif
/* clang-format on */
