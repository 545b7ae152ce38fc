// Client of the log (kos/log.h).
#include "runtime.h"

#include <kos/dir.h>
#include <kos/log.h>
#include <kos/ports.h>

#include <stdarg.h>
#include <stdio.h>

namespace {

kos_status_t write(kos_log_level level, const char* format, va_list arguments) {
    if (level < KOS_LOG_ERROR || level > KOS_LOG_DEBUG) return KOS_STATUS_INVALID_ARGUMENT;
    char text[KOS_LOG_TEXT_MAX + 1];
    int const length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0) return KOS_STATUS_INVALID_ARGUMENT;
    kos_slot_t log = 0;
    kos_status_t const found = kos_dir_request("log", &log);
    if (!kos_status_is_ok(found)) return found;
    kos_msg_t message{};
    message.label = KOS_LOG_WRITE;
    message.param = level;
    message.payload = text;
    message.payload_bytes =
        static_cast<uint32_t>(length) < KOS_LOG_TEXT_MAX ? static_cast<uint32_t>(length) : uint32_t{KOS_LOG_TEXT_MAX};
    kos_msg_t attempt = message;
    kos_status_t status = kos_msg_call(log, &attempt);
    // A log that was restarted while it had the line is asked once more; a line twice is better than none.
    if (status == KOS_STATUS_PEER_GONE) status = kos_msg_call(log, &message);
    return status;
}

}  // namespace

kos_status_t kos_log(enum kos_log_level level, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    kos_status_t const status = write(level, format, arguments);
    va_end(arguments);
    return status;
}

int kos_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    kos_status_t const status = write(KOS_LOG_INFO, format, arguments);
    va_end(arguments);
    return kos_status_is_ok(status) ? 0 : -1;
}
