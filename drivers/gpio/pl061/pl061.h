/*
 * The PL061 GPIO controller: eight lines, each an input or an output, with edge interrupts.
 *
 * One thread calls everything. Source: Arm PrimeCell General Purpose Input/Output (PL061) Technical Reference Manual,
 * DDI 0190B, chapter 3.
 */
#ifndef KOS_DRIVERS_PL061_H_
#define KOS_DRIVERS_PL061_H_

#include <kos/status.h>

#include <stdint.h>

namespace kos::driver {

namespace pl061 {
// Register offsets, DDI 0190B table 3-1. The data register is 256 words: bits 9..2 of the address are the mask of lines
// that the access reads or writes (3.3.1).
constexpr uint32_t kDirection = 0x400;
constexpr uint32_t kSense = 0x404;
constexpr uint32_t kBothEdges = 0x408;
constexpr uint32_t kEvent = 0x40c;
constexpr uint32_t kInterruptEnable = 0x410;
constexpr uint32_t kMaskedInterrupts = 0x418;
constexpr uint32_t kInterruptClear = 0x41c;
constexpr uint32_t kAlternateFunction = 0x420;
constexpr uint32_t kPeripheralId0 = 0xfe0;
constexpr uint32_t kPeripheralId1 = 0xfe4;

constexpr uint32_t data_of(uint8_t lines) { return uint32_t{lines} << 2; }
}  // namespace pl061

constexpr unsigned kGpioLineCount = 8;

enum class GpioEdges : uint8_t { kNone = 0, kRising = 1, kFalling = 2, kBoth = 3 };

template <typename Hardware>
class Pl061 {
public:
    explicit Pl061(Hardware& hardware) : hardware_(hardware) {}

    // No interrupts, all lines under software control. Lines of `keep` stay what they are; all others become inputs.
    // Error: UNAVAILABLE (no PL061 there).
    kos_status_t start(uint8_t keep) {
        // 3.3.12, 3.3.13: part number 0x061, designer Arm.
        if ((hardware_.read32(pl061::kPeripheralId0) & 0xff) != 0x61 ||
            (hardware_.read32(pl061::kPeripheralId1) & 0xff) != 0x10) {
            return KOS_STATUS_UNAVAILABLE;
        }
        hardware_.write32(pl061::kInterruptEnable, 0);
        direction_ = static_cast<uint8_t>(hardware_.read32(pl061::kDirection) & keep);
        hardware_.write32(pl061::kDirection, direction_);
        hardware_.write32(pl061::kAlternateFunction, 0);
        hardware_.write32(pl061::kSense, 0);  // edges, not levels
        hardware_.write32(pl061::kBothEdges, 0);
        hardware_.write32(pl061::kEvent, 0);
        hardware_.write32(pl061::kInterruptClear, 0xff);
        both_ = event_ = enabled_ = 0;
        return KOS_STATUS_OK;
    }

    bool is_output(unsigned line) const { return (direction_ >> line & 1) != 0; }

    void make_input(unsigned line) {
        direction_ = static_cast<uint8_t>(direction_ & ~(1u << line));
        hardware_.write32(pl061::kDirection, direction_);
    }
    // From the first moment with this level: the data register keeps what is written to lines that are inputs only when
    // they are outputs (3.3.1), so the level is written again afterwards.
    void make_output(unsigned line, bool level) {
        write(line, level);
        direction_ = static_cast<uint8_t>(direction_ | 1u << line);
        hardware_.write32(pl061::kDirection, direction_);
        write(line, level);
    }

    // Touches no other line. Precondition for an effect: is_output(line).
    void write(unsigned line, bool level) {
        hardware_.write32(pl061::data_of(static_cast<uint8_t>(1u << line)), level ? 0xff : 0);
    }
    // Levels of `lines`, as bits; others 0.
    uint8_t read(uint8_t lines) { return static_cast<uint8_t>(hardware_.read32(pl061::data_of(lines)) & lines); }

    // Which edges of `line` count from now on; an edge that came before does not.
    void choose_edges(unsigned line, GpioEdges edges) {
        const auto bit = static_cast<uint8_t>(1u << line);
        disable(bit);
        both_ = with(both_, bit, edges == GpioEdges::kBoth);
        event_ = with(event_, bit, edges == GpioEdges::kRising);
        hardware_.write32(pl061::kBothEdges, both_);
        hardware_.write32(pl061::kEvent, event_);
        hardware_.write32(pl061::kInterruptClear, bit);
        if (edges != GpioEdges::kNone) enable(bit);
    }

    // The interrupts of `lines` come (again); an edge since the last take() counts.
    void enable(uint8_t lines) { set_enabled(static_cast<uint8_t>(enabled_ | lines)); }
    void disable(uint8_t lines) { set_enabled(static_cast<uint8_t>(enabled_ & ~lines)); }

    // Lines with an edge; each is disabled, so that a line which never rests costs one interrupt until somebody has
    // looked.
    uint8_t take() {
        const auto lines = static_cast<uint8_t>(hardware_.read32(pl061::kMaskedInterrupts) & enabled_);
        if (lines != 0) {
            disable(lines);
            // Before the levels are read: an edge after this is kept for the next enable().
            hardware_.write32(pl061::kInterruptClear, lines);
        }
        return lines;
    }

private:
    static uint8_t with(uint8_t bits, uint8_t bit, bool is_set) {
        return static_cast<uint8_t>(is_set ? bits | bit : bits & ~bit);
    }
    void set_enabled(uint8_t lines) {
        enabled_ = lines;
        hardware_.write32(pl061::kInterruptEnable, lines);
    }

    Hardware& hardware_;
    uint8_t direction_ = 0;  // what the registers hold
    uint8_t both_ = 0;
    uint8_t event_ = 0;
    uint8_t enabled_ = 0;
};

}  // namespace kos::driver

#endif
