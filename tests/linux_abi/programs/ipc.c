// System V IPC: shared memory, semaphores, messages.
#include "abi.h"

#include <limits.h>
#include <linux/kcmp.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

union semun {
    int val;
    struct semid_ds* buf;
    unsigned short* array;
    struct seminfo* info;
};
static void handle(int signal) { (void)signal; }

// --- Shared memory

CASE(memory_is_shared) {
    const int id = (int)OK(shmget(IPC_PRIVATE, 3 * kPage - 5, IPC_CREAT | 0600));
    char* const a = shmat(id, 0, 0);
    char* const b = shmat(id, 0, SHM_RDONLY);
    CHECK(a != (char*)-1 && b != (char*)-1 && a != b);
    EQ(a[0], 0);
    a[2 * kPage] = 7;
    EQ(b[2 * kPage], 7);
    CHECK(!writable(b));
    const pid_t child = must_fork();
    if (child == 0) {
        a[1] = 9;
        _exit(0);
    }
    must_exit(child, 0);
    EQ(b[1], 9);
    struct shmid_ds state;
    OK(shmctl(id, IPC_STAT, &state));
    EQ(state.shm_segsz, 3 * kPage - 5);
    EQ(state.shm_nattch, 2);
    EQ(state.shm_cpid, getpid());
    EQ(state.shm_perm.mode & 0777, 0600);
    OK(shmdt(b));
    CHECK(!readable(b));
    OK(shmctl(id, IPC_STAT, &state));
    EQ(state.shm_nattch, 1);
    OK(shmctl(id, IPC_RMID, 0));
    // Goes with the last that has it.
    OK(shmctl(id, IPC_STAT, &state));
    CHECK(state.shm_perm.mode & SHM_DEST);
    EQ(a[1], 9);
    OK(shmdt(a));
    CHECK(shmctl(id, IPC_STAT, &state) == -1 && (errno == EINVAL || errno == EIDRM));
    ERR(shmdt(a), EINVAL);
}

