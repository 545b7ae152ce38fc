// See thread_area.h. Runs before constructors and before any thread-local variable may be touched.
#include "thread_area.h"

#include <kos/app.h>
#include <kos/mem.h>

#include <string.h>

// musl's "C" locale: what CURRENT_LOCALE of its character functions must point to.
extern "C" [[gnu::visibility("hidden")]] const char __c_locale[];

namespace {

using namespace kos::runtime;

static_assert(sizeof(ThreadWords) + kMuslDescriptorBytes <= kBelow && kBelow % 16 == 0);

constexpr size_t kAbiGap = 16;
constexpr size_t kStaticBytes = 1024;
alignas(64) unsigned char main_area[kStaticBytes];

size_t round_up(size_t value, size_t to) { return (value + to - 1) & ~(to - 1); }
size_t alignment(const kos_startup_t* startup) { return startup->tls_align > 16 ? startup->tls_align : 16; }

}  // namespace

size_t kos_tls_bytes(const kos_startup_t* startup) {
    size_t const align = alignment(startup);
    return (align - 16) + kBelow + round_up(kAbiGap, align) + round_up(startup->tls_memory_bytes, 16);
}

uint64_t kos_tls_setup(void* area, const kos_startup_t* startup, unsigned number) {
    size_t const align = alignment(startup);
    memset(area, 0, kos_tls_bytes(startup));
    uint64_t const pointer = round_up(reinterpret_cast<uint64_t>(area) + kBelow, align);
    thread_words(pointer)->number = number;
    const void* const locale = __c_locale;
    memcpy(reinterpret_cast<void*>(pointer - kMuslDescriptorBytes + kMuslLocaleOffset), &locale, sizeof locale);
    if (startup->tls_file_bytes) {
        memcpy(reinterpret_cast<void*>(pointer + round_up(kAbiGap, align)),
               reinterpret_cast<const void*>(startup->tls_image), startup->tls_file_bytes);
    }
    return pointer;
}

void kos_tls_setup_main(const kos_startup_t* startup) {
    void* area = main_area;
    size_t const bytes = kos_tls_bytes(startup);
    if (bytes > kStaticBytes &&
        !kos_status_is_ok(kos_mem_map(round_up(bytes, KOS_PAGE_BYTES), KOS_MEM_READ | KOS_MEM_WRITE, &area))) {
        kos_stop("no memory for the thread-local variables of the main thread");
    }
    uint64_t const pointer = kos_tls_setup(area, startup, 0);
    asm volatile("msr tpidr_el0, %0" ::"r"(pointer) : "memory");
}
