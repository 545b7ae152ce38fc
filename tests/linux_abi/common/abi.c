#include "abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mount.h>

static struct abi_case* first_case;
static struct abi_helper* first_helper;
static const char* family;
static const char* current;
static pid_t case_pid;
const char* abi_self;
void* volatile abi_bad = (void*)8;

void abi_add_case(struct abi_case* one) {
    struct abi_case** at = &first_case;
    while (*at) at = &(*at)->next;
    *at = one;
}

void abi_add_helper(struct abi_helper* one) {
    one->next = first_helper;
    first_helper = one;
}

static void put(const char* text, size_t bytes) {
    while (bytes != 0) {
        const ssize_t n = write(STDOUT_FILENO, text, bytes);
        if (n < 0 && errno != EINTR && errno != EAGAIN) return;
        if (n > 0) {
            text += n;
            bytes -= (size_t)n;
        }
    }
}

static void record(const char* result, const char* detail) {
    char line[700];
    char clean[400];
    size_t n = 0;
    for (; *detail && n < sizeof clean - 1; ++detail)
        if (*detail >= ' ' && *detail != '"' && *detail != '\\') clean[n++] = *detail;
    clean[n] = 0;
    const int bytes = snprintf(line, sizeof line, "\x1e{\"test\":\"%s/%s\",\"result\":\"%s\",\"detail\":\"%s\"}\n",
                               family, current, result, clean);
    put(line, (size_t)bytes);
}

void abi_fail(const char* file, int line, const char* format, ...) {
    char detail[400];
    const char* const slash = strrchr(file, '/');
    int n = snprintf(detail, sizeof detail, "%s:%d: ", slash ? slash + 1 : file, line);
    va_list list;
    va_start(list, format);
    vsnprintf(detail + n, sizeof detail - (size_t)n, format, list);
    va_end(list);
    if (getpid() == case_pid) {
        record("fail", detail);
        _exit(1);
    }
    char text[500];
    n = snprintf(text, sizeof text, "in a child of %s/%s: %s\n", family, current, detail);
    put(text, (size_t)n);
    _exit(kFailed);
}

void abi_skip(const char* why) {
    record("skip", why);
    _exit(2);
}

int64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

void* must_map(size_t bytes) {
    void* const p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) FAIL("mmap of %zu bytes: errno %d", bytes, errno);
    return p;
}

pid_t must_fork(void) {
    const pid_t child = fork();
    if (child < 0) FAIL("fork: errno %d", errno);
    return child;
}

static int ended(pid_t child) {
    int status;
    pid_t got;
    do got = waitpid(child, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got != child) FAIL("waitpid(%d) gave %d, errno %d", child, got, errno);
    return status;
}

void must_exit(pid_t child, int expected) {
    const int status = ended(child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
        FAIL("the child ended with status 0x%x, expected exit(%d)", status, expected);
}

void must_die(pid_t child, int expected) {
    const int status = ended(child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != expected)
        FAIL("the child ended with status 0x%x, expected signal %d", status, expected);
}

void in_child(void (*function)(void)) {
    const pid_t child = must_fork();
    if (child == 0) {
        function();
        _exit(0);
    }
    must_exit(child, 0);
}

void wait_asleep(pid_t pid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (int i = 0; i < 2000; ++i) {
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) FAIL("%s: errno %d", path, errno);
        const ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        text[n > 0 ? n : 0] = 0;
        const char* const end = strrchr(text, ')');
        if (end && end[1] && end[2] == 'S') return;
        if (end && end[1] && end[2] == 'Z') FAIL("%s: the process has ended", path);
        sleep_ms(2);
    }
    FAIL("%s: the process does not wait: %s", path, text);
}

void write_file(const char* path, const char* text) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) FAIL("open %s: errno %d", path, errno);
    const size_t bytes = strlen(text);
    if (write(fd, text, bytes) != (ssize_t)bytes) FAIL("write %s: errno %d", path, errno);
    close(fd);
}

