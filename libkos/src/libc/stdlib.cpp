// The parts of stdlib.h and assert.h that end the domain or read what it was started with; the locks inside musl.
#include <kos/app.h>
#include <kos/sync.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libc_locks.h"

namespace {

constexpr unsigned kExitFunctions = 64;  // C requires 32

struct ExitFunction {
    void (*with_argument)(void*);
    void* argument;
};

ExitFunction exit_functions[kExitFunctions];
unsigned exit_count;
kos_mutex_t exit_lock = KOS_MUTEX_INIT;

int register_exit(ExitFunction function) {
    kos_mutex_lock(&exit_lock);
    bool const has_room = exit_count < kExitFunctions;
    if (has_room) exit_functions[exit_count++] = function;
    kos_mutex_unlock(&exit_lock);
    return has_room ? 0 : -1;
}

// Last in, first out; functions that these register run as well, at most kExitFunctions at a time.
void run_exit_functions() {
    for (;;) {
        kos_mutex_lock(&exit_lock);
        if (exit_count == 0) {
            kos_mutex_unlock(&exit_lock);
            return;
        }
        ExitFunction const function = exit_functions[--exit_count];
        kos_mutex_unlock(&exit_lock);
        function.with_argument(function.argument);
    }
}

void call_plain(void* function) { reinterpret_cast<void (*)()>(function)(); }

}  // namespace

extern "C" {

void* __dso_handle;

int atexit(void (*function)(void)) { return register_exit({call_plain, reinterpret_cast<void*>(function)}); }

// Destructors of C++ objects with static storage.
int __cxa_atexit(void (*function)(void*), void* object, void*) { return register_exit({function, object}); }

// (stdlib.h says which of these do not return.)
void exit(int status) {
    run_exit_functions();
    kos::libc::flush_all();
    kos_app_exit(status);
}

void _Exit(int status) { kos_app_exit(status); }
[[noreturn]] void _exit(int status) { kos_app_exit(status); }

void abort(void) { kos_stop("abort"); }

[[noreturn]] void __assert_fail(const char* what, const char* file, int line, const char*) {
    kos_assert_failed(what, file, line);
}

[[noreturn]] void __cxa_pure_virtual(void) { kos_stop("a pure virtual function was called"); }

char* getenv(const char* name) {
    const kos_startup_t* const startup = kos_app_startup();
    const auto* const block = reinterpret_cast<const char*>(startup);
    size_t const length = strlen(name);
    if (length == 0 || strchr(name, '=')) return nullptr;
    const auto* const texts = reinterpret_cast<const kos_startup_text_t*>(block + startup->environment.offset);
    for (uint32_t i = 0; i < startup->environment.count; ++i) {
        const char* const entry = block + texts[i].offset;
        // The block is mapped read-only; C's signature has no const.
        if (strncmp(entry, name, length) == 0 && entry[length] == '=') return const_cast<char*>(entry + length + 1);
    }
    return nullptr;
}

char* secure_getenv(const char* name) { return getenv(name); }

// --- What musl's objects need of a system.

// Its internal locks are one word that is zero when free, and so is ours.
void __lock(volatile int* word) { kos_mutex_lock(reinterpret_cast<kos_mutex_t*>(const_cast<int*>(word))); }
void __unlock(volatile int* word) { kos_mutex_unlock(reinterpret_cast<kos_mutex_t*>(const_cast<int*>(word))); }

// Only the short-lived FILEs inside snprintf and sscanf exist; no other thread sees them.
int __lockfile(void*) { return 0; }
void __unlockfile(void*) {}
void __stdio_exit_needed(void) {}

}  // extern "C"
