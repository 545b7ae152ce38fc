// Answers to segments that lie outside of a connection's window.
#include <kos/net/lwip_port.h>
#include <lwip/priv/tcp_priv.h>

// The half second of the last answer, plus one, is what the connection's extra argument holds; 0: none yet.
int kos_lwip_may_answer(tcp_pcb* connection) {
    constexpr u32_t kHalfSecond = 500 / TCP_SLOW_INTERVAL;  // in ticks
    void* const now = reinterpret_cast<void*>(static_cast<uintptr_t>(tcp_ticks / kHalfSecond) + 1);
    if (tcp_ext_arg_get(connection, 0) == now) return 0;
    tcp_ext_arg_set(connection, 0, now);
    return 1;
}
