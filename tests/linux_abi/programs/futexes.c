// futex: each operation, its errors, time limits, requeueing, priority inheritance, robust lists.
#include "abi.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>

static long futex(volatile void* word, int operation, uint32_t value, const void* time, volatile void* second,
                  uint32_t third) {
    return syscall(SYS_futex, word, operation, value, time, second, third);
}

static volatile uint32_t word, other;
static volatile int woken;

static struct timespec at(clockid_t clock, long ms) {
    const int64_t ns = now_ns(clock) + ms * INT64_C(1000000);
    return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static void thread_asleep(pid_t tid) {
    char path[80], text[300];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    for (int i = 0; i < 2000; ++i) {
        const int fd = open(path, O_RDONLY);
        if (fd < 0) FAIL("%s: errno %d", path, errno);
        const ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        text[n > 0 ? n : 0] = 0;
        const char* const end = strrchr(text, ')');
        if (end && end[2] == 'S') return;
        sleep_ms(1);
    }
    FAIL("%s: does not wait", path);
}

static volatile pid_t tids[16];

static void* waits(void* number) {
    tids[(intptr_t)number] = (pid_t)syscall(SYS_gettid);
    const long r = futex(&word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
    if (r == 0) __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void* waits_with_bits(void* number) {
    tids[(intptr_t)number] = (pid_t)syscall(SYS_gettid);
    const long r = futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, 0, 0, 1u << (intptr_t)number);
    if (r == 0) __atomic_or_fetch(&woken, 1 << (intptr_t)number, __ATOMIC_SEQ_CST);
    return 0;
}

static void start_waiters(pthread_t* threads, int count, void* (*function)(void*)) {
    for (int i = 0; i < count; ++i) EQ(pthread_create(&threads[i], 0, function, (void*)(intptr_t)i), 0);
    for (int i = 0; i < count; ++i) {
        while (!tids[i]) sleep_ms(1);
        thread_asleep(tids[i]);
    }
}

static void until(volatile int* value, int expected) {
    for (int i = 0; i < 2000 && *value != expected; ++i) sleep_ms(1);
    EQ(*value, expected);
}

CASE(other_value) {
    word = 5;
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 4, 0, 0, 0), EAGAIN);
    ERR(futex(&word, FUTEX_WAIT, 4, 0, 0, 0), EAGAIN);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 4, 0, 0, 1), EAGAIN);
}

CASE(argument_errors) {
    ERR(futex((volatile char*)&word + 1, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0), EINVAL);
    ERR(futex((volatile char*)&word + 2, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0), EINVAL);
    ERR(futex(BAD, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0), EFAULT);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, BAD, 0, 0), EFAULT);
    ERR(futex(&word, 100, 0, 0, 0, 0), ENOSYS);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, 0, 0, 0), EINVAL);
    ERR(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, 0, 0, 0), EINVAL);
    const struct timespec wrong = {0, 1000000000}, negative = {-1, 0};
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &wrong, 0, 0), EINVAL);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &negative, 0, 0), EINVAL);
    ERR(futex(&word, FUTEX_WAKE_PRIVATE | FUTEX_CLOCK_REALTIME, 1, 0, 0, 0), ENOSYS);
}

CASE(wake_nobody) {
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10, 0, 0, 0), 0);
    EQ(futex(&word, FUTEX_WAKE, 10, 0, 0, 0), 0);
}

CASE(relative_time) {
    const struct timespec t = {0, 5000000};
    const int64_t before = now_ns(CLOCK_MONOTONIC);
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &t, 0, 0), ETIMEDOUT);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 5000000);
    const struct timespec zero = {0, 0};
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &zero, 0, 0), ETIMEDOUT);
}

CASE(absolute_time) {
    struct timespec t = at(CLOCK_MONOTONIC, 5);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &t, 0, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
    CHECK(now_ns(CLOCK_MONOTONIC) >= t.tv_sec * INT64_C(1000000000) + t.tv_nsec);
    t = at(CLOCK_REALTIME, 5);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &t, 0, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
    CHECK(now_ns(CLOCK_REALTIME) >= t.tv_sec * INT64_C(1000000000) + t.tv_nsec);
    t = at(CLOCK_MONOTONIC, -1000);
    ERR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &t, 0, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
}

