/* What mpirun and srun tell their processes, as launch.c reads it: every starter, and variables that say nothing.
 */
#include "../check.h"

#include "../../../src/core/launch.h"

static const char *const names[] = {
    "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_RANK", "SLURM_PROCID",
    "SLURM_NTASKS",         "SLURM_STEP_NUM_TASKS"};

/* Sets the variables of "NAME=value NAME=value", and no others. */
static void tell(const char *text) {
    char copy[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        char *equals = strchr(word, '=');
        *equals = '\0';
        setenv(word, equals + 1, 1);
    }
}

static void expect(const char *text, const char *starter, int rank, int count) {
    struct launch launch;
    tell(text);
    bool found = launch_find(&launch);
    if (starter == NULL) {
        check(!found, "%s: found", text);
        return;
    }
    check(found && strcmp(launch.starter, starter) == 0, "%s: not of %s", text, starter);
    check(found && launch.rank == rank && launch.count == count, "%s: %d of %d", text, launch.rank, launch.count);
}

int main(int argc, char **argv) {
    check_start(argc, argv);

    test("each starter has its variables");
    expect("OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4 PMIX_RANK=2", "openmpi", 2, 4);
    expect("PMI_RANK=0 PMI_SIZE=1", "mpich", 0, 1);
    expect("PMIX_RANK=3 SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=4", "srun", 3, 4);

    test("mpirun counts where srun has started it");
    expect("OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=6 SLURM_STEP_NUM_TASKS=2 PMIX_RANK=1", "openmpi", 5, 6);
    expect("PMI_RANK=1 PMI_SIZE=3 SLURM_STEP_NUM_TASKS=2 PMIX_RANK=1", "mpich", 1, 3);

    test("without an MPI in common each process is alone");
    expect("", NULL, 0, 0);
    expect("SLURM_PROCID=0 SLURM_NTASKS=4", NULL, 0, 0); /* a batch script, before its srun */
    expect("SLURM_PROCID=1 SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4", NULL, 0, 0); /* srun --mpi=none */
    expect("PMIX_RANK=1", NULL, 0, 0);

    test("what is no rank of a size says nothing");
    const char *const bad[] = {"x", "", "-1", "1x", "0x1", "4", "2147483648", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128];
        snprintf(text, sizeof text, "OMPI_COMM_WORLD_RANK=%s OMPI_COMM_WORLD_SIZE=4", bad[i]);
        expect(text, NULL, 0, 0);
        snprintf(text, sizeof text, "PMI_SIZE=%s PMI_RANK=4", bad[i]);
        expect(text, NULL, 0, 0);
    }

    test("nothing is told to programs that start later");
    tell("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 PMI_RANK=1 PMI_SIZE=2 PMIX_RANK=1 SLURM_STEP_NUM_TASKS=2");
    launch_forget();
    struct launch launch;
    check(!launch_find(&launch), "found");

    return check_end();
}
