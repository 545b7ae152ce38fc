// Room for connections that arrive while a flood of them does.
#include <kos/net/lwip_port.h>
#include <lwip/priv/tcp_priv.h>

namespace {

constexpr unsigned kMostHalfOpen = 128;  // of one listener

struct HalfOpen {
    tcp_pcb* oldest = nullptr;
    unsigned count = 0;
};

// Connections whose peers have not gone on since they were answered; listener null: of all listeners.
HalfOpen half_open(const tcp_pcb_listen* listener) {
    HalfOpen result;
    u32_t age = 0;
    for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
        if (pcb->state != SYN_RCVD || (listener != nullptr && pcb->listener != listener)) continue;
        ++result.count;
        // Of the same tick the last one: new ones come first in the list.
        const u32_t since = tcp_ticks - pcb->tmr;
        if (result.oldest != nullptr && since < age) continue;
        result.oldest = pcb;
        age = since;
    }
    return result;
}

}  // namespace

int kos_lwip_makes_room(const tcp_pcb_listen* listener) {
    const HalfOpen found = half_open(listener);
    if (listener != nullptr) {
        // lwIP counts both kinds together, in a byte. The backlog is for those that wait for accept alone: a program
        // with a short one may be asked by many at once.
        const unsigned all = listener->accepts_pending;
        if (all - found.count >= listener->backlog) return 0;
        if (found.count < kMostHalfOpen && all < TCP_DEFAULT_LISTEN_BACKLOG) return 1;
    }
    if (found.oldest == nullptr) return 0;
    tcp_abandon(found.oldest, 0);
    return 1;
}