CASE(wake_counts) {
    pthread_t threads[5];
    start_waiters(threads, 5, waits);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 2, 0, 0, 0), 2);
    until(&woken, 2);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0), 3);
    for (int i = 0; i < 5; ++i) EQ(pthread_join(threads[i], 0), 0);
    EQ(woken, 5);
}

CASE(wake_by_bits) {
    pthread_t threads[4];
    start_waiters(threads, 4, waits_with_bits);
    EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, 0, 0, 0x10), 0);
    EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, 0, 0, 2 | 8), 2);
    until(&woken, 2 | 8);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10, 0, 0, 0), 2);
    for (int i = 0; i < 4; ++i) EQ(pthread_join(threads[i], 0), 0);
    EQ(woken, 15);
}

CASE(requeue) {
    pthread_t threads[5];
    start_waiters(threads, 5, waits);
    EQ(futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void*)2, &other, 0), 3);  // woken and moved
    until(&woken, 1);
    EQ(futex(&other, FUTEX_WAKE_PRIVATE, 10, 0, 0, 0), 2);
    until(&woken, 3);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10, 0, 0, 0), 2);
    for (int i = 0; i < 5; ++i) EQ(pthread_join(threads[i], 0), 0);
}

CASE(compare_and_requeue) {
    pthread_t threads[3];
    start_waiters(threads, 3, waits);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void*)10, &other, 7), EAGAIN);
    EQ(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void*)10, &other, 0), 3);
    EQ(futex(&other, FUTEX_WAKE_PRIVATE, 10, 0, 0, 0), 2);
    for (int i = 0; i < 3; ++i) EQ(pthread_join(threads[i], 0), 0);
    EQ(woken, 3);
}

CASE(wake_with_operation) {
    pthread_t threads[2];
    start_waiters(threads, 2, waits);
    other = 5;
    // other = other + 3; wakes on `other` too if it was 5 (nobody there)
    EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)), 1);
    EQ(other, 8);
    EQ(futex(&other, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &word, FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_NE, 9)), 1);
    for (int i = 0; i < 2; ++i) EQ(pthread_join(threads[i], 0), 0);
    other = 12;
    EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other, FUTEX_OP(FUTEX_OP_ANDN, 4, FUTEX_OP_CMP_GT, 1)), 0);
    EQ(other, 8);
    EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other, FUTEX_OP(FUTEX_OP_XOR, 9, FUTEX_OP_CMP_LT, 1)), 0);
    EQ(other, 1);
    EQ(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other, FUTEX_OP(FUTEX_OP_SET, 77, FUTEX_OP_CMP_LE, 1)), 0);
    EQ(other, 77);
}

CASE(shared_between_processes) {
    volatile uint32_t* const shared = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const pid_t child = must_fork();
    if (child == 0) {
        while (*shared == 0) futex(shared, FUTEX_WAIT, 0, 0, 0, 0);
        _exit((int)*shared);
    }
    wait_asleep(child);
    *shared = 9;
    EQ(futex(shared, FUTEX_WAKE, 1, 0, 0, 0), 1);
    must_exit(child, 9);
}

CASE(shared_at_two_addresses) {
    const int fd = (int)OK(open("/tmp/abi-futex", O_RDWR | O_CREAT | O_TRUNC, 0600));
    OK(ftruncate(fd, kPage));
    volatile uint32_t* const a = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    const pid_t child = must_fork();
    if (child == 0) {
        volatile uint32_t* const b = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        b[1] = 1;
        while (b[0] == 0) futex(b, FUTEX_WAIT, 0, 0, 0, 0);
        _exit(0);
    }
    while (a[1] == 0) sleep_ms(1);
    wait_asleep(child);
    a[0] = 1;
    EQ(futex(a, FUTEX_WAKE, 1, 0, 0, 0), 1);
    must_exit(child, 0);
}

CASE(private_does_not_reach_others) {
    volatile uint32_t* const own = must_map(kPage);
    const pid_t child = must_fork();
    if (child == 0) {
        const struct timespec t = {0, 300000000};  // the other one has to see it asleep
        _exit(futex(own, FUTEX_WAIT_PRIVATE, 0, &t, 0, 0) == -1 && errno == ETIMEDOUT ? 0 : 1);
    }
    wait_asleep(child);
    EQ(futex(own, FUTEX_WAKE_PRIVATE, 10, 0, 0, 0), 0);
    must_exit(child, 0);
}

