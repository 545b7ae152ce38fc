#include "stream.h"

namespace kos::netrouter {

namespace {

constexpr size_t kTcpHeader = 20;
constexpr uint32_t kHalf = uint32_t{1} << 31;  // numbers further away than that lie before

}  // namespace

Segment read_segment(const uint8_t* at, size_t count) {
    Segment segment;
    const size_t header = size_t{at[12]} >> 4 << 2;
    segment.sequence = load32(at + 4);
    segment.acknowledged = load32(at + 8);
    segment.flags = at[13] & 0x3f;
    segment.window = load16(at + 14);
    segment.data = at + header;
    segment.count = count - header;
    if ((segment.flags & kSyn) == 0) return segment;
    for (size_t i = kTcpHeader; i + 1 < header && at[i] != 0;) {
        if (at[i] == 1) {
            ++i;
            continue;
        }
        const size_t size = at[i + 1];
        if (size < 2 || size > header - i) break;
        if (at[i] == 2 && size == 4) segment.most_bytes = load16(at + i + 2);
        i += size;
    }
    return segment;
}

uint16_t Stream::window() const {
    const size_t room = room_.in_bytes - in_count_;
    return static_cast<uint16_t>(room < 0xffff ? room : 0xffff);
}

void Stream::emit(Out& out, uint8_t flags, uint32_t sequence, const uint8_t* data, size_t count) {
    Segment segment;
    segment.sequence = sequence;
    segment.acknowledged = (flags & kAck) != 0 ? expected_ : 0;
    segment.window = window();
    segment.most_bytes = (flags & kSyn) != 0 ? kMostSegment : uint16_t{0};
    segment.flags = flags;
    segment.data = data;
    segment.count = count;
    out.send(segment);
}

void Stream::begin(const Room& room, uint32_t first, uint64_t now_us) {
    *this = {};
    room_ = room;
    first_ = first;
    next_ = first + 1;
    top_ = next_;
    progress_us_ = now_us;
    repeat_us_ = now_us + kRepeatUs;
}

void Stream::connect(const Room& room, uint32_t first, uint64_t now_us, Out& out) {
    begin(room, first, now_us);
    state_ = State::kAsking;
    emit(out, kSyn, first_);
}

void Stream::accept(const Room& room, const Segment& syn, uint32_t first, uint64_t now_us, Out& out) {
    begin(room, first, now_us);
    state_ = State::kAnswering;
    expected_ = syn.sequence + 1;
    peer_window_ = syn.window;
    if (syn.most_bytes != 0) most_ = syn.most_bytes < kMostSegment ? syn.most_bytes : kMostSegment;
    if (most_ < 64) most_ = 64;  // not a packet for each byte
    emit(out, kSyn | kAck, first_);
}

uint8_t* Stream::reserve(size_t bytes) {
    if (!has_all_arrived() || is_finishing_ || state_ == State::kFree || state_ == State::kClosed) return nullptr;
    out_at_ = out_count_ = 0;
    return bytes <= room_.out_bytes ? room_.out : nullptr;
}

void Stream::commit(size_t bytes, uint64_t now_us, Out& out) {
    out_count_ = bytes;
    repeat_us_ = now_us + kRepeatUs;
    (void)pump(now_us, out);
}

void Stream::finish(uint64_t now_us, Out& out) {
    if (is_finishing_ || state_ == State::kFree) return;
    is_finishing_ = true;
    if (has_all_arrived()) repeat_us_ = now_us + kRepeatUs;
    (void)pump(now_us, out);
}

void Stream::reset(Out& out) {
    if (state_ == State::kFree) return;
    if (state_ != State::kAsking && state_ != State::kClosed) emit(out, kRst | kAck, top_);
    state_ = State::kFree;
}

void Stream::consume(size_t bytes, Out& out) {
    const bool was_full = window() < kLeastSegment;
    in_count_ -= bytes;
    __builtin_memmove(room_.in, room_.in + bytes, in_count_);
    // Who waits for room is told that there is some.
    if (was_full && state_ == State::kOpen) emit(out, kAck, next_);
}

// Sends what the peer has room for, and the end behind the last byte. False: there was nothing to be sent.
bool Stream::pump(uint64_t now_us, Out& out, size_t least_window) {
    if (state_ != State::kOpen) return false;
    const size_t waiting = out_count_ - out_at_;
    const size_t room = peer_window_ < least_window ? least_window : peer_window_;
    bool has_sent = false;
    for (;;) {
        const size_t under_way = next_ - first_;
        if (under_way >= waiting || under_way >= room) break;
        size_t count = waiting - under_way;
        if (count > room - under_way) count = room - under_way;
        if (count > most_) count = most_;
        const bool is_last = under_way + count == waiting;
        emit(out, static_cast<uint8_t>(is_last ? kAck | kPsh : kAck + 0), next_, room_.out + out_at_ + under_way,
             count);
        next_ += static_cast<uint32_t>(count);
        has_sent = true;
    }
    if (is_finishing_ && !is_end_acknowledged_ && next_ - first_ == waiting) {
        emit(out, kFin | kAck, next_);
        ++next_;
        has_sent = true;
    }
    if (next_ - top_ < kHalf) top_ = next_;
    if (has_sent && repeat_us_ < now_us) repeat_us_ = now_us + kRepeatUs;
    return has_sent;
}

// False: of something that was never sent.
bool Stream::take_acknowledgement(const Segment& segment, uint64_t now_us) {
    const uint32_t fresh = segment.acknowledged - first_;
    if (fresh >= kHalf) return true;  // an old one
    if (fresh > top_ - first_) return false;
    peer_window_ = segment.window;
    if (fresh == 0) return true;
    const size_t waiting = out_count_ - out_at_;
    if (fresh > waiting) is_end_acknowledged_ = true;  // that is all there is behind the last byte
    out_at_ += fresh > waiting ? waiting : fresh;
    first_ = segment.acknowledged;
    if (next_ - first_ >= kHalf) next_ = first_;
    repeats_ = 0;
    repeat_us_ = now_us + kRepeatUs;
    progress_us_ = now_us;
    return true;
}

void Stream::take_data(const Segment& segment, uint64_t now_us) {
    const uint32_t known = expected_ - segment.sequence;
    if (known >= kHalf || known > segment.count || has_peer_ended_) return;  // not the next bytes
    const size_t fresh = segment.count - known;
    const size_t room = room_.in_bytes - in_count_;
    const size_t count = fresh < room ? fresh : room;
    __builtin_memcpy(room_.in + in_count_, segment.data + known, count);
    in_count_ += count;
    expected_ += static_cast<uint32_t>(count);
    if (count != 0) progress_us_ = now_us;
    if (count != fresh || (segment.flags & kFin) == 0) return;
    ++expected_;
    has_peer_ended_ = true;
    progress_us_ = now_us;
}

void Stream::input(const Segment& segment, uint64_t now_us, Out& out) {
    if (state_ == State::kFree) return;
    const bool is_answer = (segment.flags & kAck) != 0 && segment.acknowledged == first_ + 1;
    if (segment.flags & kRst) {
        // Only who knows the next number may end it (RFC 5961, 3.2).
        const bool is_right = state_ == State::kAsking ? is_answer : segment.sequence == expected_;
        if (is_right) state_ = State::kFree;
        return;
    }
    if (state_ == State::kAsking) {
        if ((segment.flags & kSyn) == 0 || !is_answer) return;
        expected_ = segment.sequence + 1;
        if (segment.most_bytes >= 64) most_ = segment.most_bytes < kMostSegment ? segment.most_bytes : kMostSegment;
    } else if (segment.flags & kSyn) {
        // The same again: its answer was lost. Anything else is told what is expected (RFC 5961, 4.2).
        const bool is_same = state_ == State::kAnswering && segment.sequence + 1 == expected_;
        return is_same ? emit(out, kSyn | kAck, first_) : emit(out, kAck, top_);
    }
    if ((segment.flags & kAck) == 0) return;
    const bool was_opening = state_ == State::kAsking || state_ == State::kAnswering;
    if (was_opening) {
        if (!is_answer) return;
        first_ = next_ = top_ = segment.acknowledged;
        peer_window_ = segment.window;
        repeats_ = 0;
        repeat_us_ = now_us + kRepeatUs;
        progress_us_ = now_us;
        const bool must_acknowledge = state_ == State::kAsking;
        state_ = State::kOpen;
        if (must_acknowledge) {
            if (!pump(now_us, out)) emit(out, kAck, next_);
            return;
        }
    }
    const bool is_known = take_acknowledgement(segment, now_us);
    const bool is_heard = segment.count != 0 || (segment.flags & kFin) != 0 || !is_known;
    if (is_known) take_data(segment, now_us);
    if (!pump(now_us, out) && is_heard) emit(out, kAck, top_);
    if (state_ == State::kOpen && is_end_acknowledged_ && has_peer_ended_) {
        state_ = State::kClosed;
        repeat_us_ = now_us + kLingerUs;
    }
}

void Stream::tick(uint64_t now_us, Out& out) {
    if (state_ == State::kFree || now_us < repeat_us_) return;
    if (state_ == State::kClosed) {
        state_ = State::kFree;
        return;
    }
    const bool is_waiting = state_ != State::kOpen || !has_all_arrived() || (is_finishing_ && !is_end_acknowledged_);
    if (!is_waiting) return;
    if (++repeats_ > kMostRepeats) return reset(out);
    repeat_us_ = now_us + (kRepeatUs << repeats_);
    if (state_ == State::kAsking) return emit(out, kSyn, first_);
    if (state_ == State::kAnswering) return emit(out, kSyn | kAck, first_);
    next_ = first_;
    // One byte at least, so that a window that has opened is heard of (RFC 9293, 3.8.6.1).
    (void)pump(now_us, out, 1);
}

}  // namespace kos::netrouter
