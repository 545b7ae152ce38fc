// Bytes to the driver, as many as it has room for, and bytes from it.
#include "platform/console.h"

#include "tty/pty.h"

#include <kos/app.h>
#include <kos/idl/console.h>

#include <utility>

namespace kos::lx {

namespace {

kos_console_client_t driver;
constexpr size_t kMost = 1024;             // bytes of one request
constexpr uint64_t kInput = 1, kRoom = 2;  // idl/console.capnp, wake
KosConsole* the_console = nullptr;

}  // namespace

Status KosConsole::connect() {
    const char* const named = kos_app_parameter("console");
    return kos_status_is_ok(kos_console_connect(named ? named : "console", &driver)) ? Status()
                                                                                     : Status(Errno::kENODEV);
}

size_t KosConsole::write(std::span<const uint8_t> bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        auto const now = static_cast<uint32_t>(std::min(bytes.size() - done, kMost));
        uint64_t taken = 0;
        if (!kos_status_is_ok(kos_console_client_write_some(driver, bytes.data() + done, now, &taken)) || taken == 0) {
            if (!std::exchange(is_blocked_, true)) ask();
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
    // Not from here: the terminal is in the middle of giving a program what it had.
    if (std::exchange(is_full_, false)) timers_.set(*this, timers_.now());
}

void KosConsole::read() {
    while (!is_full_ && may_read_) {
        if (left_.empty()) {
            const uint8_t* bytes = nullptr;
            size_t count = 0;
            kos_status_t const status = kos_console_client_read(driver, kMost, &bytes, &count);
            may_read_ = status != KOS_STATUS_UNAUTHORIZED;
            if (!kos_status_is_ok(status) || count == 0) return;
            left_.assign(reinterpret_cast<const char*>(bytes), count);
        }
        size_t const taken = client_->received(std::span(reinterpret_cast<const uint8_t*>(left_.data()), left_.size()));
        is_full_ = taken < left_.size();
        left_.erase(0, taken);
    }
}

void KosConsole::look() {
    if (!client_) return;
    if (std::exchange(is_blocked_, false)) client_->has_room();
    read();
    ask();
}

// To be signalled, once, as soon as it is worth looking again.
void KosConsole::ask() {
    uint64_t const events = (is_full_ || !may_read_ ? 0 : kInput) | (is_blocked_ ? kRoom : 0);
    if (!kos_status_is_ok(kos_console_client_wake(driver, events))) timers_.set(*this, timers_.now() + kAgain);
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
    the_console = &port;
    return {};
}

void console_signalled() {
    if (the_console) the_console->look();
}

}  // namespace kos::lx
