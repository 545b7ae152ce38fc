/*
 * What the services of several drivers check in every request.
 */
#ifndef KOS_DRIVERS_COMMON_MESSAGE_H_
#define KOS_DRIVERS_COMMON_MESSAGE_H_

#include <kos/server.h>

#include <stdint.h>

namespace kos::driver {

// A word of the request, 0 if it has none.
inline uint64_t word_of(const kos_msg_t& request, unsigned index) {
    return request.has_words != 0 ? request.words[index] : 0;
}

// Nothing but a label and param: no words other than 0, no token, no payload; and through the connection itself.
inline bool is_param_only(const kos_caller_t& caller, const kos_msg_t& request) {
    return word_of(request, 0) == 0 && word_of(request, 1) == 0 && request.token == 0 && caller.token == 0 &&
           request.payload_bytes == 0;
}

}  // namespace kos::driver

#endif
