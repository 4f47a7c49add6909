/* The durable writer: the n-th call of each function of the system fails in turn, in each way that it can, and
   every time the old content is there, or the new one, and no litter. */
#include "../check.h"

#include "../../../src/core/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char directory[] = "/tmp/fnet_durable_XXXXXX";
static char path[64], part[80];

/* ---- a system whose calls fail on demand ---- */

enum call { OPEN, WRITE, SYNC, RENAME, CLOSE, LOCK, CALL_COUNT };
static const char *const call_names[CALL_COUNT] = {"open", "write", "fsync", "rename", "close", "lock"};

static struct {
    enum call call;
    int number; /* of the call that fails, from 1; 0: none */
    int code;   /* 0: a short write */
    int seen[CALL_COUNT];
} fault;

/* True when this call is the one to fail. */
static bool fails(enum call call) {
    fault.seen[call]++;
    if (fault.call != call || fault.seen[call] != fault.number || fault.code == 0) return false;
    errno = fault.code;
    return true;
}

static int fault_open(const char *name, int flags, mode_t mode) {
    return fails(OPEN) ? -1 : durable_posix.open(name, flags, mode);
}
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
static int fault_lock(int file) { return fails(LOCK) ? -1 : durable_posix.lock(file); }

static const struct file_system faulty = {fault_open,   fault_write, fault_sync,
                                          fault_rename, fault_close, fault_lock};

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

static bool is_there(const char *name) { return access(name, F_OK) == 0; }

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
                /* after the rename (the second open, the second fsync, any close) the new file is in place */
                bool renamed = call == CLOSE || ((call == OPEN || call == SYNC) && number == 2);
                check(done == harmless, "gives %d", done);
                check(holds(path, harmless || renamed ? "new content" : "old"), "the content is wrong");
                check(!is_there(part), "litter is left");
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

static void test_new_file(void) {
    struct durable durable;
    test("a first save that fails leaves nothing");
    unlink(path);
    set_fault(WRITE, 2, ENOSPC);
    check(!save(&durable, &faulty, path), "it succeeded");
    check(!is_there(path) && !is_there(part), "something is left");
    test("a first save");
    check(save(&durable, &durable_posix, path), "%s", durable.message);
    check(holds(path, "new content"), "the content is wrong");
}

static void test_targets(void) {
    struct durable durable;
    struct stat status;
    char link_path[80];
    snprintf(link_path, sizeof link_path, "%s/link", directory);

    test("a symbolic link stays one");
    put_file(path, "old");
    check(symlink(path, link_path) == 0, "symlink");
    check(save(&durable, &durable_posix, link_path), "%s", durable.message);
    check(holds(path, "new content"), "the content is wrong");
    check(lstat(link_path, &status) == 0 && S_ISLNK(status.st_mode), "the link was replaced");
    unlink(link_path);

    test("the permissions stay");
    check(chmod(path, 0600) == 0 && save(&durable, &durable_posix, path), "%s", durable.message);
    check(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "mode %o", (unsigned)status.st_mode);

    test("what is no ordinary file is not replaced");
    check(!save(&durable, &durable_posix, "/dev/null") && durable.code == 0, "it was");
    check(!save(&durable, &durable_posix, directory) && durable.code == EISDIR, "it was");

    test("a part that is a symbolic link is not followed");
    check(symlink(path, part) == 0, "symlink");
    check(!save(&durable, &durable_posix, path) && durable.code == ELOOP, "it was");
    unlink(part);

    test("a path through a file");
    char beneath[100];
    snprintf(beneath, sizeof beneath, "%s/x", path);
    check(!save(&durable, &durable_posix, beneath) && durable.code == ENOTDIR, "code %d", durable.code);

    test("a path that is too long");
    char *endless = malloc(PATH_MAX + 10);
    memset(endless, 'x', PATH_MAX + 9);
    endless[PATH_MAX + 9] = '\0';
    check(!save(&durable, &durable_posix, endless) && durable.code == ENAMETOOLONG, "code %d", durable.code);
    free(endless);
}

static void test_two_writers(void) {
    struct durable first, second;
    test("the second of two writers is refused");
    put_file(path, "old");
    check(durable_begin(&first, &durable_posix, path), "%s", first.message);
    check(!save(&second, &durable_posix, path) && second.code == EWOULDBLOCK, "it was not");
    check(strstr(second.message, "another process is writing it") != NULL, "%s", second.message);
    check(durable_write(&first, "new", 3) && durable_commit(&first), "%s", first.message);
    check(holds(path, "new"), "the content is wrong");

    test("what a killed writer left is used again");
    put_file(part, "a long piece of something that was never finished");
    check(save(&first, &durable_posix, path), "%s", first.message);
    check(holds(path, "new content") && !is_there(part), "the content is wrong");

    test("a lock is held once");
    char lock[80];
    snprintf(lock, sizeof lock, "%s/lock", directory);
    int held = durable_lock(&durable_posix, lock);
    check(held >= 0, "not held");
    check(durable_lock(&durable_posix, lock) == -1 && errno == EWOULDBLOCK, "held twice");
    close(held);
    held = durable_lock(&durable_posix, lock);
    check(held >= 0, "not held again");
    close(held);
    set_fault(LOCK, 1, EINTR);
    held = durable_lock(&faulty, lock);
    check(held >= 0, "an interrupt is no refusal");
    close(held);
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
    check(holds(path, "old") && !is_there(part), "the old content is not there");
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    if (mkdtemp(directory) == NULL) {
        perror(directory);
        return EXIT_FAILURE;
    }
    snprintf(path, sizeof path, "%s/file", directory);
    snprintf(part, sizeof part, "%s.part", path);
    test_faults();
    test_new_file();
    test_targets();
    test_two_writers();
    test_size_limit();
    unlink(path);
    rmdir(directory);
    return check_end();
}
