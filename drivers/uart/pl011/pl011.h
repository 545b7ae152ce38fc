/*
 * The PL011 UART: reset, transmit and receive with bounded rings between the device and the clients.
 *
 * One thread calls everything. What clients may do is console_service.h; who starts it is main.cpp.
 * Source: Arm PrimeCell UART (PL011) Technical Reference Manual, DDI 0183G, chapter 3.
 */
#ifndef KOS_DRIVERS_UART_PL011_H_
#define KOS_DRIVERS_UART_PL011_H_

#include <kos/driver/byte_ring.h>
#include <kos/driver/wait.h>
#include <kos/status.h>

#include <stdint.h>
#include <span>

#include "stream_status.h"

namespace kos::driver {

namespace pl011 {
// Register offsets, DDI 0183G table 3-1.
constexpr uint32_t kData = 0x000;
constexpr uint32_t kFlags = 0x018;
constexpr uint32_t kIntegerBaudRate = 0x024;
constexpr uint32_t kFractionalBaudRate = 0x028;
constexpr uint32_t kLineControl = 0x02c;
constexpr uint32_t kControl = 0x030;
constexpr uint32_t kFifoLevels = 0x034;
constexpr uint32_t kInterruptMask = 0x038;
constexpr uint32_t kMaskedInterrupts = 0x040;
constexpr uint32_t kInterruptClear = 0x044;
constexpr uint32_t kDmaControl = 0x048;
constexpr uint32_t kPeripheralId0 = 0xfe0;
constexpr uint32_t kPeripheralId1 = 0xfe4;

// UARTDR, 3.3.1: what came with a received byte.
constexpr uint32_t kDataFramingError = 1u << 8;
constexpr uint32_t kDataParityError = 1u << 9;
constexpr uint32_t kDataBreak = 1u << 10;
constexpr uint32_t kDataOverrun = 1u << 11;
// UARTFR, 3.3.3
constexpr uint32_t kFlagBusy = 1u << 3;
constexpr uint32_t kFlagReceiveEmpty = 1u << 4;
constexpr uint32_t kFlagTransmitFull = 1u << 5;
// UARTLCR_H, 3.3.7
constexpr uint32_t kLineFifos = 1u << 4;
constexpr uint32_t kLine8Bits = 3u << 5;
// UARTCR, 3.3.8
constexpr uint32_t kControlEnable = 1u << 0;
constexpr uint32_t kControlTransmit = 1u << 8;
constexpr uint32_t kControlReceive = 1u << 9;
// UARTIFLS, 3.3.9: receive at 1/8 full, so that little is lost when the driver is late; transmit at 1/8 full.
constexpr uint32_t kFifoLevelsChosen = 0;
// UARTIMSC and the like, 3.3.10
constexpr uint32_t kInterruptReceive = 1u << 4;
constexpr uint32_t kInterruptTransmit = 1u << 5;
constexpr uint32_t kInterruptReceiveTimeout = 1u << 6;
constexpr uint32_t kInterruptErrors = 0xfu << 7;  // framing, parity, break, overrun
constexpr uint32_t kInterruptAll = 0x7ff;
}  // namespace pl011

template <typename Hardware>
class Pl011 {
public:
    static constexpr size_t kTransmitBytes = 16384;
    static constexpr size_t kReceiveBytes = 4096;

    explicit Pl011(Hardware& hardware) : hardware_(hardware) {}

    // Resets the device, whatever state it was in, and lets it send and receive 8N1 with FIFOs. `clock_hz` is UARTCLK.
    // Errors: UNAVAILABLE (no PL011 there), INVALID_ARGUMENT (no divisor for this baud rate).
    // What another program was sending gets kDrainUs to leave; the rest is lost, as is what was received.
    kos_status_t start(uint64_t clock_hz, uint64_t baud) {
        namespace p = pl011;
        // 3.3.17, 3.3.18: part number 0x011, designer Arm.
        if ((hardware_.read32(p::kPeripheralId0) & 0xff) != 0x11 ||
            (hardware_.read32(p::kPeripheralId1) & 0xff) != 0x10) {
            return KOS_STATUS_UNAVAILABLE;
        }
        // 3.3.6: clock / (16 * baud) with 6 fractional bits; the integer part has 16 bits and is not 0.
        if (baud == 0 || clock_hz > UINT32_MAX) return KOS_STATUS_INVALID_ARGUMENT;
        const uint64_t divisor = (clock_hz * 4 + baud / 2) / baud;
        if (divisor >> 6 == 0 || divisor >> 6 > 0xffff || (divisor >> 6 == 0xffff && (divisor & 63) != 0)) {
            return KOS_STATUS_INVALID_ARGUMENT;
        }

        // 3.3.8, "Programming the UART": let the current character out, disable, flush the FIFOs by LCR_H.FEN = 0.
        hardware_.write32(p::kInterruptMask, 0);
        mask_ = 0;
        drained_ = wait_for(hardware_, kDrainUs, [this] { return (hardware_.read32(p::kFlags) & p::kFlagBusy) == 0; });
        hardware_.write32(p::kControl, 0);
        hardware_.write32(p::kLineControl, 0);
        hardware_.write32(p::kDmaControl, 0);
        hardware_.write32(p::kInterruptClear, p::kInterruptAll);
        hardware_.write32(p::kIntegerBaudRate, static_cast<uint32_t>(divisor >> 6));
        hardware_.write32(p::kFractionalBaudRate, static_cast<uint32_t>(divisor & 63));
        // A write to LCR_H is what takes over the divisor (3.3.7).
        hardware_.write32(p::kLineControl, p::kLine8Bits | p::kLineFifos);
        hardware_.write32(p::kFifoLevels, p::kFifoLevelsChosen);
        hardware_.write32(p::kControl, p::kControlEnable | p::kControlTransmit | p::kControlReceive);

        transmit_.clear();
        receive_.clear();
        // A device that never ran its FIFO dry may hand out stale bytes once; a bound keeps a broken one from holding
        // us.
        for (unsigned i = 0; i < kFifoBytesMax && (hardware_.read32(p::kFlags) & p::kFlagReceiveEmpty) == 0; i++) {
            (void)hardware_.read32(p::kData);
        }
        set_mask(kReceiveInterrupts);
        return KOS_STATUS_OK;
    }

