/* Runs a program several times, one after the other, and prints a line a run: seconds from start to end, and
   its peak memory in KiB.
     child RUNS PROGRAM [ARGUMENT...]
   What the program prints is thrown away, its errors are not. The benchmark needs this small program between,
   because the kernel counts into a process's peak what its parent held when it was started. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double peak_kibibytes(const struct rusage *usage) {
#ifdef __APPLE__
    return (double)usage->ru_maxrss / 1024; /* bytes there, KiB elsewhere */
#else
    return (double)usage->ru_maxrss;
#endif
}

int main(int argc, char **argv) {
    long runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
    posix_spawn_file_actions_t quiet;
    if (runs < 1) {
        fprintf(stderr, "usage: child RUNS PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (long i = 0; i < runs; i++) {
        pid_t process;
        int status;
        struct rusage usage;
        double started = seconds_now();
        int code = posix_spawnp(&process, argv[2], &quiet, NULL, argv + 2, environ);
        if (code != 0) {
            fprintf(stderr, "child: %s: %s\n", argv[2], strerror(code));
            return 1;
        }
        while (wait4(process, &status, 0, &usage) < 0) {
            if (errno == EINTR) continue;
            perror("child");
            return 1;
        }
        double seconds = seconds_now() - started;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "child: %s failed with status %d\n", argv[2], status);
            return 1;
        }
        printf("%.6f %.0f\n", seconds, peak_kibibytes(&usage));
    }
    posix_spawn_file_actions_destroy(&quiet);
    return 0;
}
