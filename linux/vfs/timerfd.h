// timerfd_create(2): a timer that is read from.
#pragma once

#include "time/clock.h"
#include "vfs/file.h"

namespace kos::lx {

constexpr int kCLOCK_REALTIME = 0, kCLOCK_MONOTONIC = 1, kCLOCK_BOOTTIME = 7, kCLOCK_REALTIME_ALARM = 8,
              kCLOCK_BOOTTIME_ALARM = 9;
constexpr uint32_t kTFD_TIMER_ABSTIME = 1, kTFD_TIMER_CANCEL_ON_SET = 2;

class TimerFile final : public File {
public:
    static Result<Ref<TimerFile>> create(Timers& timers, int clock, uint32_t open_flags);  // kEINVAL
    ~TimerFile() override;

    struct Setting {
        Nanoseconds value = 0;  // until (or at which) it expires next; 0: not set
        Nanoseconds interval = 0;
    };
    // Returns the setting before. `setting_flags`: kTFD_TIMER_*.
    Setting set(const Setting& setting, uint32_t setting_flags);
    Setting get();

    Result<size_t> read(IoBuffer& to) override;  // 8 bytes: expirations since the last read; kECANCELED
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    TimerFile* as_timer() override { return this; }
    Result<Attributes> attributes() override { return attributes_; }
    std::string anonymous_name() const override { return "anon_inode:[timerfd]"; }
    std::string details() const override;

private:
    class Alarm final : public Timer {
    public:
        explicit Alarm(TimerFile& file) : file_(file) {}
        void expired() override;

    private:
        TimerFile& file_;
    };
    class ClockSet final : public WaitEntry {
    public:
        explicit ClockSet(TimerFile& file) : file_(file) {}
        bool woken(uint32_t events) override;

    private:
        TimerFile& file_;
    };

    TimerFile(Timers& timers, int clock, uint32_t open_flags);
    bool is_realtime() const { return clock_ == kCLOCK_REALTIME || clock_ == kCLOCK_REALTIME_ALARM; }
    void start();
    void catch_up();  // counts the intervals that have passed since it expired, and goes on

    Timers& timers_;
    int const clock_;
    Alarm alarm_;
    ClockSet clock_set_;
    Nanoseconds next_ = 0;  // monotonic, or of the real-time clock if follows_realtime_; 0: not set
    Nanoseconds interval_ = 0;
    bool follows_realtime_ = false;  // absolute on CLOCK_REALTIME
    bool cancels_on_set_ = false;
    bool is_cancelled_ = false;
    bool has_expired_ = false;  // and was not started again
    uint64_t expirations_ = 0;
    uint32_t setting_flags_ = 0;
    Attributes attributes_;
};

}  // namespace kos::lx
