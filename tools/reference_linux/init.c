// The first process of the reference Linux: mounts the root image with a tmpfs overlay, runs the commands of /run.spec,
// and tells each one's end as a record on the serial line. Started by tools/kos/reference_linux.py, which compiles it.
//
// /run.spec is a sequence of texts, each ended by NUL: `module PATH`, `nonce TEXT`, `terminal`, and for each command
// `arg TEXT`, `env NAME=TEXT`, `cwd PATH`, `user UID GID`, `input TEXT`, `timeout MS`, then `run`; or `init` in its
// place, after which that program is the first process and nothing is told any more.
//
// A record is the byte 0x1e, a JSON object with the nonce, and a line feed. What stands between the records `begin` and
// `end` of a command is what it wrote, unchanged.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { kMaxWords = 512, kSerialSpeed = B115200, kPollMs = 20 };

static int serial = 1;
static const char* nonce = "";
static int terminal;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void write_all(const char* data, size_t bytes) {
    while (bytes != 0) {
        const ssize_t n = write(serial, data, bytes);
        if (n < 0 && errno != EINTR && errno != EAGAIN) return;
        if (n > 0) {
            data += n;
            bytes -= (size_t)n;
        }
    }
    tcdrain(serial);
}

__attribute__((format(printf, 1, 2))) static void record(const char* format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format);
    const int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    char line[1200];
    const int bytes = snprintf(line, sizeof line, "\x1e{\"nonce\":\"%s\",%.*s}\n", nonce, n, text);
    write_all(line, (size_t)bytes);
}

static void leave(void) {
    sync();
    reboot(RB_POWER_OFF);
    for (;;) pause();
}

static void fail(const char* what) {
    record("\"failed\":\"%s\",\"errno\":%d", what, errno);
    leave();
}

static void must(int status, const char* what) {
    if (status < 0) fail(what);
}

static void open_serial(int raw) {
    serial = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (serial < 0) {
        serial = 1;
        return;
    }
    struct termios settings;
    if (tcgetattr(serial, &settings) == 0) {
        if (raw) {
            cfmakeraw(&settings);
        } else {  // as getty leaves a terminal
            settings.c_iflag = ICRNL | IXON | IUTF8;
            settings.c_oflag = OPOST | ONLCR;
            settings.c_cflag = CS8 | CREAD | HUPCL | CLOCAL;
            settings.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
        }
        cfsetspeed(&settings, kSerialSpeed);
        tcsetattr(serial, TCSANOW, &settings);
    }
}

static void load_module(const char* path) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)) fail(path);
    close(fd);
}

// The overlay's upper layer is memory, as the personality has it.
static void mount_root(void) {
    mkdir("/lower", 0755);
    mkdir("/memory", 0755);
    mkdir("/new", 0755);
    int status = -1;
    for (int attempt = 0; attempt < 500 && status < 0; ++attempt) {  // the disk appears a little after its driver
        status = mount("/dev/vda", "/lower", "erofs", MS_RDONLY, "");
        if (status < 0) usleep(10000);
    }
    must(status, "mount erofs");
    must(mount("tmpfs", "/memory", "tmpfs", 0, "mode=755"), "mount tmpfs");
    mkdir("/memory/upper", 0755);
    mkdir("/memory/work", 0755);
    must(mount("overlay", "/new", "overlay", 0, "lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work"),
         "mount overlay");
    static const char* const kMoved[] = {"dev", "proc", "sys"};
    for (unsigned i = 0; i < sizeof kMoved / sizeof *kMoved; ++i) {
        char from[16], to[24];
        snprintf(from, sizeof from, "/%s", kMoved[i]);
        snprintf(to, sizeof to, "/new/%s", kMoved[i]);
        mkdir(to, 0755);
        must(mount(from, to, 0, MS_MOVE, 0), to);
    }
    must(chdir("/new"), "chdir");
    must(mount(".", "/", 0, MS_MOVE, 0), "move root");
    must(chroot("."), "chroot");
    must(chdir("/"), "chdir /");
    mkdir("/tmp", 01777);
    mkdir("/run", 0755);
    mkdir("/dev/pts", 0755);
    mkdir("/dev/shm", 01777);
    mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
    mount("tmpfs", "/run", "tmpfs", 0, "mode=755");
    mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
    mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=666,gid=5,mode=620");
    symlink("/proc/self/fd", "/dev/fd");
    symlink("/proc/self/fd/0", "/dev/stdin");
    symlink("/proc/self/fd/1", "/dev/stdout");
    symlink("/proc/self/fd/2", "/dev/stderr");
}

