// What a domain has of its own: parameters, memory, threads, devices, log.
#include "tester.h"

#include "../../common/faults.h"

#include <kos/app.h>
#include <kos/dev.h>
#include <kos/dir.h>
#include <kos/log.h>
#include <kos/mem.h>
#include <kos/root.h>
#include <kos/server.h>
#include <kos/thread.h>

#include <stdlib.h>

void test_domain(void) {
    const kos_startup_t* const startup = kos_app_startup();
    const char* const text = kos_app_parameter("text");
    check("parameter", text && !strcmp(text, "hello"), 0);
    check("no such parameter", !kos_app_parameter("nothing") && !kos_app_parameter(""), 0);
    check("decimal number", kos_app_parameter_number("decimal", 0) == 42, 0);
    check("hexadecimal number", kos_app_parameter_number("hexadecimal", 0) == 42, 0);
    check("default", kos_app_parameter_number("nothing", 9) == 9, 0);
    check("name", !strcmp(startup->name, "tester"), 0);
    check("first instance", startup->instance == 1, startup->instance);
    const char* const zone = getenv("TZ");
    check("environment", zone && !strcmp(zone, "UTC"), 0);
    check_status("log", kos_log_info("one line with a number: %d", 42), KOS_STATUS_OK);
    check_status("log of what is too long", kos_log_info("%0300d", 1), KOS_STATUS_OK);
    uint64_t words[2] = {0, 0}, instance = 0;
    ask(peer, kPeerState, 0, words, &instance);
    check("persistent memory survives restarts", words[0] == instance, (int64_t)words[0]);
    uint64_t const before = words[0];
    tell(peer, kPeerWrong, kFaultNullWrite);
    ask(peer, kPeerState, 0, words, &instance);
    check("each of them", words[0] == before + 1, (int64_t)words[0]);
    uint64_t root_words[4] = {1, 0, 0, 0};
    check_status("no right to control", kos_root_request(KOS_ROOT_DOMAIN_KILL, root_words), KOS_STATUS_UNAUTHORIZED);
    check_status("nor to look", kos_root_request(KOS_ROOT_ACCOUNTS, root_words), KOS_STATUS_UNAUTHORIZED);
    check_status("nor entropy", kos_root_request(KOS_ROOT_ENTROPY, root_words), KOS_STATUS_UNAUTHORIZED);
    check_status("unknown request", kos_root_request((enum kos_root_label)31, root_words), KOS_STATUS_BAD_REQUEST);
}

static int is_zero(const unsigned char* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (bytes[i]) return 0;
    }
    return 1;
}

