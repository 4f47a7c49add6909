/* A web server for fetch_spec.lua: loopback_server DIRECTORY LOG
   Serves the files of DIRECTORY on a free port of 127.0.0.1, one request at a time, and adds a line to LOG for
   each: the path, and the byte that the client wants to continue from. Prints the port and its process number,
   goes to the background, and ends after two minutes in any case.
   Paths that begin with /whole/ are always sent from their start; those that begin with /broken/ only to their
   middle, as when the connection breaks. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIFETIME = 120 }; /* seconds */

static int listen_on_loopback(unsigned *port) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    if (listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0) return -1;
    *port = ntohs(address.sin_port);
    return listener;
}

static void answer(FILE *reply, const char *directory, const char *path, long from) {
    char name[4096];
    static const char broken[] = "/broken/", whole[] = "/whole/";
    bool breaks = strncmp(path, broken, sizeof broken - 1) == 0;
    snprintf(name, sizeof name, "%s%s", directory, path);
    FILE *file = fopen(name, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        fprintf(reply, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        if (file) fclose(file);
        return;
    }
    long size = ftell(file);
    if (strncmp(path, whole, sizeof whole - 1) == 0) from = 0;
    if (from > 0 && from >= size) {
        fprintf(reply, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */%ld\r\n", size);
        fprintf(reply, "Content-Length: 0\r\nConnection: close\r\n\r\n");
        fclose(file);
        return;
    }
    if (from > 0) {
        fprintf(reply, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %ld-%ld/%ld\r\n", from, size - 1,
                size);
    } else {
        fprintf(reply, "HTTP/1.1 200 OK\r\n");
    }
    fprintf(reply, "Content-Length: %ld\r\nConnection: close\r\n\r\n", size - from);
    long end = breaks ? from + (size - from) / 2 : size;
    if (fseek(file, from, SEEK_SET) == 0)
        for (int byte; from < end && (byte = getc(file)) != EOF; from++) putc(byte, reply);
    fclose(file);
}

static void serve(int connection, const char *directory, const char *log_name) {
    char line[4096], path[2048] = "";
    long from = 0;
    FILE *request = fdopen(connection, "r"), *reply = fdopen(dup(connection), "w");
    if (!request || !reply) exit(EXIT_FAILURE);
    if (fgets(line, sizeof line, request) && sscanf(line, "GET %2047s", path) == 1) {
        while (fgets(line, sizeof line, request) && strcmp(line, "\r\n") != 0)
            if (strncmp(line, "Range: bytes=", 13) == 0) from = strtol(line + 13, NULL, 10);
        FILE *log = fopen(log_name, "a");
        if (log) {
            fprintf(log, "%s %ld\n", path, from);
            fclose(log);
        }
        answer(reply, directory, path, from);
    }
    fclose(reply);
    fclose(request);
}

/* Opens what the caller has closed of input, output and errors, so that no socket gets its number. */
static void open_standard(void) {
    int number;
    do {
        number = open("/dev/null", O_RDWR);
    } while (number >= 0 && number <= STDERR_FILENO);
    if (number >= 0) close(number);
}

int main(int count, char **arguments) {
    unsigned port;
    open_standard();
    int listener = listen_on_loopback(&port);
    if (count != 3 || listener < 0) return EXIT_FAILURE;
    pid_t child = fork();
    if (child < 0) return EXIT_FAILURE;
    if (child > 0) {
        printf("%u %ld\n", port, (long)child);
        return EXIT_SUCCESS;
    }
    fclose(stdin), fclose(stdout), fclose(stderr); /* so that whoever started it can read to the end */
    alarm(LIFETIME);
    signal(SIGPIPE, SIG_IGN); /* a client may leave early */
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection >= 0) serve(connection, arguments[1], arguments[2]);
    }
}
