// Room for connections that arrive while a flood of them does.
#include <kos/net/lwip_port.h>
#include <lwip/priv/tcp_priv.h>

int kos_lwip_makes_room(const tcp_pcb_listen* listener) {
    tcp_pcb* oldest = nullptr;
    u32_t age = 0;
    for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
        if (pcb->state != SYN_RCVD || (listener != nullptr && pcb->listener != listener)) continue;
        // Of the same tick the last one: new ones come first in the list.
        const u32_t since = tcp_ticks - pcb->tmr;
        if (oldest != nullptr && since < age) continue;
        oldest = pcb;
        age = since;
    }
    if (oldest == nullptr) return 0;
    tcp_abandon(oldest, 0);
    return 1;
}
