// Life cycle and description of the own domain.
#pragma once

#include <kos/abi.h>
#include <kos/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// The application's entry is main(void) or main(int argc, char** argv) with the manifest's arguments. Its return value
// ends the domain (0: done, other: error).

const kos_startup_t* kos_app_startup(void);  // valid for the life of the domain

// Initialisation is done: appman starts those who wait for this domain. kos_server_run does it by itself.
kos_status_t kos_app_ready(void);

// Tells the watchdog that the domain works; for threads without a server loop, at least every watchdog_ms.
void kos_app_alive(void);

// 1 once appman has asked the domain to stop; the loop of server.h ends then by itself. In a main thread without that
// loop it also answers the watchdog's questions.
int kos_app_should_stop(void);

KOS_NORETURN void kos_app_exit(int status);

// Value of a key of the manifest's [parameters]. Static storage; NULL if absent.
const char* kos_app_parameter(const char* key);
// As a decimal or 0x number; `otherwise` if absent. A value that is no number is a mistake in the manifest: ends the
// domain.
uint64_t kos_app_parameter_number(const char* key, uint64_t otherwise);

// Ends the domain with a record that says why.
KOS_NORETURN void kos_stop(const char* reason);
KOS_NORETURN void kos_assert_failed(const char* what, const char* file, int line);
#define kos_assert(condition) ((condition) ? (void)0 : kos_assert_failed(#condition, __FILE__, __LINE__))
#define kos_assert_eq(a, b) kos_assert((a) == (b))
#define kos_assert_ok(status) kos_assert(kos_status_is_ok(status))
#define kos_assert_created(status) kos_assert((status) == KOS_STATUS_CREATED)

#ifdef __cplusplus
}
#endif
