/* The writer of durable.h. Every result is looked at; EINTR means again, but for close, after which the state of
   the descriptor is not ours to know (POSIX.1-2008, close). */
#include "durable.h"

#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h> /* getentropy, which others have in unistd.h */
#endif

#define NAME_MOST 100 /* bytes of PATH's name in that of the part: some file systems take no more than 143 */
#define NAME_TRIES 16
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

const struct file_system durable_posix = {system_open, fchown, fchmod, system_write,
                                          fsync,       close,  rename, system_lock};

static bool fail(struct durable *durable, int code, const char *what) {
    durable->code = code;
    snprintf(durable->message, sizeof durable->message, "%s%s%s", what, *what && code ? ": " : "",
             code ? strerror(code) : "");
    return false;
}

/* Whether the file system, or what stands between it and us, does not have the call at all. */
static bool is_missing(int code) {
    return code == ENOSYS || code == EINVAL || code == ENOTSUP || code == EPERM || code == ENOLCK;
}

static int open_again(const struct file_system *system, const char *path, int flags, mode_t mode) {
    int file;
    do file = system->open(path, flags | O_CLOEXEC, mode);
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

/* Flushes an open file, where the file system can do that. */
static bool flush(const struct file_system *system, int file) {
    return call_again(system->sync, file) || is_missing(errno);
}

/* Fills in path, and what is known of the old file, if there is one; refuses what must not be replaced. */
static bool choose_path(struct durable *durable, const char *path, struct stat *old, bool *exists) {
    const char *slash = strrchr(path, '/');
    *exists = stat(path, old) == 0;
    if (!*exists && errno != ENOENT) return fail(durable, errno, "");
    if (*exists && S_ISDIR(old->st_mode)) return fail(durable, EISDIR, "");
    if (*exists && !S_ISREG(old->st_mode))
        return fail(durable, 0, "is a device, a pipe or the like; only an ordinary file can be replaced: name one");
    if (*exists) {
        if (access(path, W_OK) != 0) return fail(durable, errno, "");
        return realpath(path, durable->path) != NULL || fail(durable, errno, "");
    }
    if (lstat(path, old) == 0)
        return fail(durable, ENOENT, "is a symbolic link, which is not followed to where nothing is");
    if (*(slash ? slash + 1 : path) == '\0') return fail(durable, ENOENT, "names no file");
    if (strlen(path) >= PATH_MAX) return fail(durable, ENAMETOOLONG, "");
    memcpy(durable->path, path, strlen(path) + 1);
    return true;
}

/* Fills in part: a name in the directory of path that nobody can foresee. False where it would be too long. */
static bool name_part(struct durable *durable) {
    const char *slash = strrchr(durable->path, '/');
    const char *name = slash ? slash + 1 : durable->path;
    size_t directory = (size_t)(name - durable->path), length = strlen(name);
    if (length > NAME_MOST) length = NAME_MOST;
    while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80)
        length--; /* UTF-8 is not cut inside a letter */
    uint64_t number;
    if (getentropy(&number, sizeof number) != 0) { /* forbidden here: O_EXCL still keeps every other file safe */
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        number = ((uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec) * 0x9E3779B97F4A7C15u ^ (uint64_t)getpid();
    }
    int count = snprintf(durable->part, PATH_MAX, "%.*s.%016llx.part", (int)(directory + length), durable->path,
                         (unsigned long long)number);
    return count < PATH_MAX;
}

/* Creates the part. O_EXCL: never what is there already, whoever put it there, and never through a link. */
static bool open_part(struct durable *durable, mode_t mode) {
    for (int i = 0; i < NAME_TRIES; i++) {
        if (!name_part(durable)) {
            errno = ENAMETOOLONG;
            break;
        }
        durable->file = open_again(durable->system, durable->part, O_WRONLY | O_CREAT | O_EXCL, mode);
        if (durable->file >= 0) return true;
        if (errno != EEXIST) break;
    }
    int code = errno;
    durable->part[0] = '\0';
    return fail(durable, code, "no file can be made in its directory");
}

static bool change_owner(struct durable *durable, uid_t user, gid_t group) {
    int result;
    do result = durable->system->chown(durable->file, user, group);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

/* Gives the part the owner, the group and the permissions of the old file, as far as we may. To a group that is
   not the old one the others' permissions apply, as they did before. */
static bool take_after(struct durable *durable, const struct stat *old) {
    mode_t mode = old->st_mode & 0777;
    if (!change_owner(durable, old->st_uid, old->st_gid)) {
        if (!is_missing(errno)) return fail(durable, errno, "");
        if (!change_owner(durable, (uid_t)-1, old->st_gid)) mode = (mode_t)((mode & 0707) | (mode & 07) << 3);
    }
    int result;
    do result = durable->system->chmod(durable->file, mode);
    while (result != 0 && errno == EINTR);
    return result == 0 || is_missing(errno) || fail(durable, errno, "");
}

bool durable_begin(struct durable *durable, const struct file_system *system, const char *path) {
    struct stat old;
    bool exists;
    durable->system = system;
    durable->file = -1;
    durable->part[0] = '\0';
    if (!choose_path(durable, path, &old, &exists)) return false;
    /* Until the part has the old file's permissions nobody else may open it; a new file gets those of the umask. */
    return open_part(durable, exists ? 0600 : 0666) && (!exists || take_after(durable, &old));
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
    int file = open_again(system, directory, O_RDONLY | O_DIRECTORY, 0);
    if (file < 0) return errno == EACCES || is_missing(errno); /* it may be written, but not read */
    bool synced = flush(system, file);
    int code = errno;
    bool closed = close_once(system, file);
    if (!synced) errno = code;
    return synced && closed;
}

bool durable_commit(struct durable *durable) {
    const struct file_system *system = durable->system;
    int result, file = durable->file;
    if (!flush(system, file)) return fail(durable, errno, "");
    durable->file = -1;
    if (!close_once(system, file)) return fail(durable, errno, ""); /* some only now say that the disk is full */
    do result = system->rename(durable->part, durable->path);
    while (result != 0 && errno == EINTR);
    if (result != 0) return fail(durable, errno, "");
    durable->part[0] = '\0'; /* from here on there is none to remove */
    return durable_sync_directory(system, durable->path) ||
           fail(durable, errno, "the new file is in place, but may not outlive a power cut");
}

void durable_abandon(struct durable *durable) {
    if (durable->file >= 0) durable->system->close(durable->file);
    if (durable->part[0] != '\0') unlink(durable->part);
    durable->file = -1;
    durable->part[0] = '\0';
}

int durable_lock(const struct file_system *system, const char *path, bool *held) {
    /* For writing, which the locks of NFS want; O_NONBLOCK, or a pipe of that name would be waited for. */
    int file = open_again(system, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0666);
    struct stat status;
    bool ordinary = file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    *held = ordinary && call_again(system->lock, file);
    if (file < 0 || *held || (ordinary && is_missing(errno))) return file;
    int code = ordinary ? errno : ENODEV;
    system->close(file);
    errno = code;
    return -1;
}
