// Room for connections that arrive while a flood of them does.
#include <kos/net/lwip_port.h>
#include <lwip/priv/tcp_priv.h>

namespace {

// Ticks of lwIP's slow clock in half a second.
constexpr u32_t kHalfSecond = 500 / TCP_SLOW_INTERVAL;
// After so long hardly anybody who is there and was answered is still silent.
constexpr u32_t kSilentTicks = 2 * kHalfSecond;
// So many are left to ask again in half a second, before it is a flood.
constexpr unsigned kLeftAtOnce = 256;

struct HalfOpen {
    tcp_pcb* oldest = nullptr;
    u32_t age = 0;  // of the oldest, in ticks
    unsigned count = 0;
};

// Connections whose peers have not gone on since they were answered; listener null: of all listeners.
HalfOpen half_open(const tcp_pcb_listen* listener) {
    HalfOpen result;
    for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
        if (pcb->state != SYN_RCVD || (listener != nullptr && pcb->listener != listener)) continue;
        ++result.count;
        // Of the same tick the last one: new ones come first in the list.
        const u32_t since = tcp_ticks - pcb->tmr;
        if (result.oldest != nullptr && since < result.age) continue;
        result.oldest = pcb;
        result.age = since;
    }
    return result;
}

// Whoever is pushed out although he is about to go on is reset by what he sends next, whereas one who is not let in
// asks again after a second. In a flood, though, he would hardly ever find room.
bool is_flood() {
    static u32_t since;
    static unsigned left;
    if (tcp_ticks - since >= kHalfSecond) {
        since = tcp_ticks;
        left = 0;
    }
    return ++left > kLeftAtOnce;
}

}  // namespace

int kos_lwip_makes_room(const tcp_pcb_listen* listener) {
    const HalfOpen found = half_open(listener);
    if (listener != nullptr) {
        // lwIP counts both kinds together, in a byte. The backlog is for those that wait for accept alone: a program
        // with a short one may be asked by many at once.
        const unsigned all = listener->accepts_pending;
        if (all - found.count >= listener->backlog) return 0;
        if (all < TCP_DEFAULT_LISTEN_BACKLOG) return 1;
    }
    if (found.oldest == nullptr || (found.age < kSilentTicks && !is_flood())) return 0;
    tcp_abandon(found.oldest, 0);
    return 1;
}