const char* read_file(const char* path) {
    static char text[65536];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) FAIL("open %s: errno %d", path, errno);
    size_t at = 0;
    for (;;) {
        const ssize_t n = read(fd, text + at, sizeof text - 1 - at);
        if (n < 0) FAIL("read %s: errno %d", path, errno);
        if (n == 0) break;
        at += (size_t)n;
    }
    close(fd);
    text[at] = 0;
    return text;
}

static sigjmp_buf probe_jump;
static void probe_fault(int number) {
    (void)number;
    siglongjmp(probe_jump, 1);
}

static int probe(volatile char* address, int write_it) {
    struct sigaction action = {.sa_handler = probe_fault}, segv, bus;
    sigaction(SIGSEGV, &action, &segv);
    sigaction(SIGBUS, &action, &bus);
    int good = 0;
    if (sigsetjmp(probe_jump, 1) == 0) {
        const char value = *address;
        if (write_it) *address = value;
        good = 1;
    }
    sigaction(SIGSEGV, &segv, 0);
    sigaction(SIGBUS, &bus, 0);
    return good;
}

int readable(const volatile void* address) { return probe((volatile char*)(uintptr_t)address, 0); }
int writable(volatile void* address) { return probe(address, 1); }

void abi_folder(void) {
    char path[100];
    snprintf(path, sizeof path, "/tmp/abi-%s-%s-%d", family, current, getpid());
    if (mkdir(path, 0777) != 0 || chdir(path) != 0) FAIL("folder %s: errno %d", path, errno);
}

static void run_case(const struct abi_case* one) {
    current = one->name;
    const pid_t child = fork();
    if (child < 0) {
        char text[60];
        snprintf(text, sizeof text, "fork: errno %d", errno);
        record("fail", text);
        return;
    }
    if (child == 0) {
        setpgid(0, 0);
        umask(022);
        case_pid = getpid();
        one->run();
        record("pass", "");
        _exit(0);
    }
    setpgid(child, child);
    // Asks again and again: this must work when waiting does not.
    const int64_t end = now_ns(CLOCK_MONOTONIC) + kCaseLimit * INT64_C(1000000000);
    int status = 0;
    pid_t got;
    long pause = 1;
    while ((got = waitpid(child, &status, WNOHANG)) == 0 && now_ns(CLOCK_MONOTONIC) < end) {
        sleep_ms(pause);
        if (pause < 20) pause *= 2;
    }
    char text[80];
    if (got == 0) {
        snprintf(text, sizeof text, "not done after %d seconds", kCaseLimit);
        record("fail", text);
        kill(child, SIGKILL);
    } else if (got < 0) {
        snprintf(text, sizeof text, "waitpid: errno %d", errno);
        record("fail", text);
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) > 2) {
        snprintf(text, sizeof text, "the case ended with status 0x%x", status);
        record("fail", text);
    }
    kill(-child, SIGKILL);
    for (int i = 0; i < 50 && waitpid(-child, 0, WNOHANG) >= 0; ++i) sleep_ms(2);
}

int main(int count, char** arguments) {
    static char self[256];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    abi_self = n > 0 ? self : arguments[0];
    const char* const slash = strrchr(arguments[0], '/');
    family = slash ? slash + 1 : arguments[0];
    if (count > 1 && strncmp(arguments[1], "--", 2) == 0) {
        for (struct abi_helper* one = first_helper; one; one = one->next)
            if (strcmp(one->name, arguments[1] + 2) == 0) return one->run(count - 2, arguments + 2);
        return 127;
    }
    signal(SIGPIPE, SIG_DFL);
    int cases = 0;
    for (const struct abi_case* one = first_case; one; one = one->next) {
        if (count > 1 && strcmp(one->name, arguments[1]) != 0) continue;
        run_case(one);
        ++cases;
    }
    char line[100];
    put(line, (size_t)snprintf(line, sizeof line, "\x1e{\"family\":\"%s\",\"cases\":%d}\n", family, cases));
    return 0;
}
