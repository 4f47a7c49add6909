/* The modules fnet.openmpi and fnet.mpich: bytes from process to process, by MPI, for lua/fnet/base/processes.lua.
   A library of its own, made once for each MPI that is there: it knows Lua and MPI, and nothing else of fnet.
   Invariant: MPI moves bytes and never computes. A process that waits leaves the processor to the others; it waits
   for none that has ended: each says so as its last message. Processes count from 0 here, as in MPI. */
#include <lauxlib.h>
#include <lua.h>
#include <mpi.h>

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FAREWELL = 1 };         /* a tag; those of messages are above it */
enum { MOST = 1 << 30 };       /* bytes a message; more go in several */
enum { EAGER = 2000 };         /* looks for a message before we sleep between them */
enum { LONGEST_SLEEP = 1000 }; /* microseconds */

static bool is_open;   /* of the process: MPI starts once */
static pid_t owner;    /* who has opened it: a copy of this process, by fork, is none of MPI's */
static int neighbours; /* how many of the processes are on this machine */

/* Between two looks: first others may run, later we sleep, longer each time. */
static void pause_before(unsigned look) {
    if (look < EAGER) {
        sched_yield();
        return;
    }
    long microseconds = 20 + (look - EAGER) * 2L;
    if (microseconds > LONGEST_SLEEP) microseconds = LONGEST_SLEEP;
    nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

static bool has_ended(int other) {
    int found;
    MPI_Iprobe(other, FAREWELL, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE);
    return found;
}

/* Says farewell to all, and waits for theirs: mpirun of Open MPI 4 may hang or crash where one process fails while
   another one is in MPI_Finalize. A process that has failed does not come here: see abort_all. */
static void close_mpi(void) {
    int rank, size, ended;
    if (getpid() != owner || MPI_Finalized(&ended) != MPI_SUCCESS || ended) return;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int other = 0; other < size; other++) {
        MPI_Request request;
        if (other == rank) continue;
        MPI_Isend(&is_open, 0, MPI_BYTE, other, FAREWELL, MPI_COMM_WORLD, &request);
        MPI_Request_free(&request);
    }
    for (int other = 0; other < size; other++) {
        if (other == rank) continue;
        for (unsigned look = 0; !has_ended(other); look++) pause_before(look);
        MPI_Recv(&is_open, 0, MPI_BYTE, other, FAREWELL, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    MPI_Finalize();
}

static void count_neighbours(void) {
    MPI_Comm here;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &neighbours);
    MPI_Comm_free(&here);
}

/* open(): this process's number, how many there are, and how many on this machine. */
static int open_mpi(lua_State *L) {
    int rank, size, provided;
    if (!is_open) {
        MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
        is_open = true;
        owner = getpid();
        atexit(close_mpi); /* also where a script calls os.exit */
        count_neighbours();
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    lua_pushinteger(L, rank);
    lua_pushinteger(L, size);
    lua_pushinteger(L, neighbours);
    return 3;
}

/* The bytes of a string or, with their number behind it, at an address. */
static char *check_bytes(lua_State *L, int index, size_t *count) {
    if (lua_type(L, index) == LUA_TSTRING) return (char *)(size_t)lua_tolstring(L, index, count);
    luaL_checktype(L, index, LUA_TLIGHTUSERDATA);
    *count = (size_t)luaL_checkinteger(L, index + 1);
    return lua_touserdata(L, index);
}

static int piece_of(size_t count) { return count < MOST ? (int)count : MOST; }

/* Waits until a message has gone, or MPI keeps a copy; false where the other has ended. */
static bool wait_until_sent(MPI_Request *request, int to) {
    int sent = 0;
    for (unsigned look = 0; MPI_Test(request, &sent, MPI_STATUS_IGNORE), !sent; look++) {
        if (look > EAGER && has_ended(to)) return false;
        pause_before(look);
    }
    return true;
}

/* send(to, tag, string) or send(to, tag, address, bytes): true when the other has it or MPI keeps a copy; false
   where the other has ended. */
static int send_bytes(lua_State *L) {
    int to = (int)luaL_checkinteger(L, 1), tag = (int)luaL_checkinteger(L, 2);
    size_t count;
    const char *from = check_bytes(L, 3, &count);
    do {
        MPI_Request request;
        int piece = piece_of(count);
        MPI_Isend(from, piece, MPI_BYTE, to, tag, MPI_COMM_WORLD, &request);
        if (!wait_until_sent(&request, to)) {
            lua_pushboolean(L, false);
            return 1;
        }
        from += piece;
        count -= (size_t)piece;
    } while (count > 0);
    lua_pushboolean(L, true);
    return 1;
}

/* Waits for the next message of a process: its tag and its length. */
static int next_message(int from, int *length) {
    MPI_Status status;
    int found = 0;
    for (unsigned look = 0; MPI_Iprobe(from, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &status), !found; look++)
        pause_before(look);
    MPI_Get_count(&status, MPI_BYTE, length);
    return status.MPI_TAG;
}

/* look(): the process whose message is here, and not yet received; nil where there is none now. */
static int look(lua_State *L) {
    MPI_Status status;
    int found;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &status);
    if (!found) return 0;
    lua_pushinteger(L, status.MPI_SOURCE);
    return 1;
}

/* receive(from, tag): the string that was sent with it. receive(from, tag, address, bytes): true when so many are
   there. Either gives nil and the tag of another message, or of the farewell, that is there instead. */
static int receive_bytes(lua_State *L) {
    int from = (int)luaL_checkinteger(L, 1), tag = (int)luaL_checkinteger(L, 2), length;
    bool in_place = !lua_isnoneornil(L, 3);
    size_t count = 0;
    char *to = in_place ? check_bytes(L, 3, &count) : NULL;
    do {
        int found = next_message(from, &length);
        if (found != tag || (in_place && length != piece_of(count))) {
            lua_pushnil(L);
            lua_pushinteger(L, found);
            return 2;
        }
        luaL_Buffer buffer;
        char *bytes = in_place ? to : luaL_buffinitsize(L, &buffer, (size_t)length);
        MPI_Recv(bytes, length, MPI_BYTE, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (!in_place) {
            luaL_pushresultsize(&buffer, (size_t)length);
            return 1;
        }
        to += length;
        count -= (size_t)length;
    } while (count > 0);
    lua_pushboolean(L, true);
    return 1;
}

/* Agrees with another process on the number of bytes that each sends: MPI may write beyond the end of what is too
   short. 0, or the tag of what came instead. */
static int agree(int other, int tag, size_t leaving, size_t arriving) {
    static unsigned long long own; /* lives on where another message comes */
    unsigned long long others;
    MPI_Request request;
    int length, found;
    own = leaving;
    MPI_Isend(&own, sizeof own, MPI_BYTE, other, tag, MPI_COMM_WORLD, &request);
    found = next_message(other, &length);
    if (found != tag || length != sizeof others) return found;
    MPI_Recv(&others, sizeof others, MPI_BYTE, other, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (!wait_until_sent(&request, other)) return FAREWELL;
    return others == arriving ? 0 : tag;
}

/* exchange(other, tag, address, bytes, address, bytes): what lies at the first address is sent, what the other
   sends is received at the second one, both at the same time; true. Gives nil and a tag as `receive` does.
   Receiving begins at once, not when the other's message is seen: else the word that we are ready would leave
   behind our own data, and the two would take turns. */
static int exchange_bytes(lua_State *L) {
    int other = (int)luaL_checkinteger(L, 1), tag = (int)luaL_checkinteger(L, 2);
    size_t leaving, arriving;
    char *from = check_bytes(L, 3, &leaving), *to = check_bytes(L, 5, &arriving);
    int found = agree(other, tag, leaving, arriving);
    while (found == 0 && (leaving > 0 || arriving > 0)) {
        MPI_Request requests[2];
        MPI_Status statuses[2];
        int out = piece_of(leaving), in = piece_of(arriving), done = 0;
        MPI_Isend(from, out, MPI_BYTE, other, tag, MPI_COMM_WORLD, &requests[0]);
        MPI_Irecv(to, in, MPI_BYTE, other, tag, MPI_COMM_WORLD, &requests[1]);
        for (unsigned look = 0; MPI_Testall(2, requests, &done, statuses), !done; look++) pause_before(look);
        from += out;
        to += in;
        leaving -= (size_t)out;
        arriving -= (size_t)in;
    }
    if (found == 0) {
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    lua_pushinteger(L, found);
    return 2;
}

/* abort(): ends all processes, this one too, when mpirun has had the time to pass on what this one has said. */
static int abort_all(lua_State *L) {
    (void)L;
    nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    return 0;
}

LUAMOD_API int FNET_MPI_OPEN(lua_State *L);

LUAMOD_API int FNET_MPI_OPEN(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"open", open_mpi},           {"send", send_bytes}, {"look", look}, {"receive", receive_bytes},
        {"exchange", exchange_bytes}, {"abort", abort_all}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushinteger(L, FAREWELL);
    lua_setfield(L, -2, "farewell");
    return 1;
}
