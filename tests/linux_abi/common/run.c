// Runs all programs of a folder one after the other, hands their records on and gives the verdict:
//
//     run FOLDER [EXPECTED [FAMILY...]]
//
// EXPECTED is the table that Linux gave (expected.json): a case that passed there must pass here, and none may be
// missing.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMaxPrograms = 64, kMaxCases = 4096, kMaxGaps = 64, kNameBytes = 80, kProgramLimit = 900 };

static char programs[kMaxPrograms][kNameBytes];
static int program_count;
static char expected[kMaxCases][kNameBytes];
static char gaps[kMaxGaps][kNameBytes];  // known not to be as on Linux yet
static int gap_varies[kMaxGaps];
static int gap_count;
static unsigned char seen[kMaxCases];
static int expected_count;
static int passed, failed, skipped;
static char line[8192];
static size_t line_bytes;
static int ended;
static pid_t running;
static int running_status;

// Also the children that others have left behind.
static void reap(void) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == running) running = 0, running_status = status;
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void sleep_ms(long ms) {
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, 0);
}

static void put(const char* text) {
    size_t left = strlen(text);
    while (left) {
        const ssize_t n = write(1, text, left);
        if (n < 0 && errno != EINTR && errno != EAGAIN) return;
        if (n > 0) text += n, left -= (size_t)n;
    }
}

static void problem(const char* name, const char* detail) {
    char text[300];
    snprintf(text, sizeof text, "\x1e{\"test\":\"%s\",\"result\":\"fail\",\"detail\":\"%s\"}\n", name, detail);
    put(text);
    ++failed;
}

// Lines `"family/case": "pass",`.
static void read_expected(const char* path) {
    FILE* const file = fopen(path, "r");
    if (!file) {
        problem("expected", "no table of expected results");
        return;
    }
    char text[300], name[kNameBytes], result[20];
    while (fgets(text, sizeof text, file)) {
        if (sscanf(text, " \"%79[^\"]\" : \"%19[^\"]\"", name, result) != 2 || !strchr(name, '/')) continue;
        if (strcmp(result, "pass") == 0 && expected_count < kMaxCases) strcpy(expected[expected_count++], name);
    }
    fclose(file);
}

// Index, or -1.
static int find_gap(const char* name) {
    for (int i = 0; i < gap_count; ++i)
        if (strcmp(gaps[i], name) == 0) return i;
    return -1;
}

// Lines `"family/case": "why",` beside the table: what is known not to be as on Linux. It counts as skipped, and as a
// failure once it passes, so that the list stays true; unless the reason begins with "varies: ".
static void read_gaps(const char* table) {
    char path[300], text[300];
    snprintf(path, sizeof path, "%.250s", table);
    char* const slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, "gaps.json");
    FILE* const file = fopen(path, "r");
    if (!file) return;
    while (gap_count < kMaxGaps && fgets(text, sizeof text, file))
        if (sscanf(text, " \"%79[^\"]\"", gaps[gap_count]) == 1 && strchr(gaps[gap_count], '/'))
            gap_varies[gap_count++] = strstr(text, "\": \"varies: ") != 0;
    fclose(file);
}

static void take_line(void) {
    char name[kNameBytes], result[20];
    line[line_bytes] = 0;
    const char* const record = strchr(line, 0x1e);
    if (record && sscanf(record, "\x1e{\"test\":\"%79[^\"]\",\"result\":\"%19[^\"]\"", name, result) == 2) {
        int const gap = find_gap(name);
        if (gap >= 0) {
            for (int i = 0; i < expected_count; ++i)
                if (strcmp(expected[i], name) == 0) seen[i] = 1;
            if (strcmp(result, "fail") == 0) {
                char text[300];
                snprintf(text, sizeof text, "\x1e{\"test\":\"%s\",\"result\":\"skip\",\"detail\":\"%s\"}\n", name,
                         "known not to be as on Linux (gaps.json)");
                put(text);
                ++skipped;
                line_bytes = 0;
                return;
            }
            if (!gap_varies[gap]) problem(name, "passes here: it is no gap any more (gaps.json)");
        }
        if (strcmp(result, "pass") == 0)
            ++passed;
        else if (strcmp(result, "skip") == 0)
            ++skipped;
        else
            ++failed;
        for (int i = 0; i < expected_count; ++i)
            if (strcmp(expected[i], name) == 0) seen[i] = strcmp(result, "skip") == 0 ? 2 : 1;
    } else if (record && strncmp(record, "\x1e{\"family\"", 10) == 0) {
        ended = 1;
    }
    line[line_bytes] = '\n';
    line[line_bytes + 1] = 0;
    put(line);
    line_bytes = 0;
}