static void set_up_names(void) {
    char name[65] = "";
    const int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
    if (fd >= 0) close(fd);
    name[n > 0 ? n : 0] = 0;
    name[strcspn(name, "\n")] = 0;
    if (*name) sethostname(name, strlen(name));
    const int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo"};
    if (s >= 0 && ioctl(s, SIOCGIFFLAGS, &request) == 0) {
        request.ifr_flags |= IFF_UP;
        ioctl(s, SIOCSIFFLAGS, &request);
    }
    if (s >= 0) close(s);
}

struct Command {
    char* arguments[kMaxWords + 1];
    char* environment[kMaxWords + 1];
    unsigned argument_count, environment_count;
    const char* folder;
    const char* input;
    unsigned user, group;
    uint64_t timeout_ms;
};

static int input_of(const char* text) {
    if (text == 0) return open("/dev/null", O_RDONLY);
    const int fd = memfd_create("input", 0);
    if (fd < 0 || write(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0) return -1;
    return fd;
}

static void become(const struct Command* c, int output) {
    setsid();
    if (terminal) {
        const int fd = open("/dev/ttyAMA0", O_RDWR);
        ioctl(fd, TIOCSCTTY, 0);
        struct winsize size = {.ws_row = 24, .ws_col = 80};
        ioctl(fd, TIOCSWINSZ, &size);
        for (int i = 0; i < 3; ++i) dup2(fd, i);
        if (fd > 2) close(fd);
    } else {
        const int fd = input_of(c->input);
        if (fd < 0) _exit(127);
        dup2(fd, 0);
        dup2(output, 1);
        dup2(output, 2);
        if (fd > 2) close(fd);
    }
    signal(SIGPIPE, SIG_DFL);
    struct rlimit files = {1024, 4096};  // as a login has it; programs size their tables by it
    setrlimit(RLIMIT_NOFILE, &files);
    if (chdir(c->folder) < 0 || setgroups(0, 0) < 0 || setgid(c->group) < 0 || setuid(c->user) < 0) _exit(127);
    execve(c->arguments[0], c->arguments, c->environment);
    dprintf(2, "execve %s: %s\n", c->arguments[0], strerror(errno));
    _exit(127);
}

// Passes on what is there; false at the end of the pipe.
static int pass_on(int fd) {
    char buffer[4096];
    for (;;) {
        const ssize_t n = read(fd, buffer, sizeof buffer);
        if (n == 0) return 0;
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        write_all(buffer, (size_t)n);
    }
}

static void run(const struct Command* c, unsigned number) {
    int ends[2] = {-1, -1};
    if (!terminal) {
        must(pipe2(ends, O_CLOEXEC), "pipe");
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
    }
    record("\"begin\":%u,\"uptime_ns\":%llu", number, (unsigned long long)now_ns());
    const uint64_t start = now_ns();
    const pid_t child = fork();
    must(child, "fork");
    if (child == 0) become(c, ends[1]);
    if (!terminal) close(ends[1]);
    const int ending = (int)syscall(SYS_pidfd_open, child, 0);  // readable when the child has ended
    must(ending, "pidfd_open");

    uint64_t end = 0, first_output = 0;
    int status = 0, ended = 0, timed_out = 0, open_end = !terminal;
    struct rusage usage = {0};
    while (!ended) {
        struct pollfd fds[] = {{open_end ? ends[0] : -1, POLLIN, 0}, {ending, POLLIN, 0}};
        poll(fds, 2, kPollMs);
        if (fds[0].revents != 0) {
            if (first_output == 0) first_output = now_ns();
            open_end = pass_on(ends[0]);
        }
        int other;
        struct rusage of;
        for (pid_t who; (who = wait4(-1, &other, WNOHANG, &of)) > 0;) {
            if (who == child) {
                end = now_ns();
                status = other;
                usage = of;
                ended = 1;
            }
        }
        if (!ended && c->timeout_ms != 0 && now_ns() - start > c->timeout_ms * 1000000u) {
            timed_out = 1;
            kill(-1, SIGKILL);
            waitpid(child, &status, 0);
            end = now_ns();
            ended = 1;
        }
    }
    close(ending);
    if (!terminal) {
        pass_on(ends[0]);
        close(ends[0]);
    }
    kill(-1, SIGKILL);
    while (waitpid(-1, 0, 0) > 0 || errno == EINTR) {
    }
    open_serial(1);  // whatever the command made of the terminal
    record(
        "\"end\":%u,\"exit\":%d,\"signal\":%d,\"timed_out\":%s,\"ns\":%llu,\"first_output_ns\":%llu,"
        "\"user_us\":%llu,\"system_us\":%llu,\"max_resident_kib\":%ld,\"faults\":%ld",
        number, WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        timed_out ? "true" : "false", (unsigned long long)(end - start),
        (unsigned long long)(first_output != 0 ? first_output - start : 0),
        (unsigned long long)usage.ru_utime.tv_sec * 1000000u + (unsigned long long)usage.ru_utime.tv_usec,
        (unsigned long long)usage.ru_stime.tv_sec * 1000000u + (unsigned long long)usage.ru_stime.tv_usec,
        usage.ru_maxrss, usage.ru_minflt);
}

// The program in this one's place, with the console as any first process has it.
static void hand_over(const struct Command* c) {
    const int fd = open("/dev/console", O_RDWR | O_NOCTTY);
    for (int i = 0; fd >= 0 && i < 3; ++i) dup2(fd, i);
    if (fd > 2) close(fd);
    execve(c->arguments[0], c->arguments, c->environment);
    fail(c->arguments[0]);
}

static const char* value_of(const char* word, const char* key) {
    const size_t n = strlen(key);
    return strncmp(word, key, n) == 0 && word[n] == ' ' ? word + n + 1 : 0;
}

static struct Command fresh(void) { return (struct Command){.folder = "/", .timeout_ms = 0}; }

static void run_all(char* spec, char* end) {
    struct Command c = fresh();
    unsigned number = 0;
    for (char* word = spec; word < end; word += strlen(word) + 1) {
        const char* value;
        if ((value = value_of(word, "arg")) && c.argument_count < kMaxWords) {
            c.arguments[c.argument_count++] = (char*)value;
        } else if ((value = value_of(word, "env")) && c.environment_count < kMaxWords) {
            c.environment[c.environment_count++] = (char*)value;
        } else if ((value = value_of(word, "cwd"))) {
            c.folder = value;
        } else if ((value = value_of(word, "input"))) {
            c.input = value;
        } else if ((value = value_of(word, "user"))) {
            sscanf(value, "%u %u", &c.user, &c.group);
        } else if ((value = value_of(word, "timeout"))) {
            c.timeout_ms = strtoull(value, 0, 10);
        } else if (strcmp(word, "init") == 0 && c.argument_count != 0) {
            hand_over(&c);
        } else if (strcmp(word, "run") == 0 && c.argument_count != 0) {
            run(&c, number++);
            c = fresh();
        }
    }
}

int main(void) {
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, "mode=755");
    mount("proc", "/proc", "proc", 0, "");
    mount("sysfs", "/sys", "sysfs", 0, "");
    open_serial(1);

    const int fd = open("/run.spec", O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) fail("/run.spec");
    char* spec = malloc((size_t)info.st_size + 1);
    if (spec == 0 || read(fd, spec, (size_t)info.st_size) != info.st_size) fail("read /run.spec");
    close(fd);
    char* end = spec + info.st_size;
    *end = 0;
    for (char* word = spec; word < end; word += strlen(word) + 1) {
        const char* value;
        if ((value = value_of(word, "nonce"))) nonce = value;
        if (strcmp(word, "terminal") == 0) terminal = 1;
    }
    for (char* word = spec; word < end; word += strlen(word) + 1) {
        const char* value = value_of(word, "module");
        if (value) load_module(value);
    }
    mount_root();
    set_up_names();
    if (terminal) open_serial(0);
    run_all(spec, end);
    record("\"done\":true,\"uptime_ns\":%llu", (unsigned long long)now_ns());
    leave();
}