CASE(memory_by_key) {
    const key_t key = 0x4b4f0001;
    const int id = (int)OK(shmget(key, kPage, IPC_CREAT | IPC_EXCL | 0600));
    ERR(shmget(key, kPage, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    EQ(shmget(key, 0, 0), id);
    EQ(shmget(key, kPage, IPC_CREAT), id);
    ERR(shmget(key, kPage + 1, 0), EINVAL);
    OK(shmctl(id, IPC_RMID, 0));
    ERR(shmget(key, kPage, 0), ENOENT);
    const int other = (int)OK(shmget(key, kPage, IPC_CREAT | 0600));
    CHECK(other != id);
    OK(shmctl(other, IPC_RMID, 0));
}

CASE(memory_at_an_address) {
    const int id = (int)OK(shmget(IPC_PRIVATE, 2 * kPage, 0600));
    char* const area = must_map(4 * kPage);
    area[0] = 1;
    ERR((long)shmat(id, area, 0), EINVAL);
    ERR((long)shmat(id, area + 1, 0), EINVAL);
    ERR((long)shmat(id, 0, SHM_REMAP), EINVAL);
    EQ((long)shmat(id, area + 10, SHM_RND | SHM_REMAP), (long)area);
    EQ(area[0], 0);
    OK(munmap(area + kPage, kPage));  // half of it
    OK(shmdt(area));
    CHECK(!readable(area));
    CHECK(readable(area + 2 * kPage));
    EQ((long)shmat(id, area, 0), (long)area);
    OK(shmctl(id, IPC_RMID, 0));
}

CASE(memory_errors) {
    ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    ERR((long)shmat(-1, 0, 0), EINVAL);
    ERR(shmctl(-1, IPC_STAT, 0), EINVAL);
    const int id = (int)OK(shmget(IPC_PRIVATE, kPage, 0600));
    ERR(shmctl(id, 77, 0), EINVAL);
    ERR(shmctl(id, IPC_STAT, BAD), EFAULT);
    ERR(shmdt(BAD), EINVAL);
    struct shmid_ds state;
    OK(shmctl(id, IPC_STAT, &state));
    state.shm_perm.mode = 0440;
    OK(shmctl(id, IPC_SET, &state));
    OK(shmctl(id, IPC_STAT, &state));
    EQ(state.shm_perm.mode & 0777, 0440);
    const pid_t child = must_fork();
    if (child == 0) {
        OK(setresgid(4711, 4711, 4711));
        OK(setresuid(4711, 4711, 4711));
        ERR((long)shmat(id, 0, 0), EACCES);
        ERR((long)shmat(id, 0, SHM_RDONLY), EACCES);
        ERR(shmctl(id, IPC_STAT, &state), EACCES);
        ERR(shmctl(id, IPC_RMID, 0), EPERM);
        _exit(0);
    }
    must_exit(child, 0);
    OK(shmctl(id, IPC_RMID, 0));
}

CASE(memory_goes_with_the_process) {
    const int id = (int)OK(shmget(IPC_PRIVATE, kPage, 0600));
    const pid_t child = must_fork();
    if (child == 0) {
        if (shmat(id, 0, 0) == (void*)-1 || shmctl(id, IPC_RMID, 0)) _exit(1);
        struct shmid_ds state;
        _exit(shmctl(id, IPC_STAT, &state) ? 2 : 0);
    }
    must_exit(child, 0);
    struct shmid_ds state;
    CHECK(shmctl(id, IPC_STAT, &state) == -1 && (errno == EINVAL || errno == EIDRM));
}

// --- Semaphores

static int set_of(int count) { return (int)OK(semget(IPC_PRIVATE, count, IPC_CREAT | 0600)); }
static int change(int id, int number, int by, int flags) {
    struct sembuf one = {(unsigned short)number, (short)by, (short)flags};
    return semop(id, &one, 1);
}
static int value(int id, int number) { return semctl(id, number, GETVAL); }

CASE(semaphores_count) {
    const int id = set_of(3);
    EQ(value(id, 0), 0);
    OK(change(id, 0, 5, 0));
    OK(change(id, 0, -2, 0));
    EQ(value(id, 0), 3);
    ERR(change(id, 0, -4, IPC_NOWAIT), EAGAIN);
    ERR(change(id, 0, 0, IPC_NOWAIT), EAGAIN);
    OK(change(id, 1, 0, IPC_NOWAIT));
    EQ(semctl(id, 0, GETPID), getpid());
    unsigned short values[3] = {1, 2, 3};
    OK(semctl(id, 0, SETALL, (union semun){.array = values}));
    unsigned short found[3];
    OK(semctl(id, 0, GETALL, (union semun){.array = found}));
    CHECK(memcmp(values, found, sizeof found) == 0);
    struct semid_ds state;
    OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &state}));
    EQ(state.sem_nsems, 3);
    CHECK(state.sem_otime >= time(0) - 5);
    OK(semctl(id, 0, IPC_RMID));
    CHECK(change(id, 0, 1, 0) == -1 && (errno == EINVAL || errno == EIDRM));
}

CASE(semaphores_all_or_none) {
    const int id = set_of(2);
    struct sembuf both[2] = {{0, 1, 0}, {1, -1, IPC_NOWAIT}};
    ERR(semop(id, both, 2), EAGAIN);
    EQ(value(id, 0), 0);
    OK(change(id, 1, 1, 0));
    OK(semop(id, both, 2));
    EQ(value(id, 0), 1);
    EQ(value(id, 1), 0);
    struct sembuf same[3] = {{0, -1, 0}, {0, 0, 0}, {0, 3, 0}};
    OK(semop(id, same, 3));
    EQ(value(id, 0), 3);
    OK(semctl(id, 0, IPC_RMID));
}

CASE(semaphores_wait) {
    const int id = set_of(1);
    const pid_t child = must_fork();
    if (child == 0) _exit(change(id, 0, -2, 0) ? 1 : 0);
    wait_asleep(child);
    EQ(semctl(id, 0, GETNCNT), 1);
    EQ(semctl(id, 0, GETZCNT), 0);
    OK(change(id, 0, 1, 0));
    wait_asleep(child);
    OK(change(id, 0, 1, 0));
    must_exit(child, 0);
    EQ(value(id, 0), 0);
    EQ(semctl(id, 0, GETNCNT), 0);
    OK(change(id, 0, 1, 0));
    const pid_t other = must_fork();
    if (other == 0) _exit(change(id, 0, 0, 0) ? 1 : 0);
    wait_asleep(other);
    EQ(semctl(id, 0, GETZCNT), 1);
    OK(semctl(id, 0, SETVAL, (union semun){.val = 0}));
    must_exit(other, 0);
    OK(semctl(id, 0, IPC_RMID));
}

