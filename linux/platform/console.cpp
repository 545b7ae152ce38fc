// The serial driver as a terminal's device. The driver does not tell of bytes that have arrived or of room, so a timer
// asks: often while somebody types or output waits, seldom otherwise.
#include "platform/console.h"

#include "tty/console.h"
#include "tty/pty.h"

#include <kos/idl/console.h>
#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr Nanoseconds kOften = 4 * kMillisecond, kSeldom = 25 * kMillisecond, kTyping = 1000 * kMillisecond;

class DriverPort final : public ConsolePort, private Timer {
public:
    DriverPort(kos_console_client_t driver, Timers& timers) : driver_(driver), timers_(timers) {}

    size_t write(std::span<const uint8_t> bytes) override {
        uint64_t taken = 0;
        auto const count = static_cast<uint32_t>(std::min<size_t>(bytes.size(), kMost));
        // A driver that has gone (it is restarted) loses what was written meanwhile; programs do not wait for it.
        kos_status_t const status = kos_console_client_write_some(driver_, bytes.data(), count, &taken);
        if (!kos_status_is_ok(status)) return count;
        if (taken < bytes.size() && !is_full_) {
            is_full_ = true;
            timers_.set(*this, timers_.now() + kOften);
        }
        return std::min<size_t>(taken, count);
    }
    void input_room() override {
        if (pending_bytes_) offer();
    }
    void set_client(Client* client) override {
        client_ = client;
        if (client_) timers_.set(*this, timers_.now() + kOften);
    }

private:
    static constexpr size_t kMost = 4096, kPending = 256;

    void expired() override {
        if (!client_) return;
        if (pending_bytes_ == 0) fetch();
        if (std::exchange(is_full_, false)) client_->has_room();
        Nanoseconds const now = timers_.now();
        bool const is_busy = is_full_ || now - last_input_ < kTyping;
        timers_.set(*this, now + (is_busy ? kOften : kSeldom));
    }
    void fetch() {
        const uint8_t* data = nullptr;
        size_t bytes = 0;
        if (!kos_status_is_ok(kos_console_client_read(driver_, kPending, &data, &bytes)) || bytes == 0) return;
        last_input_ = timers_.now();
        // Echo calls the driver again, and then `data` is gone.
        pending_bytes_ = std::min(bytes, kPending);
        memcpy(pending_, data, pending_bytes_);
        offer();
    }
    void offer() {
        size_t const taken = client_->received({pending_, pending_bytes_});
        pending_bytes_ -= taken;
        memmove(pending_, pending_ + taken, pending_bytes_);
    }

    kos_console_client_t driver_;
    Timers& timers_;
    Client* client_ = nullptr;
    bool is_full_ = false;
    Nanoseconds last_input_ = 0;
    uint8_t pending_[kPending] = {};  // fetched, but nobody has read what was before them
    size_t pending_bytes_ = 0;
};

}  // namespace

Status open_console(System& system) {
    kos_console_client_t driver;
    if (!kos_status_is_ok(kos_console_connect("console", &driver))) return Errno::kENODEV;
    static DriverPort port(driver, system.timers);
    register_console(make_ref<Console>(system, port));
    return {};
}

}  // namespace kos::lx
