// Files of /proc and /sys that programs read.
#include "abi.h"

#include <pthread.h>
#include <sched.h>

static int has(const char* path, const char* text) { return strstr(read_file(path), text) != 0; }

static const char* link_of(const char* path) {
    static char text[300];
    const ssize_t n = readlink(path, text, sizeof text - 1);
    if (n < 0) FAIL("readlink %s: errno %d", path, errno);
    text[n] = 0;
    return text;
}

CASE(self_is_the_process) {
    EQ(atoi(link_of("/proc/self")), getpid());
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/stat", getpid());
    EQ(atoi(read_file(path)), getpid());
    snprintf(path, sizeof path, "%d/task/%d", getpid(), getpid());
    EQ(strcmp(link_of("/proc/thread-self"), path), 0);
}

CASE(exe_cwd_root) {
    CHECK(link_of("/proc/self/exe")[0] == '/');
    abi_folder();
    char here[300];
    CHECK(getcwd(here, sizeof here) != 0);
    EQ(strcmp(link_of("/proc/self/cwd"), here), 0);
    EQ(strcmp(link_of("/proc/self/root"), "/"), 0);
}

CASE(descriptors) {
    abi_folder();
    write_file("a", "text");
    const int fd = (int)OK(open("a", O_RDONLY));
    char path[60], here[300];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK(getcwd(here, sizeof here) != 0);
    strcat(here, "/a");
    EQ(strcmp(link_of(path), here), 0);
    EQ(strcmp(read_file(path), "text"), 0);
    OK(unlink("a"));
    CHECK(strstr(link_of(path), " (deleted)") != 0);
    int ends[2];
    OK(pipe(ends));
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    EQ(strncmp(link_of(path), "pipe:[", 6), 0);
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    CHECK(has(path, "pos:\t0\n") && has(path, "flags:\t"));
    ERR(readlink("/proc/self/fd/777", path, sizeof path), ENOENT);
}

CASE(stat_line) {
    const char* const text = read_file("/proc/self/stat");
    int pid, parent, group, session;
    char name[40], state;
    EQ(sscanf(text, "%d (%39[^)]) %c %d %d %d", &pid, name, &state, &parent, &group, &session), 6);
    EQ(pid, getpid());
    EQ(strcmp(name, "proc"), 0);
    EQ(state, 'R');
    EQ(parent, getppid());
    EQ(group, getpgrp());
    EQ(session, getsid(0));
    int fields = 1;
    for (const char* at = strrchr(text, ')'); *at; ++at) fields += *at == ' ';
    EQ(fields, 51);
}

CASE(status) {
    char text[60];
    snprintf(text, sizeof text, "\nPid:\t%d\n", getpid());
    CHECK(has("/proc/self/status", text));
    snprintf(text, sizeof text, "\nPPid:\t%d\n", getppid());
    CHECK(has("/proc/self/status", text));
    CHECK(has("/proc/self/status", "Name:\tproc\n"));
    CHECK(has("/proc/self/status", "\nUid:\t0\t0\t0\t0\n"));
    CHECK(has("/proc/self/status", "\nVmRSS:") && has("/proc/self/status", "\nSigBlk:") &&
          has("/proc/self/status", "\nThreads:\t1\n"));
}

CASE(command_line_and_environment) {
    const char* const text = read_file("/proc/self/cmdline");
    CHECK(strstr(text, "proc") != 0);
    const pid_t child = must_fork();
    if (child == 0) {
        char* arguments[] = {"x", "--cmdline", "two", 0};
        char* environment[] = {"KEY=value", 0};
        execve(abi_self, arguments, environment);
        _exit(98);
    }
    must_exit(child, 0);
}

HELPER(cmdline) {
    const char* text = read_file("/proc/self/cmdline");
    if (memcmp(text, "x\0--cmdline\0two\0", 16) != 0) return 1;
    text = read_file("/proc/self/environ");
    return memcmp(text, "KEY=value\0", 10) != 0 ? 2 : 0;
}

CASE(maps_lines) {
    const char* text = read_file("/proc/self/maps");
    unsigned long last = 0;
    int lines = 0;
    while (*text) {
        unsigned long from, to, offset, inode;
        unsigned major, minor;
        char flags[5];
        EQ(sscanf(text, "%lx-%lx %4s %lx %x:%x %lu", &from, &to, flags, &offset, &major, &minor, &inode), 7);
        CHECK(from >= last && to > from && from % kPage == 0 && to % kPage == 0);
        last = to;
        ++lines;
        text = strchr(text, '\n');
        CHECK(text != 0);
        ++text;
    }
    CHECK(lines >= 5);
    CHECK(has("/proc/self/maps", "[vdso]") && has("/proc/self/maps", "r-xp"));
}

static volatile int stop;
static void* waits(void* unused) {
    while (!stop) sleep_ms(1);
    return unused;
}

CASE(threads_of_a_process) {
    pthread_t thread;
    EQ(pthread_create(&thread, 0, waits, 0), 0);
    CHECK(has("/proc/self/status", "\nThreads:\t2\n"));
    stop = 1;
    EQ(pthread_join(thread, 0), 0);
}

