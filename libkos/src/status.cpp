// Names of status codes (kos/status.h).
#include <kos/status.h>

const char* kos_status_name(kos_status_t status) {
    switch (status) {
        case KOS_STATUS_OK: return "OK";
        case KOS_STATUS_CREATED: return "CREATED";
        case KOS_STATUS_PONG: return "PONG";
        case KOS_STATUS_BAD_REQUEST: return "BAD_REQUEST";
        case KOS_STATUS_INVALID_ARGUMENT: return "INVALID_ARGUMENT";
        case KOS_STATUS_UNAUTHORIZED: return "UNAUTHORIZED";
        case KOS_STATUS_NOT_FOUND: return "NOT_FOUND";
        case KOS_STATUS_CONFLICT: return "CONFLICT";
        case KOS_STATUS_INVALID_TOKEN: return "INVALID_TOKEN";
        case KOS_STATUS_AT_TOKEN_LIMIT: return "AT_TOKEN_LIMIT";
        case KOS_STATUS_FULL: return "FULL";
        case KOS_STATUS_EMPTY: return "EMPTY";
        case KOS_STATUS_NOT_ENOUGH_MEMORY: return "NOT_ENOUGH_MEMORY";
        case KOS_STATUS_NO_REPLY: return "NO_REPLY";
        case KOS_STATUS_TIMEOUT: return "TIMEOUT";
        case KOS_STATUS_INTERNAL_ERROR: return "INTERNAL_ERROR";
        case KOS_STATUS_UNAVAILABLE: return "UNAVAILABLE";
        case KOS_STATUS_NOT_IMPLEMENTED: return "NOT_IMPLEMENTED";
        case KOS_STATUS_PEER_GONE: return "PEER_GONE";
        case KOS_STATUS_PEER_INVALID: return "PEER_INVALID";
        default: return "UNKNOWN";
    }
}
