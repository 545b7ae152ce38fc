// Bytes to the driver, as many as it has room for, and bytes from it.
#include "platform/console.h"

#include "tty/pty.h"

#include <kos/idl/console.h>

#include <utility>

namespace kos::lx {

namespace {

kos_console_client_t driver;
constexpr size_t kMost = 1024;  // bytes of one request

}  // namespace

Status KosConsole::connect() {
    return kos_status_is_ok(kos_console_connect("console", &driver)) ? Status() : Status(Errno::kENODEV);
}

size_t KosConsole::write(std::span<const uint8_t> bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        auto const now = static_cast<uint32_t>(std::min(bytes.size() - done, kMost));
        uint64_t taken = 0;
        if (!kos_status_is_ok(kos_console_client_write_some(driver, bytes.data() + done, now, &taken)) || taken == 0) {
            // Not later each time: whoever tries again and again would keep input from being read.
            if (!std::exchange(is_blocked_, true)) timers_.set(*this, timers_.now() + kQuick);
            break;
        }
        done += taken;
    }
    return done;
}

void KosConsole::set_client(Client* client) {
    client_ = client;
    if (client_) timers_.set(*this, timers_.now());
}

void KosConsole::input_room() {
    has_room_ = true;
    if (!left_.empty()) timers_.set(*this, timers_.now());
}

void KosConsole::read() {
    while (has_room_) {
        if (left_.empty()) {
            const uint8_t* bytes = nullptr;
            size_t count = 0;
            if (!kos_status_is_ok(kos_console_client_read(driver, kMost, &bytes, &count)) || count == 0) return;
            left_.assign(reinterpret_cast<const char*>(bytes), count);
        }
        size_t const taken = client_->received(std::span(reinterpret_cast<const uint8_t*>(left_.data()), left_.size()));
        has_room_ = taken == left_.size();
        left_.erase(0, taken);
    }
}

void KosConsole::expired() {
    if (!client_) return;
    if (std::exchange(is_blocked_, false)) client_->has_room();
    read();
    timers_.set(*this, timers_.now() + (is_blocked_ ? kQuick : kSlow));
}

void write_to_console(const char* text) {
    std::string const line = std::string(text) + "\r\n";
    for (size_t done = 0; done < line.size();) {
        uint64_t taken = 0;
        auto const left = static_cast<uint32_t>(line.size() - done);
        auto const* const from = reinterpret_cast<const uint8_t*>(line.data()) + done;
        if (!kos_status_is_ok(kos_console_client_write_some(driver, from, left, &taken))) return;
        done += taken;
    }
}

Status open_console(System& system) {
    static KosConsole port(system.timers);
    KOS_TRY_STATUS(port.connect());
    register_console(Ref<Terminal>(new Console(system, port)));
    return {};
}

}  // namespace kos::lx