    // Whether the last start found the transmitter idle in time.
    bool drained() const { return drained_; }

    // All of `bytes` or nothing; false if there is no room. Bytes of one call are never mixed with those of another.
    [[nodiscard]] bool write_all(std::span<const uint8_t> bytes) {
        if (bytes.size() > transmit_.room()) {
            status_.refused_bytes += bytes.size();
            return false;
        }
        write_some(bytes);
        return true;
    }

    // As many of `bytes` as there is room for; returns how many.
    size_t write_some(std::span<const uint8_t> bytes) {
        const size_t accepted = transmit_.push(bytes);
        status_.sent_bytes += accepted;
        status_.refused_bytes += bytes.size() - accepted;
        transmit();
        return accepted;
    }

    size_t read(std::span<uint8_t> out) { return receive_.pop(out); }

    // The device's interrupt. To be acknowledged afterwards: the causes are gone, or the line is still raised and the
    // interrupt comes again, so that work per call is bounded.
    void interrupt() {
        namespace p = pl011;
        status_.interrupts++;
        const uint32_t causes = hardware_.read32(p::kMaskedInterrupts);
        // Not the receive causes: they end when the FIFO has been read (3.3.13). To clear them with bytes left in the
        // FIFO would lose the only sign that there are any.
        hardware_.write32(p::kInterruptClear, causes & (p::kInterruptErrors | p::kInterruptTransmit));
        receive();
        transmit();
    }

    // True once everything accepted has left the ring and the transmitter; tries to make it so. Never waits.
    bool flush() {
        transmit();
        return transmit_.empty() && (hardware_.read32(pl011::kFlags) & pl011::kFlagBusy) == 0;
    }

    StreamStatus status() const {
        StreamStatus result = status_;
        result.transmit_queued = transmit_.size();
        result.receive_queued = receive_.size();
        return result;
    }

private:
    static constexpr uint64_t kDrainUs = 20000;      // 32 characters at 19200 baud
    static constexpr unsigned kFifoBytesMax = 32;    // r1p5; earlier revisions have 16
    static constexpr unsigned kTransmitAtOnce = 64;  // more than a FIFO, see transmit()
    static constexpr uint32_t kReceiveInterrupts =
        pl011::kInterruptReceive | pl011::kInterruptReceiveTimeout | pl011::kInterruptErrors;

    void receive() {
        namespace p = pl011;
        for (unsigned i = 0; i < kFifoBytesMax && (hardware_.read32(p::kFlags) & p::kFlagReceiveEmpty) == 0; i++) {
            const uint32_t data = hardware_.read32(p::kData);
            // The overrun flag is about bytes lost after this one; this one is good.
            if ((data & p::kDataOverrun) != 0) status_.device_overruns++;
            if ((data & (p::kDataFramingError | p::kDataParityError | p::kDataBreak)) != 0) {
                status_.line_errors++;
            } else if (receive_.push(static_cast<uint8_t>(data))) {
                status_.received_bytes++;
            } else {
                status_.dropped_bytes++;
            }
        }
    }

    // Fills the FIFO. The transmit interrupt comes when the FIFO falls to its level, so as long as bytes are left
    // behind the FIFO has been full: kTransmitAtOnce is larger than any FIFO. It bounds the time of one call with
    // devices that are never full.
    void transmit() {
        namespace p = pl011;
        for (unsigned i = 0; i < kTransmitAtOnce && !transmit_.empty(); i++) {
            if ((hardware_.read32(p::kFlags) & p::kFlagTransmitFull) != 0) break;
            hardware_.write32(p::kData, transmit_.pop());
        }
        set_mask(transmit_.empty() ? kReceiveInterrupts : kReceiveInterrupts | p::kInterruptTransmit);
    }

    void set_mask(uint32_t mask) {
        if (mask == mask_) return;
        mask_ = mask;
        hardware_.write32(pl011::kInterruptMask, mask);
    }

    Hardware& hardware_;
    uint32_t mask_ = 0;
    bool drained_ = false;
    StreamStatus status_ = {};
    ByteRing<kTransmitBytes> transmit_;
    ByteRing<kReceiveBytes> receive_;
};

}  // namespace kos::driver

#endif
