// Calls of each header's functions, so that a wrong offset, a missing object or a wrong rename shows.
#include "fake.h"

#include <kos/log.h>

#include <ctype.h>
#include <errno.h>
#include <fenv.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <math.h>
#include <regex.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

namespace libc_test {

namespace {

thread_local int counted = 42;
thread_local unsigned char zeroed[100];
alignas(64) thread_local int aligned = 7;

jmp_buf jump_target;
[[gnu::noinline]] void jump() { longjmp(jump_target, 3); }

int compare_ints(const void* a, const void* b) { return *static_cast<const int*>(a) - *static_cast<const int*>(b); }

}  // namespace

void check_functions(Checks& checks) {
    char text[128];
    CHECK(snprintf(text, sizeof text, "%d %5.2f %s %#x %Lf", -7, 3.14159, "abc", 255u, 1.5L) == 26);
    CHECK(!strcmp(text, "-7  3.14 abc 0xff 1.500000"));
    int number = 0;
    double real = 0;
    CHECK(sscanf("17 2.5 word", "%d %lf %9s", &number, &real, text) == 3 && number == 17 && real == 2.5 &&
          !strcmp(text, "word"));
    errno = 0;
    char* end = nullptr;
    CHECK(strtol("99999999999999999999", &end, 10) == LONG_MAX && errno == ERANGE);
    CHECK(strtod("0x1.8p1", &end) == 3.0);
    int numbers[] = {5, 3, 9, -1, 4};
    qsort(numbers, 5, sizeof numbers[0], compare_ints);
    CHECK(numbers[0] == -1 && numbers[4] == 9);
    int const key = 4;
    CHECK(bsearch(&key, numbers, 5, sizeof numbers[0], compare_ints) == &numbers[2]);
    volatile double const two = 2;
    CHECK(fabs(sin(two) - 0.9092974268256817) < 1e-15 && fabs(pow(two, 0.5) - sqrt(two)) < 1e-15);
    CHECK(fabsf(expf(1.0f) - 2.7182818f) < 1e-6f && fabs(lgamma(10.0) - 12.801827480081469) < 1e-12);
    CHECK(fegetround() == FE_TONEAREST);
    CHECK(isalpha('a') && !isalpha('1') && toupper('q') == 'Q' && iswalpha(L'z') && towupper(0xe4) == 0xc4);
    // These read the locale below the thread pointer.
    CHECK(MB_CUR_MAX == 1 && !strcmp(nl_langinfo(CODESET), "ASCII") && !strcmp(localeconv()->decimal_point, "."));
    wchar_t wide = 0;
    CHECK(mbtowc(&wide, "A", 1) == 1 && wide == L'A' && wctob(L'B') == 'B' && strcoll("a", "b") < 0);
    CHECK(!strcmp(strerror(ENOMEM), "Out of memory") && !strcmp(strerror(0), "No error information"));
    time_t const when = 1700000000;
    tm broken_down{};
    CHECK(gmtime_r(&when, &broken_down) && broken_down.tm_year == 123 && broken_down.tm_mon == 10);
    CHECK(strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &broken_down) == 23 &&
          !strcmp(text, "2023-11-14 22:13:20 UTC"));
    CHECK(timegm(&broken_down) == when && mktime(localtime(&when)) == when && time(nullptr) == when);
    timespec before{}, after{};
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0 && usleep(1000) == 0 &&
          clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000l + after.tv_nsec - before.tv_nsec >= 1000000);
    errno = 0;
    CHECK(clock_gettime(77, &after) == -1 && errno == EINVAL);
    CHECK(getenv("A") && !strcmp(getenv("A"), "1") && !strcmp(getenv("NAME"), "text") && !getenv("B") && !getenv(""));
    srand(1);
    int const first = rand();
    srand(1);
    CHECK(rand() == first && random() >= 0);
    regex_t expression;
    CHECK(regcomp(&expression, "^a+b$", REG_EXTENDED) == 0 && regexec(&expression, "aaab", 0, nullptr, 0) == 0 &&
          regexec(&expression, "abb", 0, nullptr, 0) == REG_NOMATCH);
    regfree(&expression);
    CHECK(fnmatch("*.c", "main.c", 0) == 0 && fnmatch("*.c", "main.h", 0) == FNM_NOMATCH);
    char list[] = "a,b";
    char* rest = nullptr;
    CHECK(!strcmp(strtok_r(list, ",", &rest), "a") && !strcmp(strtok_r(nullptr, ",", &rest), "b"));
    if (int const value = setjmp(jump_target)) {
        CHECK(value == 3);
    } else {
        jump();
    }
}

void check_heap(Checks& checks) {
    size_t const before = mapped_bytes;
    char* const copy = strdup("a copy");
    CHECK(copy && !strcmp(copy, "a copy"));
    free(copy);
    void* blocks[100];
    for (unsigned i = 0; i < 100; ++i) {
        blocks[i] = malloc(i * 37);
        memset(blocks[i], static_cast<int>(i), i * 37);
    }
    for (unsigned i = 0; i < 100; ++i) blocks[i] = realloc(blocks[i], i * 61 + 1);
    bool is_intact = true;
    for (unsigned i = 1; i < 100; ++i) is_intact &= static_cast<unsigned char*>(blocks[i])[i * 37 - 1] == i;
    CHECK(is_intact);
    for (void* block : blocks) free(block);
    void* const large = calloc(1000, 200);
    CHECK(large && malloc_usable_size(large) >= 200000);
    free(large);
    CHECK(mapped_bytes <= before + 65536);
    errno = 0;
    volatile size_t const too_much = SIZE_MAX / 2;
    CHECK(calloc(too_much, 4) == nullptr && errno == ENOMEM);
    void* aligned_block = nullptr;
    CHECK(posix_memalign(&aligned_block, 4096, 100) == 0 && reinterpret_cast<uintptr_t>(aligned_block) % 4096 == 0);
    free(aligned_block);
    int* const object = new int(5);
    CHECK(*object == 5);
    delete object;
}

void check_output(Checks& checks) {
    log.count = 0;
    printf("one %d", 1);
    CHECK(log.count == 0);
    printf(" line\nand");
    CHECK(log.count == 1 && !strcmp(log.lines[0], "one 1 line") && log.levels[0] == KOS_LOG_INFO);
    fflush(stdout);
    CHECK(log.count == 2 && !strcmp(log.lines[1], "and"));
    puts("puts");
    fputs("err\n", stderr);
    fputc('c', stdout);
    putchar('\n');
    CHECK(log.count == 5 && !strcmp(log.lines[2], "puts") && !strcmp(log.lines[3], "err") &&
          !strcmp(log.lines[4], "c"));
    CHECK(log.levels[3] == KOS_LOG_WARNING);
    log.count = 0;
    printf("%0500d\n", 1);  // longer than a line of the log and than the stack buffer
    CHECK(log.count == 3 && strlen(log.lines[0]) == 240 && strlen(log.lines[2]) == 20 && log.lines[2][19] == '1');
    errno = ENOENT;
    perror("open");
    CHECK(!strcmp(log.lines[3], "open: No such file or directory"));
    CHECK(fwrite("abc\n", 1, 4, stdout) == 4 && !ferror(stdout));
}

void check_thread_local(Checks& checks) {
    CHECK(counted == 42 && aligned == 7 && reinterpret_cast<uintptr_t>(&aligned) % 64 == 0);
    bool is_zero = true;
    for (unsigned char byte : zeroed) is_zero &= byte == 0;
    CHECK(is_zero && errno == 0);
    counted = 1;
    zeroed[99] = 1;
    errno = 5;
}

}  // namespace libc_test
