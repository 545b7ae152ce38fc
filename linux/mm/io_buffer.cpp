// Copies by windows.
#include "mm/io_buffer.h"

#include <string.h>

namespace kos::lx {

namespace {

// Calls `copy(window, offset)` until `count` bytes have been used.
template <class Copy>
Result<size_t> by_windows(IoBuffer& buffer, size_t count, Copy copy) {
    size_t done = 0;
    while (done < count && buffer.remaining()) {
        auto window = buffer.window(count - done);
        if (!window.ok()) {
            if (done == 0) return window.error();
            break;
        }
        copy(*window, done);
        done += window->size();
        buffer.advance(window->size());
    }
    return done;
}

}  // namespace

Result<size_t> IoBuffer::out(const void* bytes, size_t count) {
    return by_windows(*this, count, [&](std::span<std::byte> to, size_t offset) {
        memcpy(to.data(), static_cast<const std::byte*>(bytes) + offset, to.size());
    });
}

Result<size_t> IoBuffer::in(void* bytes, size_t count) {
    return by_windows(*this, count, [&](std::span<std::byte> from, size_t offset) {
        memcpy(static_cast<std::byte*>(bytes) + offset, from.data(), from.size());
    });
}

Result<size_t> IoBuffer::out_zeros(size_t count) {
    return by_windows(*this, count, [](std::span<std::byte> to, size_t) { memset(to.data(), 0, to.size()); });
}

}  // namespace kos::lx
