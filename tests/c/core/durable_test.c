/* The durable writer: the n-th call of each function of the system fails in turn, in each way that it can, and
   every time the old content is there, or the new one, and no litter. */
#include "../check.h"

#include "../../../src/core/durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char directory[] = "/tmp/fnet_durable_XXXXXX";
static char path[64];

/* ---- a system whose calls fail on demand ---- */

enum call { OPEN, CHOWN, CHMOD, WRITE, SYNC, CLOSE, RENAME, CALL_COUNT };
static const char *const call_names[CALL_COUNT] = {"open", "chown", "chmod", "write", "fsync", "close", "rename"};

static struct {
    enum call call;
    int number; /* of the call that fails, from 1; 0: none; ALL: every one */
    int code;   /* 0: a short write */
    int seen[CALL_COUNT];
} fault;

enum { ALL = -1 };

/* True when this call is the one to fail. */
static bool fails(enum call call) {
    fault.seen[call]++;
    if (fault.call != call || (fault.number != ALL && fault.seen[call] != fault.number) || fault.code == 0)
        return false;
    errno = fault.code;
    return true;
}

static int fault_open(const char *name, int flags, mode_t mode) {
    return fails(OPEN) ? -1 : durable_posix.open(name, flags, mode);
}
static int fault_chown(int file, uid_t user, gid_t group) {
    return fails(CHOWN) ? -1 : durable_posix.chown(file, user, group);
}
static int fault_chmod(int file, mode_t mode) { return fails(CHMOD) ? -1 : durable_posix.chmod(file, mode); }
static ssize_t fault_write(int file, const void *bytes, size_t count) {
    if (fails(WRITE)) return -1;
    bool is_short = fault.call == WRITE && fault.seen[WRITE] == fault.number && fault.code == 0;
    return durable_posix.write(file, bytes, is_short ? count / 2 : count);
}
static int fault_sync(int file) { return fails(SYNC) ? -1 : durable_posix.sync(file); }
static int fault_rename(const char *from, const char *to) {
    return fails(RENAME) ? -1 : durable_posix.rename(from, to);
}
static int fault_close(int file) {
    bool failing = fails(CLOSE); /* as on Linux, the descriptor is gone either way */
    int code = errno;
    int result = durable_posix.close(file);
    errno = code;
    return failing ? -1 : result;
}
static int lock_code; /* what a lock fails with, once */
static int fault_lock(int file) {
    if (lock_code == 0) return durable_posix.lock(file);
    errno = lock_code;
    lock_code = 0;
    return -1;
}

static const struct file_system faulty = {fault_open, fault_chown, fault_chmod,  fault_write,
                                          fault_sync, fault_close, fault_rename, fault_lock};

/* ---- helpers ---- */

static bool holds(const char *name, const char *expected) {
    char content[200] = {0};
    FILE *file = fopen(name, "rb");
    if (file == NULL) return false;
    size_t count = fread(content, 1, sizeof content - 1, file);
    fclose(file);
    return count == strlen(expected) && memcmp(content, expected, count) == 0;
}

static void put_file(const char *name, const char *content) {
    FILE *file = fopen(name, "wb");
    if (file == NULL || fputs(content, file) == EOF || fclose(file) != 0) exit(EXIT_FAILURE);
}

/* The number of files in the directory. */
static int files_there(void) {
    int count = 0;
    DIR *list = opendir(directory);
    if (list == NULL) exit(EXIT_FAILURE);
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;) count += entry->d_name[0] != '.';
    closedir(list);
    return count;
}

static int open_files(void) {
    int count = 0;
    for (int file = 0; file < 64; file++) count += fcntl(file, F_GETFD) >= 0;
    return count;
}

/* Two pieces of content, as a caller would write them. */
static bool save(struct durable *durable, const struct file_system *system, const char *name) {
    bool done = durable_begin(durable, system, name) && durable_write(durable, "new ", 4) &&
                durable_write(durable, "content", 7) && durable_commit(durable);
    durable_abandon(durable);
    return done;
}

