// The four memory functions that a freestanding C++ compiler may call on its own account.
//
// Byte loops: nothing here is hot in a root task. Compiled with -fno-builtin, so that a loop does not become a call of
// itself.
#include <stddef.h>

extern "C" {

void* memcpy(void* to, const void* from, size_t count) {
    auto* t = static_cast<unsigned char*>(to);
    const auto* f = static_cast<const unsigned char*>(from);
    for (size_t i = 0; i < count; ++i) {
        t[i] = f[i];
    }
    return to;
}

void* memmove(void* to, const void* from, size_t count) {
    auto* t = static_cast<unsigned char*>(to);
    const auto* f = static_cast<const unsigned char*>(from);
    if (t < f) {
        for (size_t i = 0; i < count; ++i) {
            t[i] = f[i];
        }
    } else {
        for (size_t i = count; i > 0; --i) {
            t[i - 1] = f[i - 1];
        }
    }
    return to;
}

void* memset(void* to, int value, size_t count) {
    auto* t = static_cast<unsigned char*>(to);
    for (size_t i = 0; i < count; ++i) {
        t[i] = static_cast<unsigned char>(value);
    }
    return to;
}

int memcmp(const void* a, const void* b, size_t count) {
    const auto* x = static_cast<const unsigned char*>(a);
    const auto* y = static_cast<const unsigned char*>(b);
    for (size_t i = 0; i < count; ++i) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

}  // extern "C"