CASE(semaphores_end_of_a_wait) {
    const int id = set_of(1);
    pid_t child = must_fork();
    if (child == 0) {
        struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
        sigaction(SIGUSR1, &action, 0);
        _exit(change(id, 0, -1, 0) == -1 && errno == EINTR ? 0 : 1);
    }
    wait_asleep(child);
    OK(kill(child, SIGUSR1));
    must_exit(child, 0);
    child = must_fork();
    if (child == 0) _exit(change(id, 0, -1, 0) == -1 && errno == EIDRM ? 0 : 1);
    wait_asleep(child);
    OK(semctl(id, 0, IPC_RMID));
    must_exit(child, 0);
}

CASE(semaphores_time_limit) {
    const int id = set_of(1);
    struct sembuf one = {0, -1, 0};
    const struct timespec limit = {0, 20000000}, wrong = {0, 1000000000};
    const int64_t start = now_ns(CLOCK_MONOTONIC);
    ERR(semtimedop(id, &one, 1, &limit), EAGAIN);
    CHECK(now_ns(CLOCK_MONOTONIC) - start >= 20000000);
    ERR(semtimedop(id, &one, 1, &wrong), EINVAL);
    OK(semctl(id, 0, IPC_RMID));
}

CASE(semaphores_undo) {
    const int id = set_of(2);
    OK(change(id, 0, 5, 0));
    const pid_t child = must_fork();
    if (child == 0) _exit(change(id, 0, -3, SEM_UNDO) || change(id, 1, 2, SEM_UNDO) || change(id, 0, 1, 0) ? 1 : 0);
    must_exit(child, 0);
    EQ(value(id, 0), 6);
    EQ(value(id, 1), 0);
    const pid_t other = must_fork();
    if (other == 0) {
        if (change(id, 0, -1, SEM_UNDO)) _exit(1);
        for (;;) pause();
    }
    while (value(id, 0) != 5) sleep_ms(1);
    OK(semctl(id, 0, SETVAL, (union semun){.val = 1}));  // which forgets what was to be undone
    OK(kill(other, SIGKILL));
    must_die(other, SIGKILL);
    EQ(value(id, 0), 1);
    OK(semctl(id, 0, IPC_RMID));
}

CASE(semaphores_errors) {
    const int id = set_of(2);
    struct sembuf one = {2, 1, 0};
    ERR(semop(id, &one, 1), EFBIG);
    ERR(semop(id, &one, 0), EINVAL);
    ERR(semop(id, BAD, 1), EFAULT);
    ERR(semop(-1, &one, 1), EINVAL);
    ERR(semop(id, &one, 501), E2BIG);
    OK(change(id, 0, 32767, 0));
    ERR(change(id, 0, 1, 0), ERANGE);
    ERR(semctl(id, 0, SETVAL, (union semun){.val = 32768}), ERANGE);
    ERR(semctl(id, 2, GETVAL), EINVAL);
    ERR(semctl(id, 0, 99), EINVAL);
    ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
    ERR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
    ERR(semget(0x4b4f0002, 1, 0600), ENOENT);
    OK(semctl(id, 0, IPC_RMID));
}

// --- Messages

struct message {
    long type;
    char text[100];
};
static int send_text(int id, long type, const char* text, int flags) {
    struct message one = {.type = type};
    strcpy(one.text, text);
    return msgsnd(id, &one, strlen(text), flags);
}
static struct message got;
static long receive(int id, long type, int flags) {
    memset(&got, 0, sizeof got);
    return msgrcv(id, &got, sizeof got.text, type, flags);
}

