/*
 * The port "entropy": answers requests from the generator. No I/O.
 */
#ifndef KOS_SERVICES_ENTROPY_SERVICE_H_
#define KOS_SERVICES_ENTROPY_SERVICE_H_

#include <kos/idl/entropy.hpp>

#include <stdint.h>
#include <span>

#include "generator.h"

namespace kos::entropy {

class Service : public idl::entropy::Server<Service> {
public:
    explicit Service(Generator& generator) : generator_(generator) {}

    // `answer` as in kos_server_t. Its payload stays valid until `sent`.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer);

    // The interface (idl/entropy.capnp).
    bool accepts(const idl::Caller& caller) const { return caller.token == 0; }
    idl::Result<std::span<const uint8_t>> get(const idl::Caller& caller, uint64_t bytes);
    idl::Result<idl::entropy::StatusAnswer> status(const idl::Caller& caller);

    // Forgets what the last answer carried. At the beginning of every call, too: nobody gets what was another's.
    void sent();

private:
    Generator& generator_;
    uint8_t buffer_[KOS_PAYLOAD_MAX] = {};
    size_t used_ = 0;
};

}  // namespace kos::entropy

#endif