static void do_nothing(int number) { (void)number; }
static pid_t interrupt_main(void) {
    const pid_t me = getpid();
    const pid_t child = must_fork();
    if (child == 0) {
        wait_asleep(me);
        sleep_ms(5);
        kill(me, SIGUSR1);
        _exit(0);
    }
    return child;
}

CASE(interrupted) {
    struct sigaction action = {.sa_handler = do_nothing};
    OK(sigaction(SIGUSR1, &action, 0));
    interrupt_main();
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0), EINTR);
}

static void changes_word(int number) {
    (void)number;
    word = 1;
}

CASE(restarted) {
    struct sigaction action = {.sa_handler = changes_word, .sa_flags = SA_RESTART};
    OK(sigaction(SIGUSR1, &action, 0));
    interrupt_main();
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0), EAGAIN);  // the second time, the word is another
    EQ(word, 1);
}

CASE(with_a_limit_not_restarted) {
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    OK(sigaction(SIGUSR1, &action, 0));
    interrupt_main();
    const struct timespec t = {100, 0};
    ERR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &t, 0, 0), EINTR);
}

CASE(priority_inheritance) {
    const uint32_t me = (uint32_t)syscall(SYS_gettid);
    word = 0;
    OK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0));
    EQ(word & FUTEX_TID_MASK, me);
    ERR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0), EDEADLK);
    ERR(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, 0, 0, 0), EDEADLK);
    OK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0));
    EQ(word, 0);
    ERR(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0), EPERM);
    OK(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, 0, 0, 0));
    EQ(word, me);
}

static pthread_mutex_t mutex;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int turns;

static void* takes_turns(void* value) {
    const int mine = (int)(intptr_t)value;
    for (int i = 0; i < 50; ++i) {
        pthread_mutex_lock(&mutex);
        while (turns % 4 != mine) pthread_cond_wait(&condition, &mutex);
        ++turns;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}

static void turns_with(int type, int protocol) {
    pthread_mutexattr_t attribute;
    pthread_mutexattr_init(&attribute);
    EQ(pthread_mutexattr_settype(&attribute, type), 0);
    EQ(pthread_mutexattr_setprotocol(&attribute, protocol), 0);
    EQ(pthread_mutex_init(&mutex, &attribute), 0);
    turns = 0;
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) EQ(pthread_create(&threads[i], 0, takes_turns, (void*)(intptr_t)i), 0);
    for (int i = 0; i < 4; ++i) EQ(pthread_join(threads[i], 0), 0);
    EQ(turns, 200);
}

CASE(condition_variables) { turns_with(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE); }
CASE(condition_variables_with_inheritance) { turns_with(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT); }

