// The line discipline: what is between the bytes that a terminal's device sends and those that programs read, and back
// (termios(3)): line editing, echo, signals by keys, flow control, translation of line ends.
//
// Knows nothing of processes or files. Everything it keeps is bounded: a line of 4095 bytes, 8 KiB of output.
#pragma once

#include "mm/io_buffer.h"
#include "tty/termios.h"

#include <stdint.h>

#include <array>
#include <bitset>
#include <span>

namespace kos::lx {

class Line {
public:
    static constexpr size_t kInput = 4096;
    static constexpr size_t kOutput = 8192, kOutputForEcho = 1024;  // what echo alone may use

    class Owner {
    public:
        virtual void key_signal(int signal) = 0;  // ISIG: to the foreground group
        virtual void flow_changed(bool is_stopped) = 0;

    protected:
        ~Owner() = default;
    };
    explicit Line(Owner& owner) : owner_(owner) {}

    const Termios& settings() const { return settings_; }
    void set(const Termios& settings);

    // --- From the device. Returns how many bytes were taken: fewer if programs do not read (never in a line that is
    // being edited: there the rest is dropped, so that its end can still come).
    size_t receive(std::span<const uint8_t> bytes);
    size_t room() const;

    // --- To the program: bytes that can be read now: of the first line with its end (1 for an empty one at the end of
    // file), or of all.
    bool has_line() const { return canonical_ != tail_; }
    size_t available() const { return is_canonical() ? canonical_ - tail_ : head_ - tail_; }
    // At most one line. kEFAULT. 0: the end-of-file key.
    Result<size_t> read(IoBuffer& to);

    // --- From the program, by the output translation. Returns how many bytes were taken: 0 if there is no room.
    Result<size_t> write(IoBuffer& from);
    size_t output_room() const {
        return kOutput - kOutputForEcho > output_size_ ? kOutput - kOutputForEcho - output_size_ : 0;
    }

    // --- To the device: what may be sent now; none while output is stopped. `sent` removes.
    std::span<const uint8_t> output() const;
    void sent(size_t bytes);
    size_t output_size() const { return output_size_; }

    void flush_input();
    void flush_output() { output_size_ = 0; }
    void stop(bool is_stopped);
    bool is_stopped() const { return is_stopped_; }
    bool is_canonical() const { return settings_.local & kICANON; }

private:
    bool local(uint32_t flag) const { return settings_.local & flag; }
    bool is_key(uint8_t c, unsigned key) const { return c == settings_.characters[key] && c != kDisabledCharacter; }
    bool is_continuation(uint8_t c) const { return settings_.input & kIUTF8 && (c & 0xc0) == 0x80; }
    uint8_t at(uint64_t place) const { return input_[place % kInput]; }

    void receive_one(uint8_t c);
    bool receive_flow(uint8_t c);
    bool receive_signal(uint8_t c);
    bool receive_editing(uint8_t c);
    bool receive_line_end(uint8_t c);
    void put(uint8_t c);
    void end_line(uint8_t c, bool is_end_of_file);
    void erase(uint8_t c);
    void erase_echo(uint64_t from, uint8_t first);
    void begin_line();

    void echo(uint8_t c);  // control characters as ^X
    void echo_plain(uint8_t c);
    bool put_output(uint8_t c, size_t limit);  // translated; false: no room for it
    bool append(const uint8_t* bytes, size_t count, size_t limit);

    Owner& owner_;
    Termios settings_ = default_termios();
    std::array<uint8_t, kInput> input_{};
    std::bitset<kInput> ends_;          // a line's last byte
    std::bitset<kInput> ends_of_file_;  // which is not read
    // Counted since the beginning: read so far, end of the last complete line, received so far.
    uint64_t tail_ = 0, canonical_ = 0, head_ = 0;
    bool is_next_literal_ = false;
    bool is_stopped_ = false;

    std::array<uint8_t, kOutput> output_{};
    size_t output_start_ = 0, output_size_ = 0;
    uint32_t column_ = 0, line_column_ = 0;  // where the line that is being edited began
};

}  // namespace kos::lx
