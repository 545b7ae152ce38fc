// What generated test code (KOS_IDL_EMIT=probe) tells about each message, so that one test program covers all
// interfaces.
#pragma once

#include <kos/msg.h>

#include <span>

#include "random_values.h"
#include "transport.h"

namespace kos::idl::testing {

// What a dispatch function has answered to `request`, if the one for words only answers the same where it can be asked;
// else what no dispatch function answers.
template <typename DispatchWords>
kos_status_t same_in_words(const kos_msg_t& request, kos_status_t status, DispatchWords dispatch_words) {
    const bool is_words = request.has_words && !request.payload_bytes && !request.token && !request.own.port;
    if (!is_words) return status;
    kos_words_t answer = {};
    return dispatch_words(request.param, request.words[0], request.words[1], answer) == status ? status : 0;
}

struct MessageProbe {
    // A valid message with values from `random`. `buffer`: KOS_PAYLOAD_MAX bytes, aligned to 8.
    void (*make)(RandomValues& random, kos_msg_t& message, void* buffer);
    // Decodes and encodes again; false: refused.
    bool (*recode)(const kos_msg_t& in, kos_msg_t& out, void* buffer);
};

struct MethodProbe {
    const char* interface;  // as in the trace tables
    const char* method;
    MessageProbe request, answer;  // null functions where there is no such message

    // Calls and is served with random parameters and results through the C or C++ binding. Returns what went wrong, or
    // null.
    const char* (*round_trip_c)(RandomValues& random);
    const char* (*round_trip_cpp)(RandomValues& random);
    // Calls with random parameters; what comes back is transport().answer_instead's.
    kos_status_t (*call_c)(RandomValues& random);
    kos_status_t (*call_cpp)(RandomValues& random);
    // Has a server without any call-back or method serve the request.
    kos_status_t (*dispatch_c)(const kos_msg_t& request);
    kos_status_t (*dispatch_cpp)(const kos_msg_t& request);
};

// Of idl/ and the test schemas.
std::span<const std::span<const MethodProbe>> all_probes();

}  // namespace kos::idl::testing
