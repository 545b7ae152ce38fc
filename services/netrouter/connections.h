/*
 * Connections that are allowed: what their packets look like on both sides, and for how long.
 *
 * The records lie in memory that survives restarts of the router, so open connections do, too. What is found there is
 * checked like input from outside (restore). The index that finds them is private and made anew. All tables are of
 * fixed size; nothing is allocated later. Pure.
 *
 * Shares: half of the table is divided among the links, the other half is anybody's. A link that has more than its
 * share cannot keep another one from its own. When a link has no room left, its closed connections go first, then the
 * oldest one that nobody has answered. Those begun from the wire that have not been confirmed from there may not take
 * more than half of the link's share, so a flood from outside, answered or not, pushes out itself.
 */
#ifndef KOS_SERVICES_NETROUTER_CONNECTIONS_H_
#define KOS_SERVICES_NETROUTER_CONNECTIONS_H_

#include "packet.h"
#include "policy.h"
#include "rules.h"

namespace kos::netrouter {

// Where packets come from and go to: the wire, or link n - 1.
using Interface = uint8_t;
constexpr Interface kWire = 0;

// What a connection's packets look like as they arrive from one of its ends. ICMP echo: the identifier is the port of
// who asks, the other one is 0.
struct Tuple {
    Ip source;
    Ip destination;
    uint16_t source_port = 0;
    uint16_t destination_port = 0;
    uint8_t protocol = 0;
    Interface interface = kWire;
    uint16_t reserved = 0;

    friend constexpr bool operator==(const Tuple&, const Tuple&) = default;
};

enum class State : uint8_t {
    kFree,
    kTcpNew,      // begun by a domain, not answered
    kTcpNewIn,    // begun from the wire; whoever that was has not gone on since it was answered, or has not been yet
    kTcpOpening,  // begun by a domain, answered
    kTcpOpen,
    kTcpHalf,    // one side has closed
    kTcpClosed,  // both have, or one has given up
    kUdpNew,
    kUdpNewIn,  // as kTcpNewIn
    kUdpOpen,   // answered
    kEcho,
};
constexpr unsigned kStates = 11;

// How long a connection may be silent. RFC 5382 (REQ-5) for TCP, RFC 4787 (REQ-5) for UDP, RFC 5508 (REQ-1) for ICMP.
// Of a closed one, what was lost on the way still has to arrive: it may be as long between two repetitions as a sender
// waits after five of them (RFC 6298). Closed ones are the first to make room, so they cost nobody anything.
constexpr uint64_t silence_us(State state) {
    constexpr uint64_t kSeconds[kStates] = {0, 30, 30, 60, 7440, 600, 30, 30, 30, 180, 60};
    return kSeconds[static_cast<unsigned>(state)] * 1000000;
}

struct Record {
    Tuple way[2];  // 0: from who began it; 1: from the other side
    uint64_t seen_us;
    uint64_t begun_us;
    uint16_t allow;   // rule of the domain that began it, kNoRule: begun from the wire
    uint16_t listen;  // rule of the domain that takes it, kNoRule: leads outside
    State state;
    uint8_t link;  // whose share it is of, and who answers for it
    uint8_t flags;
    uint8_t reserved;
    uint32_t check;  // of what never changes
    uint32_t reserved2;
};
static_assert(sizeof(Record) == 112);

// What rewriting changes in the checksums of a packet of one way.
struct Changes {
    uint16_t header = 0;
    uint16_t transport = 0;
    uint16_t icmp = 0;  // transport checksum of protocols without pseudo-header
};

class Connections {
public:
    static constexpr unsigned kMost = 4096;
    static constexpr size_t kBytes = kMost * sizeof(Record);
    static constexpr uint16_t kNone = 0xffff;

    struct Found {
        uint16_t record = kNone;
        uint8_t way = 0;
        bool ok() const { return record != kNone; }
    };

    // Takes the memory over; no record counts yet. `key`: unpredictable, for the index. False: unfit memory.
    bool open(void* memory, size_t bytes, unsigned links, const uint64_t key[2]);

    // Takes the records of the instance before that are whole and that `allowed(record)` still allows; clears the
    // others. Their times begin anew. Returns how many there are.
    template <typename Allowed>
    unsigned restore(uint64_t now_us, Allowed allowed) {
        unsigned count = 0;
        for (unsigned i = 0; i < kMost; ++i) {
            Record& record = records_[i];
            if (is_whole(record) && allowed(static_cast<const Record&>(record)) && take_over(i, now_us)) {
                ++count;
            } else {
                record.state = State::kFree;
            }
        }
        collect_free();
        return count;
    }

    Found find(const Tuple& tuple) const;

    // Keeps a new connection; `record.state` says how it begins, times and `check` are filled in. kNone: the link has
    // no room. Both of its tuples must be new.
    uint16_t create(const Record& record, uint64_t now_us);
    void remove(uint16_t record);

    // A packet of the connection has passed.
    void touch(uint16_t record, uint8_t way, uint8_t tcp_flags, uint64_t now_us);
    // Ends what has been silent for too long. Looks at the heads of its lists only.
    void expire(uint64_t now_us);

    const Record& operator[](uint16_t record) const { return records_[record]; }
    const Changes& changes(uint16_t record, uint8_t way) const { return changes_[record][way]; }

    unsigned count() const { return count_; }
    unsigned count(unsigned link) const { return of_link_[link]; }
    unsigned count(unsigned link, State state) const { return lists_[link][static_cast<unsigned>(state)].count; }
    uint64_t evicted(unsigned link) const { return evicted_[link]; }
    unsigned share() const { return share_; }

private:
    static constexpr unsigned kHeads = 8192;
    struct List {
        uint16_t first = kNone;
        uint16_t last = kNone;
        uint16_t count = 0;
    };

    unsigned hash(const Tuple& tuple) const;
    bool is_whole(const Record& record) const;
    bool take_over(unsigned record, uint64_t now_us);
    void collect_free();
    void insert(uint16_t record);
    void unchain(uint16_t record, unsigned way);
    void append(uint16_t record);
    void unlist(uint16_t record);
    void set_state(uint16_t record, State state, uint64_t now_us);
    bool make_room(unsigned link, bool is_from_wire);
    bool evict(unsigned link, State state);

    Record* records_ = nullptr;
    uint64_t key_[2] = {};
    unsigned links_ = 0;
    unsigned share_ = 0;
    unsigned excess_ = 0;  // what links have beyond their shares
    unsigned count_ = 0;
    unsigned free_count_ = 0;
    uint16_t free_[kMost];
    uint16_t heads_[kHeads];     // of chains of nodes: record * 2 + way
    uint16_t chain_[kMost * 2];  // next node
    uint16_t before_[kMost];     // list of its link and state
    uint16_t after_[kMost];
    Changes changes_[kMost][2];
    List lists_[kMaxLinks][kStates];
    unsigned of_link_[kMaxLinks] = {};
    uint64_t evicted_[kMaxLinks] = {};
};

}  // namespace kos::netrouter

#endif