static void set_fault(enum call call, int number, int code) {
    memset(&fault, 0, sizeof fault);
    fault.call = call;
    fault.number = number;
    fault.code = code;
}

/* ---- tests ---- */

static void test_faults(void) {
    static const int codes[] = {ENOSPC, EIO, EINTR, EDQUOT, 0};
    struct durable durable;
    for (int call = 0; call < CALL_COUNT; call++) {
        set_fault(CALL_COUNT, 0, 0);
        put_file(path, "old");
        save(&durable, &faulty, path);
        int calls = fault.seen[call];
        for (int number = 1; number <= calls; number++) {
            for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
                int code = codes[i], files = open_files();
                bool harmless = code == 0 || code == EINTR;
                test("call %d of %s fails with %s", number, call_names[call], code ? strerror(code) : "half");
                put_file(path, "old");
                set_fault((enum call)call, number, code);
                bool done = save(&durable, &faulty, path);
                /* after the rename the directory is opened, flushed and closed: the new file is in place */
                bool renamed = (call == OPEN || call == SYNC || call == CLOSE) && number == 2;
                check(done == harmless, "gives %d", done);
                check(holds(path, harmless || renamed ? "new content" : "old"), "the content is wrong");
                check(files_there() == 1, "litter is left");
                check(open_files() == files, "a file is left open");
                if (done) continue;
                check(durable.code == code, "the code is %d", durable.code);
                check(strstr(durable.message, strerror(code)) != NULL, "the message is %s", durable.message);
                check((strstr(durable.message, "in place") != NULL) == renamed, "the message is %s",
                      durable.message);
            }
        }
        check(calls > 0, "%s is never called", call_names[call]);
    }
}

/* File systems of networks and of other operating systems lack some calls. */
static void test_missing_calls(void) {
    static const enum call calls[] = {CHOWN, CHMOD, SYNC};
    static const int codes[] = {ENOSYS, EINVAL, ENOTSUP, EPERM};
    struct durable durable;
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
            test("a file system without %s: %s", call_names[calls[k]], strerror(codes[i]));
            put_file(path, "old");
            set_fault(calls[k], ALL, codes[i]);
            check(save(&durable, &faulty, path), "%s", durable.message);
            check(holds(path, "new content") && files_there() == 1, "the content is wrong");
        }
    }
    test("a directory that may be written, but not read");
    set_fault(OPEN, 2, EACCES);
    check(save(&durable, &faulty, path), "%s", durable.message);
    check(fault.seen[OPEN] == 2, "it was not opened");
}

static void test_new_file(void) {
    struct durable durable;
    struct stat status;
    test("a first save that fails leaves nothing");
    unlink(path);
    set_fault(WRITE, 2, ENOSPC);
    check(!save(&durable, &faulty, path), "it succeeded");
    check(files_there() == 0, "something is left");
    test("a first save");
    mode_t before = umask(027);
    check(save(&durable, &durable_posix, path), "%s", durable.message);
    umask(before);
    check(holds(path, "new content"), "the content is wrong");
    check(stat(path, &status) == 0 && (status.st_mode & 0777) == 0640, "mode %o", (unsigned)status.st_mode);
}

