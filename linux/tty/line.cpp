// The line discipline.
#include "tty/line.h"

#include "signal/state.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

bool is_control(uint8_t c) { return c < 32 || c == 127; }
bool is_word(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}
constexpr uint8_t kBell = 7;

}  // namespace

void Line::set(const Termios& settings) {
    bool const was_canonical = is_canonical();
    bool const had_flow = settings_.input & kIXON;
    settings_ = settings;
    if (was_canonical != is_canonical()) {
        // What is there begins a line, or can be read as it is.
        ends_.reset();
        ends_of_file_.reset();
        canonical_ = tail_;
        is_next_literal_ = false;
    }
    if (had_flow && !(settings_.input & kIXON) && is_stopped_) stop(false);
}

// --- Input

size_t Line::room() const {
    if (is_canonical() && !has_line()) return SIZE_MAX;  // what is too much is dropped
    return kInput - 1 - (head_ - tail_);
}

size_t Line::receive(std::span<const uint8_t> bytes) {
    size_t taken = 0;
    for (uint8_t const c : bytes) {
        if (room() == 0) break;
        receive_one(c);
        ++taken;
    }
    return taken;
}

void Line::receive_one(uint8_t c) {
    if (settings_.input & kISTRIP) c &= 0x7f;
    if (settings_.input & kIUCLC && local(kIEXTEN) && c >= 'A' && c <= 'Z') c += 'a' - 'A';
    if (std::exchange(is_next_literal_, false)) {
        if (local(kECHO)) {
            begin_line();
            echo(c);
        }
        put(c);
        return;
    }
    if (receive_flow(c) || receive_signal(c)) return;
    if (c == '\r') {
        if (settings_.input & kIGNCR) return;
        if (settings_.input & kICRNL) c = '\n';
    } else if (c == '\n' && settings_.input & kINLCR) {
        c = '\r';
    }
    if (is_canonical() && (receive_editing(c) || receive_line_end(c))) return;
    if (local(kECHO)) {
        if (c == '\n') {
            echo_plain(c);
        } else {
            begin_line();
            echo(c);
        }
    }
    put(c);
}

bool Line::receive_flow(uint8_t c) {
    if (!(settings_.input & kIXON)) return false;
    if (is_key(c, kVSTART)) {
        stop(false);
        return true;
    }
    if (is_key(c, kVSTOP)) {
        stop(true);
        return true;
    }
    if (is_stopped_ && settings_.input & kIXANY) stop(false);
    return false;
}

bool Line::receive_signal(uint8_t c) {
    if (!local(kISIG)) return false;
    int signal = 0;
    if (is_key(c, kVINTR)) signal = kSIGINT;
    if (is_key(c, kVQUIT)) signal = kSIGQUIT;
    if (is_key(c, kVSUSP)) signal = kSIGTSTP;
    if (signal == 0) return false;
    if (!local(kNOFLSH)) {
        flush_input();
        flush_output();
    }
    if (settings_.input & kIXON) stop(false);
    if (local(kECHO)) echo(c);
    owner_.key_signal(signal);
    return true;
}

bool Line::receive_editing(uint8_t c) {
    bool const extended = local(kIEXTEN);
    if (is_key(c, kVERASE) || is_key(c, kVKILL) || (is_key(c, kVWERASE) && extended)) {
        erase(c);
        return true;
    }
    if (is_key(c, kVLNEXT) && extended) {
        is_next_literal_ = true;
        if (local(kECHO) && local(kECHOCTL)) {
            begin_line();
            append(reinterpret_cast<const uint8_t*>("^\b"), 2, kOutput);
        }
        return true;
    }
    if (is_key(c, kVREPRINT) && local(kECHO) && extended) {
        echo(c);
        echo_plain('\n');
        line_column_ = column_;
        for (uint64_t place = canonical_; place != head_; ++place) echo(at(place));
        return true;
    }
    return false;
}

bool Line::receive_line_end(uint8_t c) {
    if (c == '\n') {
        if (local(kECHO) || local(kECHONL)) echo_plain('\n');
        end_line(c, false);
        return true;
    }
    if (is_key(c, kVEOF)) {
        end_line(c, true);
        return true;
    }
    if (is_key(c, kVEOL) || (is_key(c, kVEOL2) && local(kIEXTEN))) {
        if (local(kECHO)) {
            begin_line();
            echo(c);
        }
        end_line(c, false);
        return true;
    }
    return false;
}

