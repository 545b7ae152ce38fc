// malloc and its family (stdlib.h, malloc.h): the domain's one heap behind a lock.
#include "heap.h"
#include "libc_locks.h"

#include <errno.h>

kos_mutex_t kos::libc::heap_lock = KOS_MUTEX_INIT;

namespace {

kos::heap::Heap heap;

class Locked {
public:
    Locked() { kos_mutex_lock(&kos::libc::heap_lock); }
    ~Locked() { kos_mutex_unlock(&kos::libc::heap_lock); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
};

void* or_no_memory(void* pointer) {
    if (!pointer) errno = ENOMEM;
    return pointer;
}

bool is_power_of_two(size_t value) { return value != 0 && (value & (value - 1)) == 0; }

}  // namespace

extern "C" {

void* malloc(size_t bytes) {
    Locked const locked;
    return or_no_memory(heap.allocate(bytes));
}

void* calloc(size_t count, size_t each) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, each, &bytes)) return or_no_memory(nullptr);
    Locked const locked;
    return or_no_memory(heap.allocate_zeroed(bytes));
}

void* realloc(void* pointer, size_t bytes) {
    Locked const locked;
    return or_no_memory(heap.resize(pointer, bytes));
}

void* reallocarray(void* pointer, size_t count, size_t each) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, each, &bytes)) return or_no_memory(nullptr);
    return realloc(pointer, bytes);
}

void free(void* pointer) {
    Locked const locked;
    heap.release(pointer);
}

void* aligned_alloc(size_t align, size_t bytes) {
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return nullptr;
    }
    Locked const locked;
    return or_no_memory(heap.allocate(bytes, align));
}

void* memalign(size_t align, size_t bytes) { return aligned_alloc(align, bytes); }

int posix_memalign(void** result, size_t align, size_t bytes) {
    if (!is_power_of_two(align) || align % sizeof(void*) != 0) return EINVAL;
    Locked const locked;
    void* const pointer = heap.allocate(bytes, align);
    if (!pointer) return ENOMEM;
    *result = pointer;
    return 0;
}

size_t malloc_usable_size(void* pointer) {
    Locked const locked;
    return kos::heap::Heap::usable_bytes(pointer);
}

}  // extern "C"
