// Root's lines (console.h).
#include "console.h"

#include "boot.h"

#include "../log/root_ring.h"

#include <board.h>

namespace root {

namespace {

volatile uint32_t* uart;
kos::log::RootRing* ring;
CPtr ring_signal;

// PL011 (ARM DDI 0183): data register, flag register with "transmit FIFO full".
constexpr unsigned kData = 0x00 / 4;
constexpr unsigned kFlags = 0x18 / 4;
constexpr uint32_t kTransmitFull = 1 << 5;
constexpr unsigned kMaxPolls = 1000000;  // a UART that never empties loses the text, not root

void put(char c) {
    for (unsigned i = 0; i < kMaxPolls && uart[kFlags] & kTransmitFull; ++i) {
    }
    uart[kData] = static_cast<unsigned char>(c);
}

}  // namespace

CPtr uart_frame;

void start_console() {
    CPtr const frame = new_device_frame(KOS_BOARD_UART_BASE);
    if (frame) uart = static_cast<volatile uint32_t*>(map_device_page(frame));
    uart_frame = frame;
}

void print_directly(const char* text) {
    if (!uart) return;
    for (; *text; ++text) {
        if (*text == '\n') put('\r');
        put(*text);
    }
}

void start_log_ring(void* memory, size_t bytes) {
    ring = static_cast<kos::log::RootRing*>(memory);
    kos::log::root_ring_create(ring, bytes);
}

void log_to_service(CPtr signal) { ring_signal = signal; }

void log(Level level, const Text& line, uint16_t domain, uint32_t instance) {
    if (ring) {
        kos::log::root_ring_append(ring, ticks(), kos::log::kRootText, static_cast<uint8_t>(level), domain, instance,
                                   line.text(), line.length());
    }
    if (ring_signal) {
        kos::sel4::signal(ring_signal);
        return;
    }
    static constexpr const char* kNames[] = {"", "error: ", "warning: ", ""};
    print_directly("root: ");
    print_directly(kNames[static_cast<unsigned>(level)]);
    print_directly(line.text());
    print_directly("\n");
}

void log_start(uint16_t domain, uint32_t instance, const char* name) {
    if (!ring) return;
    kos::log::root_ring_append(ring, ticks(), kos::log::kRootStart, static_cast<uint8_t>(Level::kInfo), domain,
                               instance, name, __builtin_strlen(name));
    if (ring_signal) kos::sel4::signal(ring_signal);
}

}  // namespace root
