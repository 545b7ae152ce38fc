/*
 * One end of a TCP connection of the router's own (RFC 9293), for names: short messages, one at a time each way.
 *
 * As little as that needs: bytes are taken in order only, what is sent is repeated from the first byte that is not
 * acknowledged, and everything ends by itself: a peer that takes nothing, by repetitions; one that says nothing, by
 * who uses this. Segments come in after their checksum is known to be right, and go out through Out. No clock, no
 * memory of its own. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_STREAM_H_
#define KOS_SERVICES_NETROUTER_STREAM_H_

#include "packet.h"

namespace kos::netrouter {

struct Segment {
    uint32_t sequence = 0;
    uint32_t acknowledged = 0;
    uint16_t window = 0;
    uint16_t most_bytes = 0;  // the option of a SYN; 0: it has none
    uint8_t flags = 0;
    const uint8_t* data = nullptr;
    size_t count = 0;
};

// The segment of `count` bytes, its header included, which parse() has found whole.
Segment read_segment(const uint8_t* at, size_t count);

class Stream {
public:
    static constexpr uint16_t kMostSegment = 1440;  // bytes of data, with IPv6 on Ethernet
    static constexpr uint16_t kLeastSegment = 536;  // RFC 9293, 3.7.1: of who says nothing
    static constexpr uint64_t kRepeatUs = 1000000;  // RFC 6298, 2; doubled each time
    static constexpr unsigned kMostRepeats = 4;     // half a minute
    static constexpr uint64_t kLingerUs = 2000000;  // closed: for an end that is repeated

    enum class State : uint8_t { kFree, kAsking, kAnswering, kOpen, kClosed };

    class Out {
    public:
        // As good as lost if it cannot be sent.
        virtual void send(const Segment& segment) = 0;

    protected:
        ~Out() = default;
    };

    // Where received and sent bytes wait; theirs as long as this is not free.
    struct Room {
        uint8_t* in = nullptr;
        size_t in_bytes = 0;
        uint8_t* out = nullptr;
        size_t out_bytes = 0;
    };

    // Begins: to a peer, or with a peer's SYN. `first`: unpredictable.
    void connect(const Room& room, uint32_t first, uint64_t now_us, Out& out);
    void accept(const Room& room, const Segment& syn, uint32_t first, uint64_t now_us, Out& out);

    void input(const Segment& segment, uint64_t now_us, Out& out);
    // Repeats what is due; after kMostRepeats the connection is reset. At least once a second.
    void tick(uint64_t now_us, Out& out);

    // Room for bytes to be sent, if everything before has arrived; null: it has not, or nothing may follow.
    uint8_t* reserve(size_t bytes);
    void commit(size_t bytes, uint64_t now_us, Out& out);
    // Nothing follows what was committed.
    void finish(uint64_t now_us, Out& out);
    // Ends it at once.
    void reset(Out& out);

    const uint8_t* received() const { return room_.in; }
    size_t received_bytes() const { return in_count_; }
    void consume(size_t bytes, Out& out);

    State state() const { return state_; }
    bool is_free() const { return state_ == State::kFree; }
    // The peer sends nothing more.
    bool has_peer_ended() const { return has_peer_ended_; }
    bool is_finishing() const { return is_finishing_; }
    // Everything committed has arrived.
    bool has_all_arrived() const { return out_at_ == out_count_; }
    // When bytes came or arrived last.
    uint64_t progress_us() const { return progress_us_; }

private:
    uint16_t window() const;
    void begin(const Room& room, uint32_t first, uint64_t now_us);
    void emit(Out& out, uint8_t flags, uint32_t sequence, const uint8_t* data = nullptr, size_t count = 0);
    bool pump(uint64_t now_us, Out& out, size_t least_window = 0);
    bool take_acknowledgement(const Segment& segment, uint64_t now_us);
    void take_data(const Segment& segment, uint64_t now_us);

    Room room_;
    State state_ = State::kFree;
    bool is_finishing_ = false;
    bool is_end_acknowledged_ = false;
    bool has_peer_ended_ = false;
    uint8_t repeats_ = 0;
    uint16_t peer_window_ = 0;
    uint16_t most_ = kLeastSegment;
    uint32_t first_ = 0;  // the first number that is not acknowledged: of out[out_at_], or of the SYN or FIN
    uint32_t next_ = 0;   // the next to be sent
    uint32_t top_ = 0;    // behind the last one that ever was
    uint32_t expected_ = 0;
    size_t in_count_ = 0;
    size_t out_at_ = 0;
    size_t out_count_ = 0;
    uint64_t repeat_us_ = 0;
    uint64_t progress_us_ = 0;
};

}  // namespace kos::netrouter

#endif
