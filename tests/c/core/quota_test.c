/* The limits of control groups, of both versions, from files like those of the kernel. */
#include "../check.h"

#include "../../../src/core/quota.h"

#include <sys/stat.h>

static char directory[] = "/tmp/fnet_quota_XXXXXX";

static void put_file(const char *path, const char *content) {
    char full[300], *end;
    snprintf(full, sizeof full, "%s/%s", directory, path);
    for (end = full + strlen(directory) + 1; (end = strchr(end, '/')); *end++ = '/') {
        *end = '\0';
        mkdir(full, 0700);
    }
    FILE *file = fopen(full, "w");
    if (!check(file && fputs(content, file) >= 0 && fclose(file) == 0, "cannot write %s", full)) exit(check_end());
}

static void expect(size_t processors, const char *groups, const char *mounts) {
    char list[300], place[300];
    put_file("groups", groups);
    snprintf(list, sizeof list, "%s/groups", directory);
    snprintf(place, sizeof place, "%s/%s", directory, mounts);
    size_t got = quota_of(list, place);
    check(got == processors, "expected %zu, got %zu", processors, got);
}

static void test_second_version(void) {
    test("version 2: cpu.max, of the group and of those above");
    put_file("v2/cpu.max", "max 100000\n");
    put_file("v2/pods/cpu.max", "400000 100000\n");
    put_file("v2/pods/one/cpu.max", "250000 100000\n");
    put_file("v2/pods/less/cpu.max", "149000 100000\n");
    put_file("v2/pods/half/cpu.max", "150000 100000\n");
    put_file("v2/pods/small/cpu.max", "50000 100000\n");
    put_file("v2/pods/free/cpu.max", "max 100000\n");
    put_file("v2/odd/cpu.max", "what\n");
    expect(SIZE_MAX, "0::/\n", "v2");
    expect(4, "0::/pods\n", "v2");
    expect(3, "0::/pods/one\n", "v2");
    expect(1, "0::/pods/less\n", "v2");
    expect(2, "0::/pods/half\n", "v2");
    expect(1, "0::/pods/small\n", "v2");
    expect(4, "0::/pods/free\n", "v2");
    expect(SIZE_MAX, "0::/odd\n", "v2");
    test("version 2: in a container, which sees its own group at the mount point, and the path of the host");
    put_file("inside/cpu.max", "300000 100000\n");
    expect(3, "0::/docker/0123456789abcdef\n", "inside");
    expect(3, "0::/\n", "inside");
}

static void test_first_version(void) {
    test("version 1: the quota and the period of the controller");
    put_file("v1/cpu,cpuacct/box/cpu.cfs_quota_us", "600000\n");
    put_file("v1/cpu,cpuacct/box/cpu.cfs_period_us", "200000\n");
    put_file("v1/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    put_file("v1/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    put_file("v1/cpuset/box/cpu.cfs_quota_us", "100000\n");
    put_file("v1/cpuset/box/cpu.cfs_period_us", "100000\n");
    expect(3, "5:cpuset:/box\n4:cpu,cpuacct:/box\n1:name=systemd:/box\n0::/box\n", "v1");
    expect(SIZE_MAX, "5:cpuset:/box\n4:cpu,cpuacct:/\n", "v1");
    test("version 1: controllers in another order than in the directory's name");
    put_file("v1/cpu/box/cpu.cfs_quota_us", "400000\n");
    put_file("v1/cpu/box/cpu.cfs_period_us", "200000\n");
    expect(2, "4:cpuacct,cpu:/box\n", "v1");
}

static void test_nothing(void) {
    test("no such files, and lines that are none");
    expect(SIZE_MAX, "0::/pods\n", "nowhere");
    expect(SIZE_MAX, "", "v2");
    expect(SIZE_MAX, "what\n0\n:\n", "v2");
    check(quota_of("/nowhere/at/all", "/nowhere") == SIZE_MAX, "a list that is not there");
    check(quota_processors() >= 1, "none");
}

int main(int count, char **arguments) {
    char remove[64];
    check_start(count, arguments);
    if (!mkdtemp(directory)) return EXIT_FAILURE;
    test_second_version();
    test_first_version();
    test_nothing();
    snprintf(remove, sizeof remove, "rm -r %s", directory);
    if (system(remove) != 0) puts("the directory is left");
    return check_end();
}
