// The serial line (console.h): a polled PL011, transmit only.
//
// The line is used as firmware or the emulator left it; no baud rate is set. Source: Arm PrimeCell UART (PL011)
// Technical Reference Manual r1p5, 3.3.1 UARTDR, 3.3.3 UARTFR.
#include <kos/roottask/allocator.h>
#include <kos/roottask/console.h>

namespace kos::roottask {
namespace {

constexpr sel4::Word kUartPhysical = 0x09000000;
constexpr sel4::Word kUartVirtual = 0x10000000;
constexpr size_t kDataRegister = 0x00;
constexpr size_t kFlagRegister = 0x18;
constexpr uint32_t kTransmitFifoFull = 1u << 5;

volatile unsigned char* uart = nullptr;
void (*redirected_put)(char) = nullptr;

volatile uint32_t& uart_register(size_t offset) { return *reinterpret_cast<volatile uint32_t*>(uart + offset); }

}  // namespace

bool console_start(ObjectAllocator& allocator) {
    sel4::CPtr frame = make_device_frame(allocator, kUartPhysical);
    if (frame == sel4::kNullCap ||
        !map_page(allocator, seL4_CapInitThreadVSpace, frame, kUartVirtual, seL4_ReadWrite, seL4_ARM_ExecuteNever)
             .ok()) {
        return false;
    }
    uart = reinterpret_cast<volatile unsigned char*>(kUartVirtual);
    return true;
}

uintptr_t console_registers() { return reinterpret_cast<uintptr_t>(uart); }

void console_redirect(void (*put)(char)) { redirected_put = put; }

void console_put(char c) {
    if (redirected_put != nullptr) {
        redirected_put(c);
        return;
    }
    if (uart == nullptr) {
        return;
    }
    while ((uart_register(kFlagRegister) & kTransmitFifoFull) != 0) {
    }
    uart_register(kDataRegister) = static_cast<unsigned char>(c);
}

void console_put(const char* text) {
    while (*text != '\0') {
        console_put(*text++);
    }
}

void put_record(const char* json) {
    console_put('\x1e');
    console_put(json);
    console_put('\n');
}

}  // namespace kos::roottask
