/*
 * How a driver's service keeps callers and answers them later: libkos's side of it. Target only; tests put a list
 * there.
 */
#ifndef KOS_DRIVERS_COMMON_SERVER_CALLS_H_
#define KOS_DRIVERS_COMMON_SERVER_CALLS_H_

#include <kos/server.h>

namespace kos::driver {

struct ServerCalls {
    kos_status_t defer(const kos_caller_t& caller, kos_deferred_t* deferred) {
        return kos_server_defer(server, &caller, deferred);
    }
    void answer(const kos_deferred_t& deferred, kos_status_t status, const kos_msg_t* message) {
        kos_server_answer(&deferred, status, message);
    }

    kos_server_t* server = nullptr;
};

}  // namespace kos::driver

#endif
