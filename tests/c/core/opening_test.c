/* Files that are opened for reading, and what is refused in time. */
#include "../check.h"

#include "../../../src/core/interrupt.h"
#include "../../../src/core/opening.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char directory[] = "/tmp/fnet_opening_XXXXXX", path[64];

static void expect_refused(const char *name, int expected, const char *message) {
    const char *got;
    int code;
    FILE *file = opening_file(name, &got, &code);
    check(!file && code == expected && strcmp(got, message) == 0, "%s: expected %d %s, got %d %s", name, expected,
          message, code, got ? got : "a file");
    if (file) fclose(file);
}

static void *write_into_pipe(void *text) {
    FILE *file = fopen(path, "wb"); /* waits for the reader */
    if (file) fputs(text, file);
    if (file) fclose(file);
    return NULL;
}

static void expect_content(const char *content) {
    const char *message;
    char got[64] = "";
    int code;
    FILE *file = opening_file(path, &message, &code);
    if (!check(file, "%s", message)) return;
    size_t count = fread(got, 1, sizeof got - 1, file);
    check(count == strlen(content) && strcmp(got, content) == 0, "expected '%s', got '%s'", content, got);
    fclose(file);
}

static void test_files(void) {
    test("an ordinary file");
    FILE *file = fopen(path, "wb");
    if (check(file && fputs("content", file) >= 0 && fclose(file) == 0, "cannot write %s", path))
        expect_content("content");
    remove(path);
    test("what is not there, and a directory");
    expect_refused(path, ENOENT, strerror(ENOENT));
    expect_refused(directory, EISDIR, strerror(EISDIR));
    test("devices");
    expect_refused("/dev/zero", ENODEV, "is a device; expected a file or a pipe");
    expect_refused("/dev/null", ENODEV, "is a device; expected a file or a pipe");
}

static void test_pipes(void) {
    pthread_t writer;
    if (mkfifo(path, 0600) != 0) return;
    test("a pipe whose other end is opened while we wait, or has been");
    for (int round = 0; round < 20; round++) {
        if (!check(pthread_create(&writer, NULL, write_into_pipe, "piped") == 0, "no thread")) break;
        if (round % 2) usleep(5000);
        expect_content("piped");
        pthread_join(writer, NULL);
    }
    test("a pipe into which nobody writes");
    expect_refused(path, ETIMEDOUT, "is a pipe into which nobody writes");
    test("an interrupt ends the waiting");
    interrupt_request();
    expect_refused(path, EINTR, "is a pipe into which nobody writes");
    interrupt_take();
    remove(path);
}

static void test_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int socket_of = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (socket_of >= 0 && bind(socket_of, (struct sockaddr *)&address, sizeof address) == 0) {
        test("a socket");
        expect_refused(path, ENXIO, "is a socket; expected a file or a pipe");
    }
    close(socket_of);
    remove(path);
}

int main(int count, char **arguments) {
    check_start(count, arguments);
    if (!mkdtemp(directory)) return 1;
    snprintf(path, sizeof path, "%s/file", directory);
    test_files();
    test_pipes();
    test_socket();
    rmdir(directory);
    return check_end();
}