static void test_targets(void) {
    struct durable durable;
    struct stat status;
    char link_path[80], other[80];
    snprintf(link_path, sizeof link_path, "%s/link", directory);
    snprintf(other, sizeof other, "%s/other", directory);

    test("a symbolic link stays one");
    put_file(path, "old");
    check(symlink("file", link_path) == 0, "symlink");
    check(save(&durable, &durable_posix, link_path), "%s", durable.message);
    check(holds(path, "new content"), "the content is wrong");
    check(lstat(link_path, &status) == 0 && S_ISLNK(status.st_mode), "the link was replaced");
    unlink(link_path);

    test("a symbolic link to nothing is not followed");
    check(symlink("other", link_path) == 0, "symlink");
    check(!save(&durable, &durable_posix, link_path) && durable.code == ENOENT, "code %d", durable.code);
    check(strstr(durable.message, "is a symbolic link") != NULL, "%s", durable.message);
    check(lstat(link_path, &status) == 0 && S_ISLNK(status.st_mode), "the link was replaced");
    check(files_there() == 2, "something was made");
    unlink(link_path);

    test("another name of the file keeps the old content");
    put_file(path, "old");
    check(link(path, other) == 0 && save(&durable, &durable_posix, path), "%s", durable.message);
    check(holds(path, "new content") && holds(other, "old"), "the content is wrong");
    unlink(other);

    test("what is no ordinary file is not replaced");
    check(!save(&durable, &durable_posix, "/dev/null") && durable.code == 0, "it was");
    check(!save(&durable, &durable_posix, directory) && durable.code == EISDIR, "it was");
    check(mkfifo(other, 0600) == 0 && !save(&durable, &durable_posix, other) && durable.code == 0, "it was");
    unlink(other);

    test("a path through a file");
    char beneath[100];
    snprintf(beneath, sizeof beneath, "%s/x", path);
    check(!save(&durable, &durable_posix, beneath) && durable.code == ENOTDIR, "code %d", durable.code);

    test("a directory that is not there");
    snprintf(beneath, sizeof beneath, "%s/none/file", directory);
    check(!save(&durable, &durable_posix, beneath) && durable.code == ENOENT, "code %d", durable.code);
    check(strstr(durable.message, "made in its directory") != NULL, "%s", durable.message);
    snprintf(beneath, sizeof beneath, "%s/none/", directory);
    check(!save(&durable, &durable_posix, beneath) && strstr(durable.message, "names no file"), "%s",
          durable.message);
    check(!save(&durable, &durable_posix, ""), "the empty path is one");
    check(files_there() == 1, "something was made");

    test("a directory that takes no new files");
    set_fault(OPEN, 1, EACCES);
    check(!save(&durable, &faulty, path) && strstr(durable.message, "made in its directory"), "%s",
          durable.message);
}

static void test_names(void) {
    struct durable durable;
    char longest[400], name[256];
    test("a name that is as long as one can be, and is not cut inside a letter");
    for (size_t i = 0; i < 255; i++) name[i] = "x\xC3\xA4"[i % 3];
    name[255] = '\0';
    snprintf(longest, sizeof longest, "%s/%s", directory, name);
    check(save(&durable, &durable_posix, longest) && holds(longest, "new content"), "%s", durable.message);
    unlink(longest);

    test("a path that is too long");
    char *endless = malloc(PATH_MAX + 10);
    memset(endless, 'x', PATH_MAX + 9);
    endless[PATH_MAX + 9] = '\0';
    check(!save(&durable, &durable_posix, endless) && durable.code == ENAMETOOLONG, "code %d", durable.code);
    free(endless);

    test("a file that is there already is never the part");
    set_fault(OPEN, 1, EEXIST);
    check(save(&durable, &faulty, path) && holds(path, "new content"), "%s", durable.message);
    set_fault(OPEN, ALL, EEXIST);
    check(!save(&durable, &faulty, path) && durable.code == EEXIST, "code %d", durable.code);
    check(holds(path, "new content") && files_there() == 1, "the content is wrong");
}

/* What a system without the rights of root answers, whoever runs the test. */
static int refused_users;
static int refuse_chown(int file, uid_t user, gid_t group) {
    (void)file, (void)group;
    refused_users += user != (uid_t)-1;
    errno = EPERM;
    return -1;
}