CASE(messages_by_type) {
    const int id = (int)OK(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
    OK(send_text(id, 3, "three", 0));
    OK(send_text(id, 1, "one", 0));
    OK(send_text(id, 2, "", 0));
    OK(send_text(id, 3, "more", 0));
    EQ(receive(id, 1, MSG_COPY | IPC_NOWAIT), 3);
    CHECK(strcmp(got.text, "one") == 0);
    EQ(receive(id, 0, 0), 5);
    EQ(got.type, 3);
    CHECK(strcmp(got.text, "three") == 0);
    EQ(receive(id, -2, 0), 3);
    EQ(got.type, 1);
    EQ(receive(id, 3, 0), 4);
    EQ(receive(id, 3, MSG_EXCEPT), 0);
    EQ(got.type, 2);
    ERR(receive(id, 0, IPC_NOWAIT), ENOMSG);
    OK(msgctl(id, IPC_RMID, 0));
}

CASE(messages_too_long) {
    const int id = (int)OK(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
    OK(send_text(id, 1, "0123456789", 0));
    ERR(msgrcv(id, &got, 4, 0, 0), E2BIG);
    memset(&got, 0, sizeof got);
    EQ(msgrcv(id, &got, 4, 0, MSG_NOERROR), 4);
    CHECK(strcmp(got.text, "0123") == 0);
    ERR(receive(id, 0, IPC_NOWAIT), ENOMSG);
    OK(msgctl(id, IPC_RMID, 0));
}

CASE(messages_wait) {
    const int id = (int)OK(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
    pid_t child = must_fork();
    if (child == 0) _exit(receive(id, 5, 0) == 2 ? 0 : 1);
    wait_asleep(child);
    OK(send_text(id, 4, "no", 0));
    wait_asleep(child);
    OK(send_text(id, 5, "ok", 0));
    must_exit(child, 0);
    // Full: the sender waits.
    struct msqid_ds state;
    OK(msgctl(id, IPC_STAT, &state));
    EQ(state.msg_qnum, 1);
    state.msg_qbytes = 10;
    OK(msgctl(id, IPC_SET, &state));
    ERR(send_text(id, 1, "123456789", IPC_NOWAIT), EAGAIN);
    child = must_fork();
    if (child == 0) _exit(send_text(id, 1, "123456789", 0) ? 1 : 0);
    wait_asleep(child);
    EQ(receive(id, 4, 0), 2);
    must_exit(child, 0);
    EQ(receive(id, 0, 0), 9);
    child = must_fork();
    if (child == 0) _exit(receive(id, 0, 0) == -1 && errno == EIDRM ? 0 : 1);
    wait_asleep(child);
    OK(msgctl(id, IPC_RMID, 0));
    must_exit(child, 0);
}

CASE(messages_errors) {
    ERR(msgget(0x4b4f0003, 0), ENOENT);
    const int id = (int)OK(msgget(0x4b4f0003, IPC_CREAT | 0600));
    ERR(msgget(0x4b4f0003, IPC_CREAT | IPC_EXCL), EEXIST);
    EQ(msgget(0x4b4f0003, 0), id);
    ERR(send_text(id, 0, "x", 0), EINVAL);
    ERR(send_text(id, -1, "x", 0), EINVAL);
    ERR(send_text(-1, 1, "x", 0), EINVAL);
    ERR(msgsnd(id, BAD, 1, 0), EFAULT);
    ERR(msgsnd(id, &got, 8193, 0), EINVAL);
    ERR(receive(id, 0, MSG_COPY), EINVAL);
    ERR(msgctl(id, 99, 0), EINVAL);
    OK(msgctl(id, IPC_RMID, 0));
    CHECK(msgctl(id, IPC_RMID, 0) == -1 && (errno == EINVAL || errno == EIDRM));
}

CASE(semaphores_owed_alone) {
    // KCMP_SYSVSEM: the same as long as neither owes anything.
    const pid_t child = must_fork();
    if (child == 0) {
        for (;;) pause();
    }
    EQ(syscall(SYS_kcmp, getpid(), child, KCMP_SYSVSEM, 0, 0), 0);
    CHECK(syscall(SYS_kcmp, getpid(), child, KCMP_VM, 0, 0) > 0);
    const int id = (int)OK(semget(IPC_PRIVATE, 1, 0600));
    struct sembuf up = {0, 1, SEM_UNDO};
    OK(semop(id, &up, 1));
    CHECK(syscall(SYS_kcmp, getpid(), child, KCMP_SYSVSEM, 0, 0) > 0);
    OK(semctl(id, 0, IPC_RMID));
    OK(kill(child, SIGKILL));
    must_die(child, SIGKILL);
}
