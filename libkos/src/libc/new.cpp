// operator new and delete over malloc. There are no exceptions: new without memory ends the domain, new(std::nothrow)
// returns null.
#include <kos/app.h>

#include <malloc.h>
#include <stdlib.h>
#include <new>

namespace {

void* or_stop(void* pointer) {
    if (!pointer) kos_stop("operator new: no memory");
    return pointer;
}

void* allocate(size_t bytes, std::align_val_t align) { return aligned_alloc(static_cast<size_t>(align), bytes); }

}  // namespace

void* operator new(size_t bytes) { return or_stop(malloc(bytes)); }
void* operator new[](size_t bytes) { return or_stop(malloc(bytes)); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return malloc(bytes); }
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return malloc(bytes); }
void* operator new(size_t bytes, std::align_val_t align) { return or_stop(allocate(bytes, align)); }
void* operator new[](size_t bytes, std::align_val_t align) { return or_stop(allocate(bytes, align)); }
void* operator new(size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept {
    return allocate(bytes, align);
}
void* operator new[](size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept {
    return allocate(bytes, align);
}

void operator delete(void* pointer) noexcept { free(pointer); }
void operator delete[](void* pointer) noexcept { free(pointer); }
void operator delete(void* pointer, size_t) noexcept { free(pointer); }
void operator delete[](void* pointer, size_t) noexcept { free(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { free(pointer); }
void operator delete[](void* pointer, std::align_val_t) noexcept { free(pointer); }
void operator delete(void* pointer, size_t, std::align_val_t) noexcept { free(pointer); }
void operator delete[](void* pointer, size_t, std::align_val_t) noexcept { free(pointer); }
void operator delete(void* pointer, const std::nothrow_t&) noexcept { free(pointer); }
void operator delete[](void* pointer, const std::nothrow_t&) noexcept { free(pointer); }

// What std::nothrow is: the compiler's C++ library, which has it, is not linked.
namespace std {
const nothrow_t nothrow{};
}