static void take(const char* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (bytes[i] == '\n')
            take_line();
        else if (line_bytes < sizeof line - 2)
            line[line_bytes++] = bytes[i];
    }
}

static void run_program(const char* folder, const char* name) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return problem(name, "pipe2 failed");
    const pid_t child = fork();
    if (child < 0) return problem(name, "fork failed");
    if (child == 0) {
        setsid();
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        char* arguments[] = {path, 0};
        execv(path, arguments);
        _exit(127);
    }
    close(ends[1]);
    running = child;
    ended = 0;
    line_bytes = 0;
    const int64_t end = now_ns() + kProgramLimit * INT64_C(1000000000);
    while (!ended && now_ns() < end) {
        struct pollfd wait = {ends[0], POLLIN, 0};
        reap();
        if (poll(&wait, 1, 1000) <= 0) continue;
        char bytes[4096];
        const ssize_t n = read(ends[0], bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        take(bytes, (size_t)n);
    }
    if (line_bytes) take_line();
    close(ends[0]);
    for (int i = 0; i < 500 && running; ++i) {
        reap();
        sleep_ms(running ? 10 : 0);
    }
    char text[80];
    snprintf(text, sizeof text, "ended %s its last record, status 0x%x", ended ? "after" : "before",
             running ? -1 : running_status);
    if (!ended || running || running_status != 0) problem(name, text);
    kill(-child, SIGKILL);
    if (running) kill(child, SIGKILL);
    reap();
}

static int by_name(const void* a, const void* b) { return strcmp(a, b); }

static int selected(const char* name, char** names) {
    if (!*names) return 1;
    for (; *names; ++names)
        if (strcmp(*names, name) == 0) return 1;
    return 0;
}

int main(int count, char** arguments) {
    if (count < 2) return 2;
    setvbuf(stdout, 0, _IONBF, 0);
    char** const families = count > 3 ? arguments + 3 : arguments + count;
    if (count > 2 && strcmp(arguments[2], "-") != 0) read_expected(arguments[2]);
    if (count > 2) read_gaps(arguments[2]);
    DIR* const folder = opendir(arguments[1]);
    if (!folder) problem("programs", "the folder cannot be opened");
    const struct dirent* entry;
    while (folder && (entry = readdir(folder)) != 0)
        if (entry->d_name[0] != '.' && selected(entry->d_name, families) && program_count < kMaxPrograms)
            snprintf(programs[program_count++], kNameBytes, "%.79s", entry->d_name);
    if (folder) closedir(folder);
    qsort(programs, (size_t)program_count, kNameBytes, by_name);
    for (int i = 0; i < program_count; ++i) run_program(arguments[1], programs[i]);
    for (int i = 0; i < expected_count; ++i) {
        char name[kNameBytes];
        strcpy(name, expected[i]);
        *strchr(name, '/') = 0;
        if (seen[i] == 0 && selected(name, families)) problem(expected[i], "passes on Linux, is missing here");
        if (seen[i] == 2) problem(expected[i], "passes on Linux, is skipped here");
    }
    char text[200];
    snprintf(text, sizeof text, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":%d}\n",
             failed || !passed ? "fail" : "pass", passed, failed, skipped);
    put(text);
    return failed || !passed;
}
