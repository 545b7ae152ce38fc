// Start of a native domain: startup block, constructors, main; its end.
#include "libc/thread_area.h"
#include "runtime.h"

#include <stdlib.h>

extern "C" {
using Constructor = void (*)();
extern Constructor kos_init_array_start[];
extern Constructor kos_init_array_end[];
int main(int argc, char** argv);  // the application's
[[noreturn]] void kos_start(const kos_startup_t* block);
}

namespace kos::runtime {

const kos_startup_t* startup;

bool same_name(const char* a, const char* b) {
    for (unsigned i = 0; i <= KOS_MAX_NAME; ++i) {
        if (a[i] != b[i]) return false;
        if (a[i] == 0) return true;
    }
    return false;
}

namespace {

constexpr unsigned kMaxArguments = 32;
char* argument_vector[kMaxArguments + 1];

int collect_arguments() {
    int count = 0;
    for (const kos_startup_text_t& argument : entries<kos_startup_text_t>(startup->arguments)) {
        if (count == kMaxArguments) break;
        // C's argv is not const; the block is mapped read-only all the same.
        argument_vector[count++] = const_cast<char*>(text(argument));
    }
    return count;
}

}  // namespace

}  // namespace kos::runtime

void kos_start(const kos_startup_t* block) {
    using namespace kos::runtime;
    startup = block;
    if (block->magic != KOS_STARTUP_MAGIC) __builtin_trap();
    kos_tls_setup_main(block);
    for (Constructor* constructor = kos_init_array_start; constructor != kos_init_array_end; ++constructor) {
        (*constructor)();
    }
    int const count = collect_arguments();
    // Flushes standard output and runs what atexit() has been given.
    exit(main(count, argument_vector));
}