static void test_permissions(void) {
    struct durable durable;
    struct stat status;
    struct file_system bound = durable_posix;
    bound.chown = refuse_chown;
    put_file(path, "old");

    test("the permissions stay");
    check(chmod(path, 0660) == 0 && save(&durable, &durable_posix, path), "%s", durable.message);
    check(stat(path, &status) == 0 && (status.st_mode & 0777) == 0660, "mode %o", (unsigned)status.st_mode);

    test("a group that cannot be given takes what everybody may do");
    check(chmod(path, 0664) == 0 && save(&durable, &bound, path), "%s", durable.message);
    check(stat(path, &status) == 0 && (status.st_mode & 0777) == 0644, "mode %o", (unsigned)status.st_mode);
    check(refused_users == 1, "the owner was asked for %d times", refused_users);

    test("before it is written, nobody else may open it");
    set_fault(CHMOD, ALL, EPERM);
    check(chmod(path, 0666) == 0 && durable_begin(&durable, &faulty, path), "%s", durable.message);
    check(stat(durable.part, &status) == 0 && (status.st_mode & 0777) == 0600, "mode %o", (unsigned)status.st_mode);
    durable_abandon(&durable);

    if (geteuid() == 0) {
        test("the owner stays");
        check(chown(path, 4321, 1234) == 0 && save(&durable, &durable_posix, path), "%s", durable.message);
        check(stat(path, &status) == 0 && status.st_uid == 4321 && status.st_gid == 1234, "another owner");
        return;
    }
    test("a file that may not be written is not replaced");
    put_file(path, "old");
    check(chmod(path, 0444) == 0 && !save(&durable, &durable_posix, path) && durable.code == EACCES, "code %d",
          durable.code);
    check(holds(path, "old") && files_there() == 1, "the content is wrong");
    chmod(path, 0600);
}

static void test_two_writers(void) {
    struct durable first, second;
    test("of two writers the last one's file stays, whole");
    put_file(path, "old");
    check(durable_begin(&first, &durable_posix, path) && durable_write(&first, "first", 5), "%s", first.message);
    check(save(&second, &durable_posix, path) && holds(path, "new content"), "%s", second.message);
    check(durable_commit(&first) && holds(path, "first") && files_there() == 1, "%s", first.message);
}

static void test_locks(void) {
    static const int codes[] = {ENOSYS, EINVAL, ENOTSUP, EPERM, ENOLCK};
    char lock[80];
    bool locked;
    test("a lock is held once");
    snprintf(lock, sizeof lock, "%s/lock", directory);
    int held = durable_lock(&durable_posix, lock, &locked);
    check(held >= 0 && locked, "not held");
    check(durable_lock(&durable_posix, lock, &locked) == -1 && errno == EWOULDBLOCK, "held twice");
    close(held);
    held = durable_lock(&durable_posix, lock, &locked);
    check(held >= 0 && locked, "not held again");
    close(held);
    lock_code = EINTR;
    held = durable_lock(&faulty, lock, &locked);
    check(held >= 0 && locked, "an interrupt is no refusal");
    close(held);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        test("a file system without locks: %s", strerror(codes[i]));
        lock_code = codes[i];
        held = durable_lock(&faulty, lock, &locked);
        check(held >= 0 && !locked, "a refusal, or held");
        close(held);
    }
    test("a lock that fails");
    lock_code = EIO;
    check(durable_lock(&faulty, lock, &locked) == -1 && errno == EIO, "it did not");
    unlink(lock);
    test("a pipe in the place of a lock is not waited for");
    check(mkfifo(lock, 0600) == 0, "mkfifo");
    check(durable_lock(&durable_posix, lock, &locked) == -1 && errno == ENODEV, "not refused");
    unlink(lock);
}

/* A limit on the size of files, in a child of its own: the write that crosses it is short, the next one fails. */
static void test_size_limit(void) {
    static char large[10000];
    test("a limit on the size of files");
    put_file(path, "old");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct durable durable;
        struct rlimit limit = {6000, 6000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        bool done = durable_begin(&durable, &durable_posix, path) && durable_write(&durable, large, sizeof large) &&
                    durable_commit(&durable);
        durable_abandon(&durable);
        _exit(done ? 1 : durable.code == EFBIG ? 0 : 2);
    }
    int status = -1;
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "status %d", status);
    check(holds(path, "old") && files_there() == 1, "the old content is not there");
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    if (mkdtemp(directory) == NULL) {
        perror(directory);
        return EXIT_FAILURE;
    }
    snprintf(path, sizeof path, "%s/file", directory);
    test_faults();
    test_missing_calls();
    test_new_file();
    test_targets();
    test_names();
    test_permissions();
    test_two_writers();
    test_locks();
    test_size_limit();
    unlink(path);
    rmdir(directory);
    return check_end();
}
