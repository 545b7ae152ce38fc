/*
 * The port "appman": decodes requests, checks who may ask for what, and hands them to the supervisor.
 */
#ifndef KOS_SERVICES_APPMAN_REQUESTS_H_
#define KOS_SERVICES_APPMAN_REQUESTS_H_

#include <kos/msg.h>
#include <kos/ports.h>
#include <kos/server.h>

#include <string_view>

#include "access.h"
#include "supervisor.h"

namespace kos::appman {

class Requests {
public:
    Requests(const manifest::Manifest& manifest, const Access& access, Supervisor& supervisor)
        : manifest_(manifest), access_(access), supervisor_(supervisor) {}

    // `answer` as in kos_server_t; its payload stays valid until the next call. What was asked for is done by the
    // supervisor's next `run`.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer);

private:
    kos_status_t list(const kos_caller_t& caller, uint64_t first, kos_msg_t& answer);
    kos_status_t mode(const kos_caller_t& caller, std::string_view name, kos_msg_t& answer);
    kos_appman_entry_t entry(unsigned domain) const;

    const manifest::Manifest& manifest_;
    const Access& access_;
    Supervisor& supervisor_;
    kos_appman_entry_t entries_[KOS_PAYLOAD_MAX / sizeof(kos_appman_entry_t)];
};

}  // namespace kos::appman

#endif
