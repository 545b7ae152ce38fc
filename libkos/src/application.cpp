// Life cycle of the own domain (kos/app.h).
#include "runtime.h"

#include <kos/signal.h>

#include <string.h>

using namespace kos;
using namespace kos::runtime;

const kos_startup_t* kos_app_startup(void) { return startup; }

kos_status_t kos_app_ready(void) {
    __atomic_store_n(&life()->state, KOS_LIFE_READY, __ATOMIC_RELEASE);
    return call_registers(KOS_SLOT_REPORT, KOS_REPORT_READY).status;
}

void kos_app_alive(void) {
    kos_life_t* const page = life();
    __atomic_store_n(&page->answer, __atomic_load_n(&page->question, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    __atomic_fetch_add(&page->alive, 1, __ATOMIC_RELAXED);
}

int kos_app_should_stop(void) {
    // Without a server loop nobody else looks at the notification, where the request to stop and health questions are.
    if (thread_number() == 0 && !is_serving) (void)kos_signal_poll(0);
    return __atomic_load_n(&life()->state, __ATOMIC_ACQUIRE) == KOS_LIFE_STOPPING;
}

namespace {

// The text travels in the message itself, from word 4 on: root never reads a domain's memory.
[[noreturn]] void end(kos_exit_reason reason, Word status, const char* why) {
    constexpr size_t kFirstWord = 4;
    constexpr size_t kMaxBytes = 256;
    size_t const bytes = why ? strnlen(why, kMaxBytes) : 0;
    seL4_IPCBuffer* const buffer = sel4::ipc_buffer();
    memcpy(&buffer->msg[kFirstWord], why ? why : "", bytes);
    Word const length = kFirstWord + (bytes + sizeof(Word) - 1) / sizeof(Word);
    for (;;) sel4::call(KOS_SLOT_REPORT, Tag::make(KOS_REPORT_EXIT, length), Words{{reason, status, bytes, 0}});
}

}  // namespace

void kos_app_exit(int status) {
    __atomic_store_n(&life()->state, KOS_LIFE_STOPPING, __ATOMIC_RELEASE);
    end(status == 0 ? KOS_EXIT_DONE : KOS_EXIT_ERROR, static_cast<Word>(status), nullptr);
}

void kos_stop(const char* reason) { end(KOS_EXIT_ASSERT, 0, reason); }

void kos_assert_failed(const char* what, const char* file, int line) {
    // No formatting: it may be what has failed.
    static char text[240];
    size_t at = 0;
    auto const put = [&](const char* part) {
        while (*part && at < sizeof text - 1) text[at++] = *part++;
    };
    put(file);
    char digits[12];
    size_t count = 0;
    for (unsigned left = static_cast<unsigned>(line); count == 0 || left; left /= 10) {
        digits[count++] = static_cast<char>('0' + left % 10);
    }
    put(":");
    while (count > 0 && at < sizeof text - 1) text[at++] = digits[--count];
    put(": ");
    put(what);
    text[at] = 0;
    end(KOS_EXIT_ASSERT, 0, text);
}

const char* kos_app_parameter(const char* key) {
    for (const kos_startup_parameter_t& parameter : entries<kos_startup_parameter_t>(startup->parameters)) {
        if (same_name(parameter.name, key)) return text(parameter.value);
    }
    return nullptr;
}

uint64_t kos_app_parameter_number(const char* key, uint64_t otherwise) {
    const char* const value = kos_app_parameter(key);
    if (!value) return otherwise;
    const char* at = value;
    uint64_t base = 10;
    if (at[0] == '0' && at[1] == 'x') {
        base = 16;
        at += 2;
    }
    uint64_t result = 0;
    do {
        uint64_t digit = 99;
        if (*at >= '0' && *at <= '9') digit = static_cast<uint64_t>(*at - '0');
        if (*at >= 'a' && *at <= 'f') digit = static_cast<uint64_t>(*at - 'a') + 10;
        if (digit >= base || __builtin_mul_overflow(result, base, &result) ||
            __builtin_add_overflow(result, digit, &result)) {
            kos_stop("a parameter of the manifest is not a number");
        }
        ++at;
    } while (*at);
    return result;
}
