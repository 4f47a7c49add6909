/* Files that are either wholly the old one or wholly the new one, whatever happens in between: the new content
   goes to a part, PATH.RANDOM.part in the same directory, is flushed, takes the name PATH in one step, and the
   directory is flushed. Nothing is allocated.
   Invariant: until durable_commit renames, PATH is not touched; no other file ever is, for a part is always created
   anew. Of two writers each writes a part of its own, and the last one's stays. A killed writer leaves its part.
   A call that the file system does not have is done without: where it cannot flush, the new file may not outlive a
   power cut; where it has no owners or permissions, the new one has those of any new file there.
   The system's functions come in a table, so that tests can make each call fail in turn. */
#ifndef FNET_DURABLE_H
#define FNET_DURABLE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct file_system {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*chown)(int file, uid_t user, gid_t group);
    int (*chmod)(int file, mode_t mode);
    ssize_t (*write)(int file, const void *bytes, size_t count);
    int (*sync)(int file);
    int (*close)(int file);
    int (*rename)(const char *from, const char *to);
    int (*lock)(int file); /* exclusively and without waiting */
};

extern const struct file_system durable_posix; /* the functions of the operating system */

struct durable {
    char message[128]; /* set by the function that returned false; the caller puts the path in front */
    int code;          /* errno, or 0 where a rule of ours was broken */

    /* Private to durable.c. */
    const struct file_system *system;
    int file;            /* the open part, -1 where there is none */
    char path[PATH_MAX]; /* what is replaced: where PATH is a symbolic link, what it points to */
    char part[PATH_MAX]; /* empty where there is none */
};

/* Creates the part, empty. Refuses a PATH that may not be written, or is no ordinary file. After any of these has
   returned false, only durable_abandon may follow. */
bool durable_begin(struct durable *durable, const struct file_system *system, const char *path);
bool durable_write(struct durable *durable, const void *bytes, size_t count); /* EINTR after an interrupt */

/* Puts the new content in the place of the old one. When it fails before that, the old one is as it was; when only
   the flush of the directory fails, the message says that the new one is in place. */
bool durable_commit(struct durable *durable);

/* Closes and removes what is not committed; does nothing after a commit or a second time. */
void durable_abandon(struct durable *durable);

/* Flushes the directory that holds the path, so that a new name in it outlives a power cut. errno where false. */
bool durable_sync_directory(const struct file_system *system, const char *path);

/* Opens, creates if need be, and locks a file until the descriptor is closed. -1 and errno where that fails;
   EWOULDBLOCK: somebody else holds the lock; ELOOP: it is a symbolic link; ENODEV: it is no ordinary file. Where
   the file system has no locks, it is open but not held. */
int durable_lock(const struct file_system *system, const char *path, bool *held);

#endif
