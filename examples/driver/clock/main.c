// Driver of the Arm PL031 real-time clock. Registers: Arm DDI 0224C, table 3-1.
#include <kos/app.h>
#include <kos/dev.h>
#include <kos/idl/clock.h>

enum { kData = 0x000, kMatch = 0x004, kMask = 0x010, kClear = 0x01c, kPeripheralId0 = 0xfe0 };

static kos_device_t device;
static kos_interrupt_t interrupt;
static kos_deferred_t waiting;
static bool somebody_waits;

static uint32_t get(uint32_t offset) { return *(volatile uint32_t*)((char*)device.registers + offset); }
static void set(uint32_t offset, uint32_t value) { *(volatile uint32_t*)((char*)device.registers + offset) = value; }

static kos_status_t seconds(kos_clock_server_t* self, const kos_caller_t* caller, uint32_t* now) {
    (void)self, (void)caller;
    *now = get(kData);
    return KOS_STATUS_OK;
}

static kos_status_t wait_until(kos_clock_server_t* self, const kos_caller_t* caller, uint32_t time, uint32_t* now) {
    if (somebody_waits) return KOS_STATUS_CONFLICT;
    *now = get(kData);
    if (time <= *now) return KOS_STATUS_OK;
    kos_status_t const deferred = kos_server_defer(&self->server, caller, &waiting);
    if (!kos_status_is_ok(deferred)) return deferred;
    somebody_waits = true;
    set(kMatch, time);
    set(kMask, 1);
    return KOS_STATUS_NO_REPLY;
}

// The interrupt: clear the cause, answer, and only then let the next one through.
static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (!(bits & interrupt.signal)) return;
    set(kMask, 0);
    set(kClear, 1);
    if (somebody_waits) kos_clock_wait_until_answer(&waiting, get(kData));
    somebody_waits = false;
    kos_dev_interrupt_acknowledge(&interrupt);
}

int main(void) {
    kos_assert_ok(kos_dev_find("pl031", &device));
    kos_assert_ok(kos_dev_interrupt("pl031", &interrupt));
    if ((get(kPeripheralId0) & 0xff) != 0x31) kos_stop("there is no PL031 at this address");
    // The instance before may have left anything behind.
    set(kMask, 0);
    set(kClear, 1);
    kos_dev_interrupt_acknowledge(&interrupt);
    static kos_clock_server_t clock = {
        .server = {.signalled = signalled}, .seconds = seconds, .wait_until = wait_until};
    return kos_clock_server_run(&clock) == KOS_STATUS_OK ? 0 : 1;
}
