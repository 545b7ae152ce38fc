// Clocks and sleeping (time.h, sys/time.h, unistd.h) over kos/time.h. The time zone is UTC.
#include <kos/time.h>

#include <errno.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr uint64_t kNano = 1000000000;
constexpr uint64_t kMicro = 1000000;

timespec split(uint64_t ns) { return {static_cast<time_t>(ns / kNano), static_cast<long>(ns % kNano)}; }

uint64_t monotonic_ns() {
    uint64_t const ticks = kos_time_ticks();
    uint64_t const hz = kos_time_hz();
    return ticks / hz * kNano + ticks % hz * kNano / hz;
}

int fail(int error) {
    errno = error;
    return -1;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock_id, timespec* result) {
    switch (clock_id) {
        case CLOCK_MONOTONIC:
        case CLOCK_MONOTONIC_RAW:
        case CLOCK_MONOTONIC_COARSE:
        case CLOCK_BOOTTIME: *result = split(monotonic_ns()); return 0;
        case CLOCK_REALTIME:
        case CLOCK_REALTIME_COARSE: {
            uint64_t ns = 0;
            // Nobody has set the clock, or the manifest does not let this domain ask.
            kos_status_t const status = kos_time_wall_ns(&ns);
            if (!kos_status_is_ok(status)) return fail(status == KOS_STATUS_UNAUTHORIZED ? EPERM : EAGAIN);
            *result = split(ns);
            return 0;
        }
        default: return fail(EINVAL);
    }
}

int clock_getres(clockid_t clock_id, timespec* result) {
    if (clock_id < CLOCK_REALTIME || clock_id > CLOCK_BOOTTIME) return fail(EINVAL);
    uint64_t const ns = kNano / kos_time_hz();
    if (result) *result = split(ns ? ns : 1);
    return 0;
}

time_t time(time_t* result) {
    timespec now{};
    time_t const seconds = clock_gettime(CLOCK_REALTIME, &now) == 0 ? now.tv_sec : -1;
    if (result) *result = seconds;
    return seconds;
}

int gettimeofday(timeval* __restrict result, void* __restrict) {
    timespec now{};
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    *result = {now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

int timespec_get(timespec* result, int base) {
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, result) == 0 ? base : 0;
}

// How much processor time a domain has used is known to the kernel only; C lets clock() say so.
clock_t clock(void) { return -1; }

// Sleeping is not interrupted: `left` is always zero.
int nanosleep(const timespec* wanted, timespec* left) {
    if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || wanted->tv_nsec >= static_cast<long>(kNano)) return fail(EINVAL);
    // At least as long as asked for, at most what the counter can hold.
    uint64_t const seconds =
        static_cast<uint64_t>(wanted->tv_sec) > kNano ? kNano : static_cast<uint64_t>(wanted->tv_sec);
    uint64_t const us = seconds * kMicro + (static_cast<uint64_t>(wanted->tv_nsec) + 999) / 1000;
    kos_status_t const status = kos_delay(us);
    if (!kos_status_is_ok(status)) return fail(status == KOS_STATUS_UNAUTHORIZED ? EPERM : EINTR);
    if (left) *left = {0, 0};
    return 0;
}

int usleep(unsigned us) {
    timespec const wanted{static_cast<time_t>(us / kMicro), static_cast<long>(us % kMicro * 1000)};
    return nanosleep(&wanted, nullptr);
}

unsigned sleep(unsigned seconds) {
    timespec const wanted{static_cast<time_t>(seconds), 0};
    return nanosleep(&wanted, nullptr) == 0 ? 0 : seconds;
}

// --- The time zone, for musl's calendar functions: the names that its own zone code has.

extern const char __utc[] = "UTC";
char* tzname[2] = {const_cast<char*>(__utc), const_cast<char*>(__utc)};
long timezone = 0;
int daylight = 0;
void tzset(void) {}

void __secs_to_zone(long long, int, int* is_summer, long* offset, long* other_offset, const char** name) {
    *is_summer = 0;
    *offset = 0;
    if (other_offset) *other_offset = 0;
    *name = __utc;
}

const char* __tm_to_tzname(const void* broken_down) {
    const auto* const when = static_cast<const tm*>(broken_down);
    return when->tm_zone ? when->tm_zone : __utc;
}

}  // extern "C"
