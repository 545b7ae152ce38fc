// The log: text with a level, kept in a ring that survives the writer, and shown on the console.
#pragma once

#include <kos/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kos_log_level { KOS_LOG_ERROR = 1, KOS_LOG_WARNING = 2, KOS_LOG_INFO = 3, KOS_LOG_DEBUG = 4 };

// Formats as printf, at most 240 bytes, and hands it to the log. FULL when this domain writes more than its rate,
// INVALID_ARGUMENT for a level that is none. The origin is added by the log service, from the caller's badge.
kos_status_t kos_log(enum kos_log_level level, const char* format, ...) __attribute__((format(printf, 2, 3)));

#define kos_log_error(...) kos_log(KOS_LOG_ERROR, __VA_ARGS__)
#define kos_log_warning(...) kos_log(KOS_LOG_WARNING, __VA_ARGS__)
#define kos_log_info(...) kos_log(KOS_LOG_INFO, __VA_ARGS__)
#define kos_log_debug(...) kos_log(KOS_LOG_DEBUG, __VA_ARGS__)

// One line to the log at level INFO.
int kos_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif
