/*
 * The port "entropy": decodes requests and answers them from the generator. No I/O.
 */
#ifndef KOS_SERVICES_ENTROPY_SERVICE_H_
#define KOS_SERVICES_ENTROPY_SERVICE_H_

#include <kos/msg.h>
#include <kos/ports.h>
#include <kos/server.h>

#include <stdint.h>

#include "generator.h"

namespace kos::entropy {

class Service {
public:
    explicit Service(Generator& generator) : generator_(generator) {}

    // `answer` as in kos_server_t. Its payload stays valid until `sent`.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer);

    // Forgets what the last answer carried. At the beginning of every call, too: nobody gets what was another's.
    void sent();

private:
    Generator& generator_;
    uint8_t buffer_[KOS_PAYLOAD_MAX] = {};
    size_t used_ = 0;
};

}  // namespace kos::entropy

#endif