void Line::put(uint8_t c) {
    // One place stays free for the line's end.
    if (head_ - tail_ >= kInput - 1) {
        if (settings_.input & kIMAXBEL) echo_plain(kBell);
        return;
    }
    if (c == 0xff && settings_.input & kPARMRK) {
        input_[head_++ % kInput] = c;
        if (head_ - tail_ >= kInput - 1) return;
    }
    input_[head_++ % kInput] = c;
}

void Line::end_line(uint8_t c, bool is_end_of_file) {
    if (head_ - tail_ >= kInput) return;
    size_t const place = head_ % kInput;
    input_[place] = c;
    ends_.set(place);
    ends_of_file_.set(place, is_end_of_file);
    ++head_;
    canonical_ = head_;
}

void Line::begin_line() {
    if (head_ == canonical_) line_column_ = column_;
}

void Line::erase(uint8_t c) {
    if (head_ == canonical_) return;
    bool const is_erase = is_key(c, kVERASE);
    bool const is_word_erase = !is_erase && is_key(c, kVWERASE) && local(kIEXTEN);
    if (!is_erase && !is_word_erase && (!local(kECHO) || !local(kECHOK) || !local(kECHOKE) || !local(kECHOE))) {
        head_ = canonical_;
        if (local(kECHO)) {
            echo(c);
            if (local(kECHOK)) echo_plain('\n');
        }
        return;
    }
    bool in_word = false;
    while (head_ != canonical_) {
        uint64_t first = head_;
        do {
            --first;
        } while (is_continuation(at(first)) && first != canonical_);
        uint8_t const character = at(first);
        if (is_continuation(character)) break;  // the rest of one that is not there
        if (is_word_erase) {
            if (is_word(character)) {
                in_word = true;
            } else if (in_word) {
                break;
            }
        }
        head_ = first;
        if (local(kECHO)) {
            if (is_erase && !local(kECHOE)) {
                echo(c);
            } else {
                erase_echo(first, character);
            }
        }
        if (is_erase) break;
    }
}

// Removes from the screen what was at `place`.
void Line::erase_echo(uint64_t place, uint8_t character) {
    unsigned columns = 1;
    if (character == '\t') {
        // As far as it had moved: from the end of what is before it.
        uint32_t column = line_column_;
        for (uint64_t i = canonical_; i != place; ++i) {
            uint8_t const c = at(i);
            if (c == '\t') {
                column = (column | 7) + 1;
            } else if (is_control(c)) {
                column += local(kECHOCTL) ? 2 : 0;
            } else if (!is_continuation(c)) {
                ++column;
            }
        }
        columns = 8 - (column & 7);
        for (unsigned i = 0; i < columns; ++i) {
            append(reinterpret_cast<const uint8_t*>("\b"), 1, kOutput);
            if (column_) --column_;
        }
        return;
    }
    if (is_control(character)) columns = local(kECHOCTL) ? 2 : 0;
    for (unsigned i = 0; i < columns; ++i) {
        append(reinterpret_cast<const uint8_t*>("\b \b"), 3, kOutput);
        if (column_) --column_;
    }
}

Result<size_t> Line::read(IoBuffer& to) {
    size_t done = 0;
    while (to.remaining() && available()) {
        // Up to the line's end, the buffer's, or the ring's.
        size_t const start = tail_ % kInput;
        size_t const most = std::min({available(), kInput - start, to.remaining()});
        size_t count = most;
        bool is_end = false, is_silent = false;
        if (is_canonical()) {
            for (count = 0; count < most && !is_end; ++count) is_end = ends_.test(start + count);
            is_silent = is_end && ends_of_file_.test(start + count - 1);
        }
        size_t const visible = count - (is_silent ? 1 : 0);
        size_t moved = 0;
        if (visible) {
            auto const copied = to.out(input_.data() + start, visible);
            if (!copied.ok()) return done ? Result<size_t>(done) : copied.error();
            moved = *copied;
        }
        done += moved;
        size_t const used = moved == visible ? count : moved;
        for (size_t i = 0; i < used; ++i) {
            ends_.reset(start + i);
            ends_of_file_.reset(start + i);
        }
        tail_ += used;
        if (!is_canonical()) canonical_ = tail_;
        if (is_end || moved < visible) break;
    }
    // The end-of-file key right behind what has filled the buffer belongs to it.
    if (done && to.remaining() == 0 && is_canonical() && has_line() && ends_of_file_.test(tail_ % kInput) &&
        !ends_.test((tail_ - 1) % kInput)) {
        // Only if those bytes were of the same line; their ends are forgotten, so look at the last byte read.
        uint8_t const last = at(tail_ - 1);
        bool const was_end = last == '\n' || is_key(last, kVEOL) || is_key(last, kVEOL2);
        if (!was_end) {
            ends_.reset(tail_ % kInput);
            ends_of_file_.reset(tail_ % kInput);
            ++tail_;
        }
    }
    return done;
}

