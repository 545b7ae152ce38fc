// What libkos's other parts and root would answer. Not thread-safe except where the threads test needs it.
#include "fake.h"

#include <kos/app.h>
#include <kos/log.h>
#include <kos/mem.h>
#include <kos/time.h>

#include <kos/roottask/console.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

extern "C" char kos_tls_start[], kos_tls_file_end[], kos_tls_bytes_total[];

namespace {

struct Block {
    kos_startup_t header;
    kos_startup_text_t environment[2];
    char texts[32];
};
Block block;

alignas(4096) unsigned char memory[2 << 20];
size_t memory_used;

}  // namespace

namespace kos::runtime {
const kos_startup_t* startup;
}

namespace libc_test {

Log log;
size_t mapped_bytes;

kos_startup_t& startup() {
    if (!kos::runtime::startup) {
        kos_startup_t& header = block.header;
        header.magic = KOS_STARTUP_MAGIC;
        header.cores = 1;
        header.threads_max = 1;
        asm("mrs %0, cntfrq_el0" : "=r"(header.counter_hz));
        header.tls_image = reinterpret_cast<uint64_t>(kos_tls_start);
        header.tls_file_bytes = static_cast<uint64_t>(kos_tls_file_end - kos_tls_start);
        header.tls_memory_bytes = reinterpret_cast<uint64_t>(kos_tls_bytes_total);
        header.tls_align = 64;
        header.environment = {offsetof(Block, environment), 2};
        block.environment[0] = {offsetof(Block, texts), 6};
        block.environment[1] = {offsetof(Block, texts) + 8, 9};
        __builtin_memcpy(block.texts, "A=1\0\0\0\0\0NAME=text", 17);
        kos::runtime::startup = &header;
    }
    return block.header;
}

}  // namespace libc_test

const kos_startup_t* kos_app_startup(void) { return &libc_test::startup(); }

kos_status_t kos_log(kos_log_level level, const char* format, ...) {
    libc_test::Log& log = libc_test::log;
    va_list arguments;
    va_start(arguments, format);
    unsigned const line = log.count % libc_test::kLogLines;
    vsnprintf(log.lines[line], sizeof log.lines[line], format, arguments);
    va_end(arguments);
    log.levels[line] = level;
    ++log.count;
    return KOS_STATUS_OK;
}

// Never gives an address twice; enough for one run.
kos_status_t kos_mem_map(size_t size_bytes, uint32_t, void** address) {
    if (size_bytes > sizeof memory - memory_used) return KOS_STATUS_NOT_ENOUGH_MEMORY;
    *address = memory + memory_used;
    memory_used += size_bytes;
    libc_test::mapped_bytes += size_bytes;
    return KOS_STATUS_OK;
}

kos_status_t kos_mem_unmap(void*, size_t size_bytes) {
    libc_test::mapped_bytes -= size_bytes;
    return KOS_STATUS_OK;
}

uint64_t kos_time_hz(void) { return libc_test::startup().counter_hz; }
uint64_t kos_time_us_to_ticks(uint64_t us) { return us * kos_time_hz() / 1000000; }
kos_status_t kos_delay(uint64_t microseconds) {
    uint64_t const end = kos_time_ticks() + kos_time_us_to_ticks(microseconds);
    while (kos_time_ticks() < end) {
    }
    return KOS_STATUS_OK;
}
kos_status_t kos_time_wall_ns(uint64_t* ns) {
    *ns = 1700000000ull * 1000000000ull + 5;
    return KOS_STATUS_OK;
}

void kos_stop(const char* reason) {
    kos::roottask::print("kos_stop: {}\n", reason);
    __builtin_trap();
}
void kos_assert_failed(const char* what, const char*, int) { kos_stop(what); }
void kos_app_exit(int) { kos_stop("exit"); }