static void test_map_arguments(void) {
    void* address = 0;
    check_status("no bytes", kos_mem_map(0, 3, &address), KOS_STATUS_INVALID_ARGUMENT);
    check_status("no rights", kos_mem_map(4096, 0, &address), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unknown rights", kos_mem_map(4096, 9, &address), KOS_STATUS_INVALID_ARGUMENT);
    check_status("writable and executable", kos_mem_map(4096, 7, &address), KOS_STATUS_INVALID_ARGUMENT);
    check_status("only writable", kos_mem_map(4096, 2, &address), KOS_STATUS_INVALID_ARGUMENT);
    static const size_t kLarge[] = {1 << 20, (size_t)1 << 40, ~(size_t)0, ~(size_t)0 - 4095};
    for (unsigned i = 0; i < 4; ++i) {
        check_status("too much", kos_mem_map(kLarge[i], 3, &address), KOS_STATUS_NOT_ENOUGH_MEMORY);
    }
    check_status("one page", kos_mem_map(1, 3, &address), KOS_STATUS_OK);
    unsigned char* const page = address;
    check_status("unmap: not aligned", kos_mem_unmap(page + 1, 1), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unmap: no bytes", kos_mem_unmap(page, 0), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unmap: all bytes", kos_mem_unmap(page, ~(size_t)0), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unmap: too long", kos_mem_unmap(page, 8192), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unmap: not mapped", kos_mem_unmap(page + 65536, 4096), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unmap: program", kos_mem_unmap((void*)(uintptr_t)0x400000, 4096), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unmap", kos_mem_unmap(page, 1), KOS_STATUS_OK);
    check_status("unmap twice", kos_mem_unmap(page, 1), KOS_STATUS_INVALID_ARGUMENT);
    check_status("two pages", kos_mem_map(8192, 3, &address), KOS_STATUS_OK);
    check_status("unmap one of two", kos_mem_unmap(address, 4096), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unmap both", kos_mem_unmap(address, 8192), KOS_STATUS_OK);
}

void test_memory(void) {
    test_map_arguments();
    kos_mem_status_t before, now;
    check_status("status", kos_mem_status(&before), KOS_STATUS_OK);
    check("quota as in the manifest", before.quota_bytes == 1 << 20, (int64_t)before.quota_bytes);
    enum { kBytes = 3 * 4096, kMost = 128 };
    static void* mapped[kMost];
    unsigned count = 0, first_count = 0;
    // Twice: the second time everything comes back, and as zeros.
    for (unsigned round = 0; round < 2; ++round) {
        int all_zero = 1;
        for (count = 0; count < kMost && kos_mem_map(kBytes, 3, &mapped[count]) == KOS_STATUS_OK; ++count) {
            all_zero = all_zero && is_zero(mapped[count], kBytes);
            memset(mapped[count], 0xee, kBytes);
        }
        check("until the quota is used up", count > 10 && count < kMost, count);
        check("all of it zeros", all_zero, round);
        kos_mem_status(&now);
        check("and it is in the account", now.used_bytes <= now.quota_bytes, (int64_t)now.used_bytes);
        for (unsigned i = 0; i < count; ++i) {
            if (kos_mem_unmap(mapped[i], kBytes) != KOS_STATUS_OK) check("unmap all", 0, i);
        }
        if (round == 0) first_count = count;
    }
    check("the same again", count == first_count, count);
    kos_mem_status(&now);
    // Page tables stay.
    check("what was unmapped is free", now.used_bytes - before.used_bytes <= 4 * 4096, (int64_t)now.used_bytes);
}

// --- Threads

static volatile uint64_t counter;
static void count_once(void* param) { counter += (uint64_t)(uintptr_t)param; }
static void count_for_ever(void* nothing) {
    (void)nothing;
    for (;;) {
        ++counter;
        kos_thread_yield();
    }
}
static void go_wrong_thread(void* kind) {
    ++counter;
    go_wrong((uint64_t)(uintptr_t)kind);
}

static void test_life(void) {
    kos_thread_t* thread = 0;
    for (unsigned i = 0; i < 20; ++i) {
        counter = 0;
        kos_status_t const made = kos_thread_create(count_once, (void*)3, 0, &thread);
        if (made != KOS_STATUS_CREATED || kos_thread_start(thread) != KOS_STATUS_OK ||
            kos_thread_join(thread) != KOS_STATUS_OK || counter != 3) {
            check("threads come and go", 0, i);
            return;
        }
    }
    check("threads come and go", 1, 20);
    kos_thread_t* many[4];
    unsigned made = 0;
    while (made < 4 && kos_thread_create(count_for_ever, 0, 0, &many[made]) == KOS_STATUS_CREATED) ++made;
    check("as many as the manifest says", made == 3, made);
    for (unsigned i = 0; i < made; ++i) kos_thread_start(many[i]);
    pause_us(30000);
    check("they run", counter > 3, (int64_t)counter);
    for (unsigned i = 0; i < made; ++i) check_status("stop", kos_thread_stop(many[i]), KOS_STATUS_OK);
    uint64_t const stopped_at = counter;
    pause_us(30000);
    check("and stand still", counter == stopped_at, (int64_t)(counter - stopped_at));
    check_status("stop twice", kos_thread_stop(many[0]), KOS_STATUS_NOT_FOUND);
    kos_status_t const late = kos_thread_create(count_for_ever, 0, 0, &thread);
    check_status("another", late, KOS_STATUS_CREATED);
    kos_thread_start(thread);
    check_status("join with a deadline", kos_thread_join_until(thread, kos_time_after_us(20000)), KOS_STATUS_TIMEOUT);
    kos_thread_stop(thread);
    static const uint64_t kWrong[][2] = {{0, 0}, {77, 0}, {~0ull, 0}};
    for (unsigned i = 0; i < 3; ++i) {
        uint64_t words[4] = {kWrong[i][0], 0, 0, 0};
        kos_status_t const status = kos_root_request(KOS_ROOT_THREAD_START, words);
        check_status("no such thread", status, KOS_STATUS_NOT_FOUND);
    }
}

static void test_faults(void) {
    uint64_t words[4] = {1, 0, 0, 0};
    check_status("look after faults", kos_root_request(KOS_ROOT_FAULT_HANDLER, words), KOS_STATUS_OK);
    static const struct {
        uint64_t kind, reason;
    } kFaults[] = {{kFaultNullWrite, KOS_EXIT_FAULT_MEMORY},
                   {kFaultStack, KOS_EXIT_FAULT_MEMORY},
                   {kFaultInstruction, KOS_EXIT_FAULT_INSTRUCTION}};
    for (unsigned i = 0; i < 3; ++i) {
        counter = 0;
        kos_thread_t* thread = 0;
        kos_thread_create(go_wrong_thread, (void*)(uintptr_t)kFaults[i].kind, 0, &thread);
        kos_thread_start(thread);
        kos_status_t status = KOS_STATUS_EMPTY;
        for (unsigned tries = 0; tries < 200 && status == KOS_STATUS_EMPTY; ++tries) {
            pause_us(1000);
            memset(words, 0, sizeof words);
            status = kos_root_request(KOS_ROOT_FAULT_NEXT, words);
        }
        check("a thread's fault", status == KOS_STATUS_OK && words[0] == kos_thread_number(thread), (int64_t)words[0]);
        check("of this kind", words[1] == kFaults[i].reason, (int64_t)words[1]);
        check_status("no other", kos_root_request(KOS_ROOT_FAULT_NEXT, words), KOS_STATUS_EMPTY);
        check_status("it begins again", kos_thread_restart(thread), KOS_STATUS_OK);
        for (unsigned tries = 0; tries < 200 && counter < 2; ++tries) pause_us(1000);
        check("from its entry", counter == 2, (int64_t)counter);
        pause_us(20000);
        check_status("it can be stopped", kos_thread_stop(thread), KOS_STATUS_OK);
    }
    uint64_t off[4] = {0, 0, 0, 0};
    kos_root_request(KOS_ROOT_FAULT_HANDLER, off);
}

void test_threads(void) {
    test_life();
    test_faults();
}

void test_devices(void) {
    kos_device_t device;
    kos_interrupt_t interrupt;
    kos_dma_t dma;
    check_status("device", kos_dev_find("clock", &device), KOS_STATUS_OK);
    check("its registers", device.physical == 0x09010000 && device.size_bytes == 0x1000, (int64_t)device.physical);
    // PL031 (ARM DDI 0224): PeriphID0.
    check("are those of the real-time clock", *(volatile uint32_t*)((char*)device.registers + 0xfe0) == 0x31, 0);
    check_status("interrupt", kos_dev_interrupt("clock", &interrupt), KOS_STATUS_OK);
    check("its number", interrupt.number == 34, interrupt.number);
    kos_dev_interrupt_acknowledge(&interrupt);
    check_status("DMA memory", kos_dev_dma("buffer", &dma), KOS_STATUS_OK);
    check("its size", dma.size_bytes == 65536 && dma.physical % 4096 == 0 && dma.physical, (int64_t)dma.size_bytes);
    check("zeros", is_zero(dma.address, dma.size_bytes), 0);
    memset(dma.address, 1, dma.size_bytes);
    check_status("no such device", kos_dev_find("uart", &device), KOS_STATUS_NOT_FOUND);
    check_status("no such interrupt", kos_dev_interrupt("uart", &interrupt), KOS_STATUS_NOT_FOUND);
    check_status("no such DMA memory", kos_dev_dma("", &dma), KOS_STATUS_NOT_FOUND);
}
