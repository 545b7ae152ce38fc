/*
 * One deadline on the physical timer of the Arm generic timer, and the check that nobody else has altered it.
 *
 * For the timer service, which owns the timer by agreement only: every thread of the machine can write these registers
 * (the kernel leaves them open to user level). So the last programmed values are kept here and compared; who else wrote
 * can delay or hasten one interrupt, and is found out by the next check().
 * The registers are those of the core on which the calling thread runs: all calls are made from one core.
 * Source: Arm Architecture Reference Manual, DDI 0487, chapters D11 (The Generic Timer) and D17.11 (its registers).
 */
#ifndef KOS_DRIVERS_GENERIC_TIMER_H_
#define KOS_DRIVERS_GENERIC_TIMER_H_

#include <stdint.h>

namespace kos::driver {

// CNTP_CTL_EL0
constexpr uint64_t kTimerEnable = 1u << 0;
constexpr uint64_t kTimerMask = 1u << 1;
constexpr uint64_t kTimerCondition = 1u << 2;  // read-only: the counter has reached the compare value

// What somebody else did to the timer.
enum class TimerTampering : uint8_t {
    kNone,
    kCompare,  // the compare value is not the programmed one
    kControl,  // enabled or masked against what was programmed
};

// `Registers` is TimerRegisters (timer_registers.h), in tests a model:
//   uint64_t counter(), compare(), control(); void set_compare(uint64_t), set_control(uint64_t); each write takes
//   effect before the call returns.
template <typename Registers>
class GenericTimer {
public:
    explicit GenericTimer(Registers& registers) : registers_(registers) {}

    // No deadline, no interrupt, whatever state the timer was in. Called once before everything else.
    void reset() {
        registers_.set_control(0);
        registers_.set_compare(UINT64_MAX);
        armed_ = false;
        deadline_ = UINT64_MAX;
    }

    uint64_t now() { return registers_.counter(); }
    bool armed() const { return armed_; }
    uint64_t deadline() const { return deadline_; }  // UINT64_MAX if not armed

    // The interrupt is raised when the counter reaches `deadline`: at once if it has already. Replaces the former
    // deadline.
    void arm(uint64_t deadline) {
        // Off meanwhile: the old condition must not be seen with the new value. In this order, so that an interrupt can
        // only come from the new pair.
        registers_.set_control(0);
        registers_.set_compare(deadline);
        registers_.set_control(kTimerEnable);
        armed_ = true;
        deadline_ = deadline;
    }

    // No deadline any more. The line falls, so a level-triggered interrupt may be acknowledged afterwards.
    void disarm() {
        registers_.set_control(0);
        armed_ = false;
        deadline_ = UINT64_MAX;
    }

    // Whether the deadline has been reached, by the counter alone: right whatever was done to the timer's registers.
    bool due() { return armed_ && registers_.counter() >= deadline_; }

    // Compares the registers with what was programmed and, if they differ, programs them again. To be called at each
    // request, at each interrupt before the acknowledge, and from time to time.
    TimerTampering check() {
        const uint64_t control = registers_.control() & (kTimerEnable | kTimerMask);
        const uint64_t compare = registers_.compare();
        TimerTampering found = TimerTampering::kNone;
        if (control != (armed_ ? kTimerEnable : 0)) {
            found = TimerTampering::kControl;
        } else if (armed_ && compare != deadline_) {
            // Not looked at while disarmed: it has no effect then, and arm() writes it.
            found = TimerTampering::kCompare;
        }
        if (found != TimerTampering::kNone) {
            alterations_++;
            if (armed_) {
                arm(deadline_);
            } else {
                disarm();
            }
        }
        return found;
    }

    // How often check() found that somebody else had written the timer.
    uint64_t alterations() const { return alterations_; }

private:
    Registers& registers_;
    bool armed_ = false;
    uint64_t deadline_ = UINT64_MAX;
    uint64_t alterations_ = 0;
};

}  // namespace kos::driver

#endif