void Line::flush_input() {
    tail_ = canonical_ = head_;
    ends_.reset();
    ends_of_file_.reset();
    is_next_literal_ = false;
}

void Line::stop(bool is_stopped) {
    if (is_stopped == is_stopped_) return;
    is_stopped_ = is_stopped;
    owner_.flow_changed(is_stopped);
}

// --- Output

bool Line::append(const uint8_t* bytes, size_t count, size_t limit) {
    if (output_size_ + count > limit) return false;
    for (size_t i = 0; i < count; ++i) output_[(output_start_ + output_size_ + i) % kOutput] = bytes[i];
    output_size_ += count;
    return true;
}

bool Line::put_output(uint8_t c, size_t limit) {
    if (!(settings_.output & kOPOST)) return append(&c, 1, limit);
    uint32_t const flags = settings_.output;
    switch (c) {
        case '\n':
            if (flags & kONLCR) {
                if (!append(reinterpret_cast<const uint8_t*>("\r\n"), 2, limit)) return false;
                column_ = line_column_ = 0;
                return true;
            }
            if (flags & kONLRET) column_ = line_column_ = 0;
            return append(&c, 1, limit);
        case '\r':
            if (flags & kONOCR && column_ == 0) return true;
            if (flags & kOCRNL) {
                c = '\n';
                if (!append(&c, 1, limit)) return false;
                if (flags & kONLRET) column_ = line_column_ = 0;
                return true;
            }
            if (!append(&c, 1, limit)) return false;
            column_ = line_column_ = 0;
            return true;
        case '\t': {
            uint32_t const spaces = 8 - (column_ & 7);
            bool const fits = (flags & kTABDLY) == kXTABS
                                  ? append(reinterpret_cast<const uint8_t*>("        "), spaces, limit)
                                  : append(&c, 1, limit);
            if (fits) column_ += spaces;
            return fits;
        }
        case '\b':
            if (!append(&c, 1, limit)) return false;
            if (column_) --column_;
            return true;
        default:
            if (flags & kOLCUC && c >= 'a' && c <= 'z') c -= 'a' - 'A';
            if (!append(&c, 1, limit)) return false;
            if (!is_control(c) && !is_continuation(c)) ++column_;
            return true;
    }
}

void Line::echo_plain(uint8_t c) { put_output(c, kOutput); }

void Line::echo(uint8_t c) {
    if (local(kECHOCTL) && is_control(c) && c != '\t') {
        uint8_t const text[2] = {'^', static_cast<uint8_t>(c ^ 0100)};
        if (append(text, 2, kOutput)) column_ += 2;
        return;
    }
    echo_plain(c);
}

Result<size_t> Line::write(IoBuffer& from) {
    size_t done = 0;
    while (from.remaining() && output_room()) {
        auto const window = from.window(std::min<size_t>(output_room(), 4096));
        if (!window.ok()) return done ? Result<size_t>(done) : window.error();
        size_t used = 0;
        for (; used < window->size(); ++used) {
            if (!put_output(static_cast<uint8_t>((*window)[used]), kOutput - kOutputForEcho)) break;
        }
        from.advance(used);
        done += used;
        if (used < window->size()) break;
    }
    return done;
}

std::span<const uint8_t> Line::output() const {
    if (is_stopped_) return {};
    size_t const start = output_start_ % kOutput;
    return {output_.data() + start, std::min(output_size_, kOutput - start)};
}

void Line::sent(size_t bytes) {
    output_start_ = (output_start_ + bytes) % kOutput;
    output_size_ -= bytes;
}

}  // namespace kos::lx
