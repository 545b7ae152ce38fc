/*
 * What a simulated device in a unit test begins with: the machine's counter, which goes on by one microsecond with each
 * read, so that a wait for something that never happens ends.
 */
#ifndef KOS_DRIVER_TESTING_FAKE_HARDWARE_H_
#define KOS_DRIVER_TESTING_FAKE_HARDWARE_H_

#include <stdint.h>

namespace kos::driver {

class FakeCounter {
public:
    uint64_t ticks() { return now_ += kHz / 1000000; }
    uint64_t hz() const { return kHz; }
    void pass_us(uint64_t us) { now_ += us * (kHz / 1000000); }
    uint64_t now_us() const { return now_ / (kHz / 1000000); }

private:
    static constexpr uint64_t kHz = 62000000;
    uint64_t now_ = 0;
};

}  // namespace kos::driver

#endif
