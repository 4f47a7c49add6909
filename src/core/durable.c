/* The writer of durable.h. Every result is looked at; EINTR means again, but for close, after which the state of
   the descriptor is not ours to know (POSIX.1-2008, close). */
#define _DEFAULT_SOURCE /* flock, realpath */
#include "durable.h"

#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SUFFIX ".part"
#define WRITE_MOST ((size_t)16 << 20) /* bytes between two looks for an interrupt */

static int system_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
static int system_lock(int file) { return flock(file, LOCK_EX | LOCK_NB); }

/* Beyond the limit for files the system sends SIGXFSZ, which ends a process that has not prepared for it. EFBIG
   says the same. */
static ssize_t system_write(int file, const void *bytes, size_t count) {
    sigset_t limit, before, pending;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &limit, &before);
    ssize_t written = write(file, bytes, count);
    int code = errno, number;
    if (written < 0 && code == EFBIG && sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ))
        sigwait(&limit, &number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return written;
}

const struct file_system durable_posix = {system_open, system_write, fsync, rename, close, system_lock};

static bool fail(struct durable *durable, int code, const char *what) {
    durable->code = code;
    snprintf(durable->message, sizeof durable->message, "%s%s%s", what, *what && code ? ": " : "",
             code ? strerror(code) : "");
    return false;
}

static int open_again(const struct file_system *system, const char *path, int flags) {
    int file;
    do file = system->open(path, flags | O_CLOEXEC, 0666);
    while (file < 0 && errno == EINTR);
    return file;
}

/* sync or lock */
static bool call_again(int (*call)(int), int file) {
    int result;
    do result = call(file);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

/* After the data is flushed, an interrupted close is a close. */
static bool close_once(const struct file_system *system, int file) {
    return system->close(file) == 0 || errno == EINTR;
}

/* Fills in path and part, and the mode where there is an old file; refuses what must not be replaced: a directory,
 * a device, a pipe. */
static bool choose_paths(struct durable *durable, const char *path, mode_t *mode) {
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (!exists && errno != ENOENT) return fail(durable, errno, "");
    if (exists && S_ISDIR(old.st_mode)) return fail(durable, EISDIR, "");
    if (exists && !S_ISREG(old.st_mode)) return fail(durable, 0, "is no ordinary file, so it is not replaced");
    if (exists) *mode = old.st_mode & 0777;
    if (strlen(path) + sizeof SUFFIX > PATH_MAX) return fail(durable, ENAMETOOLONG, "");
    if (!exists || realpath(path, durable->path) == NULL) snprintf(durable->path, PATH_MAX, "%s", path);
    size_t length = strlen(durable->path);
    if (length + sizeof SUFFIX > PATH_MAX) return fail(durable, ENAMETOOLONG, "");
    memcpy(durable->part, durable->path, length);
    memcpy(durable->part + length, SUFFIX, sizeof SUFFIX);
    return true;
}

/* True when the open file is still the one with that name: another writer may have renamed it before we had its
   lock. */
static bool is_named(int file, const char *path) {
    struct stat ours, named;
    return fstat(file, &ours) == 0 && lstat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

static bool open_part(struct durable *durable) {
    const struct file_system *system = durable->system;
    for (;;) {
        int file = open_again(system, durable->part, O_WRONLY | O_CREAT | O_NOFOLLOW);
        if (file < 0) return fail(durable, errno, "");
        if (!call_again(system->lock, file)) {
            int code = errno;
            if (code != EWOULDBLOCK) unlink(durable->part); /* else it is somebody else's */
            system->close(file);
            return fail(durable, code, code == EWOULDBLOCK ? "another process is writing it" : "");
        }
        if (is_named(file, durable->part)) {
            durable->file = file;
            return true;
        }
        if (!close_once(system, file)) return fail(durable, errno, "");
    }
}

bool durable_begin(struct durable *durable, const struct file_system *system, const char *path) {
    mode_t mode = 0;
    durable->system = system;
    durable->file = -1;
    if (!choose_paths(durable, path, &mode) || !open_part(durable)) return false;
    if (ftruncate(durable->file, 0) != 0) return fail(durable, errno, "");
    if (mode != 0 && fchmod(durable->file, mode) != 0) return fail(durable, errno, "");
    return true;
}

bool durable_write(struct durable *durable, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        if (interrupt_pending()) return fail(durable, EINTR, "");
        ssize_t written = durable->system->write(durable->file, from, count < WRITE_MOST ? count : WRITE_MOST);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail(durable, errno, "");
        if (written == 0) return fail(durable, ENOSPC, ""); /* a write of nothing makes no progress, ever */
        from += written;
        count -= (size_t)written;
    }
    return true;
}

bool durable_sync_directory(const struct file_system *system, const char *path) {
    char directory[PATH_MAX];
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] != '/') length--;
    if (length >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(directory, length > 0 ? path : ".", length > 0 ? length : 1);
    directory[length > 0 ? length : 1] = '\0';
    int file = open_again(system, directory, O_RDONLY | O_DIRECTORY);
    if (file < 0) return false;
    bool synced = call_again(system->sync, file);
    int code = errno;
    bool closed = close_once(system, file);
    if (!synced) errno = code;
    return synced && closed;
}

bool durable_commit(struct durable *durable) {
    const struct file_system *system = durable->system;
    int result, file = durable->file;
    if (!call_again(system->sync, file)) return fail(durable, errno, "");
    do result = system->rename(durable->part, durable->path);
    while (result != 0 && errno == EINTR);
    if (result != 0) return fail(durable, errno, "");
    durable->file = -1; /* from here on there is no part to remove */
    bool closed = close_once(system, file);
    int code = errno;
    if (!durable_sync_directory(system, durable->path))
        return fail(durable, errno, "the new file is in place, but may not outlive a power cut");
    return closed || fail(durable, code, "the new file is in place, but closing it failed");
}

void durable_abandon(struct durable *durable) {
    if (durable->file < 0) return;
    unlink(durable->part); /* while it is locked: it is ours */
    durable->system->close(durable->file);
    durable->file = -1;
}

int durable_lock(const struct file_system *system, const char *path) {
    int file = open_again(system, path, O_RDONLY | O_CREAT | O_NOFOLLOW);
    if (file < 0 || call_again(system->lock, file)) return file;
    int code = errno;
    system->close(file);
    errno = code;
    return -1;
}