static int counter;
static void* counts(void* unused) {
    for (int i = 0; i < 2000; ++i) {
        pthread_mutex_lock(&mutex);
        const int value = *(volatile int*)&counter;
        if (i % 64 == 0) sched_yield();
        *(volatile int*)&counter = value + 1;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

CASE(mutual_exclusion) {
    pthread_mutex_init(&mutex, 0);
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) EQ(pthread_create(&threads[i], 0, counts, 0), 0);
    for (int i = 0; i < 4; ++i) EQ(pthread_join(threads[i], 0), 0);
    EQ(counter, 8000);
}

CASE(mutual_exclusion_of_processes) {
    struct {
        pthread_mutex_t lock;
        int count;
    }* const shared = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attribute;
    pthread_mutexattr_init(&attribute);
    EQ(pthread_mutexattr_setpshared(&attribute, PTHREAD_PROCESS_SHARED), 0);
    EQ(pthread_mutex_init(&shared->lock, &attribute), 0);
    pid_t children[3];
    for (int i = 0; i < 3; ++i) {
        children[i] = must_fork();
        if (children[i] == 0) {
            for (int j = 0; j < 500; ++j) {
                pthread_mutex_lock(&shared->lock);
                const int value = *(volatile int*)&shared->count;
                if (j % 16 == 0) sched_yield();
                *(volatile int*)&shared->count = value + 1;
                pthread_mutex_unlock(&shared->lock);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < 3; ++i) must_exit(children[i], 0);
    EQ(shared->count, 1500);
}

static pthread_mutex_t robust;
static void* dies_with_lock(void* unused) {
    pthread_mutex_lock(&robust);
    return unused;
}

CASE(robust_mutex_of_a_thread) {
    pthread_mutexattr_t attribute;
    pthread_mutexattr_init(&attribute);
    EQ(pthread_mutexattr_setrobust(&attribute, PTHREAD_MUTEX_ROBUST), 0);
    EQ(pthread_mutex_init(&robust, &attribute), 0);
    pthread_t thread;
    EQ(pthread_create(&thread, 0, dies_with_lock, 0), 0);
    EQ(pthread_join(thread, 0), 0);
    EQ(pthread_mutex_lock(&robust), EOWNERDEAD);
    EQ(pthread_mutex_consistent(&robust), 0);
    EQ(pthread_mutex_unlock(&robust), 0);
    EQ(pthread_mutex_lock(&robust), 0);
}

CASE(robust_mutex_of_a_killed_process) {
    struct {
        pthread_mutex_t lock;
        volatile int locked;
    }* const shared = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attribute;
    pthread_mutexattr_init(&attribute);
    EQ(pthread_mutexattr_setrobust(&attribute, PTHREAD_MUTEX_ROBUST), 0);
    EQ(pthread_mutexattr_setpshared(&attribute, PTHREAD_PROCESS_SHARED), 0);
    EQ(pthread_mutex_init(&shared->lock, &attribute), 0);
    const pid_t child = must_fork();
    if (child == 0) {
        pthread_mutex_lock(&shared->lock);
        shared->locked = 1;
        for (;;) pause();
    }
    while (!shared->locked) sleep_ms(1);
    const pid_t killer = must_fork();
    if (killer == 0) {
        wait_asleep(getppid());
        kill(child, SIGKILL);
        _exit(0);
    }
    EQ(pthread_mutex_lock(&shared->lock), EOWNERDEAD);  // woken by the death
    must_die(child, SIGKILL);
    must_exit(killer, 0);
}

CASE(robust_list_calls) {
    void* head;
    size_t bytes;
    OK(syscall(SYS_get_robust_list, 0, &head, &bytes));
    EQ(bytes, 24);
    ERR(syscall(SYS_set_robust_list, head, 16), EINVAL);
    OK(syscall(SYS_set_robust_list, head, 24));
    ERR(syscall(SYS_get_robust_list, 1 << 28, &head, &bytes), ESRCH);
}

CASE(hostile_robust_list) {
    // A list that never ends, and one that points nowhere: the process ends all the same.
    for (int kind = 0; kind < 3; ++kind) {
        const pid_t child = must_fork();
        if (child == 0) {
            static struct {
                void* next;
                long offset;
                void* pending;
            } head;
            head.next = kind == 0 ? (void*)&head.pending : kind == 1 ? BAD : (void*)&head.next;
            head.pending = kind == 0 ? (void*)&head.pending : BAD;
            head.offset = kind == 2 ? 3 : 0;
            OK(syscall(SYS_set_robust_list, &head, sizeof head));
            _exit(3);
        }
        must_exit(child, 3);
    }
}

CASE(semaphores) {
    static sem_t sem;
    OK(sem_init(&sem, 0, 2));
    OK(sem_wait(&sem));
    OK(sem_trywait(&sem));
    ERR(sem_trywait(&sem), EAGAIN);
    const struct timespec t = at(CLOCK_REALTIME, 3);
    ERR(sem_timedwait(&sem, &t), ETIMEDOUT);
    OK(sem_post(&sem));
    OK(sem_wait(&sem));
}

static pthread_barrier_t barrier;
static void* at_barrier(void* unused) {
    for (int i = 0; i < 20; ++i) pthread_barrier_wait(&barrier);
    return unused;
}

CASE(barriers) {
    EQ(pthread_barrier_init(&barrier, 0, 4), 0);
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) EQ(pthread_create(&threads[i], 0, at_barrier, 0), 0);
    for (int i = 0; i < 4; ++i) EQ(pthread_join(threads[i], 0), 0);
}

CASE(cancel_a_waiting_thread) {
    pthread_t thread;
    static sem_t sem;
    OK(sem_init(&sem, 0, 0));
    EQ(pthread_create(&thread, 0, (void* (*)(void*))(uintptr_t)sem_wait, &sem), 0);
    sleep_ms(5);
    EQ(pthread_cancel(thread), 0);
    void* value;
    EQ(pthread_join(thread, &value), 0);
    CHECK(value == PTHREAD_CANCELED);
}
