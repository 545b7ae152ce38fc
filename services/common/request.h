/*
 * What every request handler asks about a message.
 */
#ifndef KOS_SERVICES_COMMON_REQUEST_H_
#define KOS_SERVICES_COMMON_REQUEST_H_

#include <kos/msg.h>

namespace kos::service {

// Carries nothing in words 0 and 1. (Callers of kos_msg_call_words always send them; zero means nothing.)
inline bool has_no_words(const kos_msg_t& request) {
    return request.has_words == 0 || (request.words[0] == 0 && request.words[1] == 0);
}

}  // namespace kos::service

#endif