// Of the mapping that begins at `page`: a line of /proc/self/smaps.
static long smaps_line(const void* page, const char* line) {
    char start[40], name[40];
    snprintf(start, sizeof start, "%08lx-", (unsigned long)page);
    snprintf(name, sizeof name, "\n%s:", line);
    const char* text = strstr(read_file("/proc/self/smaps"), start);
    text = text ? strstr(text, name) : 0;
    long found = -1;
    CHECK(text && sscanf(text + strlen(name), "%ld kB", &found) == 1);
    return found;
}

CASE(pages_that_a_fork_shares) {
    char* const pages = (char*)mmap(0, 5 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    char* const page = pages + 4096;
    OK(mprotect(page, 3 * 4096, PROT_READ | PROT_WRITE));
    page[0] = page[4096] = 1;
    EQ(smaps_line(page, "Rss"), 8);
    EQ(smaps_line(page, "Private_Dirty"), 8);
    EQ(smaps_line(page, "Shared_Dirty"), 0);
    const pid_t child = must_fork();
    if (child == 0) {
        page[0] = 2;
        EQ(smaps_line(page, "Private_Dirty"), 4);
        EQ(smaps_line(page, "Shared_Dirty"), 4);
        _exit(0);
    }
    must_exit(child, 0);
    EQ(smaps_line(page, "Private_Dirty"), 8);
    EQ(smaps_line(page, "Shared_Dirty"), 0);
}

CASE(system_files) {
    long total = 0, available = 0;
    const char* text = read_file("/proc/meminfo");
    EQ(sscanf(text, "MemTotal: %ld kB", &total), 1);
    text = strstr(text, "MemAvailable:");
    CHECK(text && sscanf(text, "MemAvailable: %ld kB", &available) == 1);
    CHECK(total > 0 && available <= total);
    double up, idle;
    EQ(sscanf(read_file("/proc/uptime"), "%lf %lf", &up, &idle), 2);
    CHECK(up > 0);
    double load[3];
    EQ(sscanf(read_file("/proc/loadavg"), "%lf %lf %lf", &load[0], &load[1], &load[2]), 3);
    const char* const pages = read_file("/proc/vmstat");
    EQ(strncmp(pages, "nr_free_pages ", 14), 0);
    CHECK(strstr(pages, "\npgpgin ") && strstr(pages, "\npswpout "));
    EQ(strncmp(read_file("/proc/stat"), "cpu ", 4), 0);
    CHECK(has("/proc/stat", "\ncpu0 ") && has("/proc/stat", "\nbtime "));
    EQ(strncmp(read_file("/proc/version"), "Linux version ", 14), 0);
    CHECK(has("/proc/filesystems", "tmpfs") && has("/proc/filesystems", "proc"));
    CHECK(has("/proc/mounts", " /proc proc ") && has("/proc/self/mountinfo", " / / "));
#if defined __aarch64__
    CHECK(has("/proc/cpuinfo", "CPU implementer") && has("/proc/cpuinfo", "processor\t: 0"));
#endif
}

CASE(settings) {
    CHECK(atoi(read_file("/proc/sys/vm/overcommit_memory")) >= 0);
    EQ(strcmp(read_file("/proc/sys/kernel/ostype"), "Linux\n"), 0);
    CHECK(atoi(read_file("/proc/sys/kernel/pid_max")) >= 1000);
    CHECK(strlen(read_file("/proc/sys/kernel/osrelease")) > 3);
    CHECK(strlen(read_file("/proc/sys/kernel/random/boot_id")) == 37);
}

CASE(processors) {
    CHECK(strncmp(read_file("/sys/devices/system/cpu/online"), "0", 1) == 0);
    CHECK(strncmp(read_file("/sys/devices/system/cpu/possible"), "0", 1) == 0);
    EQ(atoi(read_file("/sys/devices/system/cpu/cpu0/topology/core_id")), 0);
    ERR(open("/sys/devices/system/cpu/cpu999", O_RDONLY), ENOENT);
}

CASE(errors) {
    ERR(open("/proc/999999", O_RDONLY), ENOENT);
    ERR(open("/proc/none", O_RDONLY), ENOENT);
    ERR(open("/proc/none", O_WRONLY | O_CREAT, 0600), ENOENT);
    ERR(mkdir("/proc/x", 0755), ENOENT);
    ERR(unlink("/proc/version"), EPERM);
    ERR(open("/proc/version", O_RDONLY | O_DIRECTORY), ENOTDIR);
    const pid_t child = must_fork();
    if (child == 0) {
        OK(setuid(1000));
        OK(access("/proc/1/stat", R_OK));
        char text[50];
        ERR(readlink("/proc/1/exe", text, sizeof text), EACCES);
        _exit(0);
    }
    must_exit(child, 0);
}

CASE(gone_while_open) {
    const pid_t child = must_fork();
    if (child == 0)
        for (;;) pause();
    char path[40], text[100];
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    const int fd = (int)OK(open(path, O_RDONLY));
    OK(kill(child, SIGKILL));
    must_die(child, SIGKILL);
    ERR(read(fd, text, sizeof text), ESRCH);
    ERR(open(path, O_RDONLY), ENOENT);
}
