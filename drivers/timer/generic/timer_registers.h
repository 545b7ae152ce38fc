/*
 * The registers of the physical timer of the Arm generic timer, at EL0. Target only.
 *
 * The kernel opens them to user level on boards whose own tick is another timer (on qemu_virt: the virtual one).
 * Source: DDI 0487, D17.11: CNTP_CTL_EL0, CNTP_CVAL_EL0, CNTPCT_EL0.
 */
#ifndef KOS_DRIVERS_TIMER_REGISTERS_H_
#define KOS_DRIVERS_TIMER_REGISTERS_H_

#include <stdint.h>

namespace kos::driver {

class TimerRegisters {
public:
    // isb before: the read is not made ahead of what the program did before (D11.2.1).
    uint64_t counter() const {
        uint64_t value;
        asm volatile("isb\n mrs %0, cntpct_el0" : "=r"(value)::"memory");
        return value;
    }
    uint64_t compare() const {
        uint64_t value;
        asm volatile("mrs %0, cntp_cval_el0" : "=r"(value)::"memory");
        return value;
    }
    uint64_t control() const {
        uint64_t value;
        asm volatile("isb\n mrs %0, cntp_ctl_el0" : "=r"(value)::"memory");
        return value;
    }
    // isb after: the write has taken effect when the call returns.
    void set_compare(uint64_t value) const { asm volatile("msr cntp_cval_el0, %0\n isb" ::"r"(value) : "memory"); }
    void set_control(uint64_t value) const { asm volatile("msr cntp_ctl_el0, %0\n isb" ::"r"(value) : "memory"); }
};

}  // namespace kos::driver

#endif
