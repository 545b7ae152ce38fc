// The domain's console: the port "console" of a serial driver (idl/console.capnp) as the device of a terminal.
#pragma once

#include "task/system.h"
#include "tty/console.h"

namespace kos::lx {

// The driver signals the domain when there is input or room (KOS_SIGNAL_CONSOLE): nothing is asked for in vain.
class KosConsole final : public ConsolePort, private Timer {
public:
    explicit KosConsole(Timers& timers) : timers_(timers) {}
    // kENODEV: the manifest gives no such port.
    Status connect();

    size_t write(std::span<const uint8_t> bytes) override;
    void input_room() override;
    void set_client(Client* client) override;
    // The driver has signalled.
    void look();

private:
    void expired() override { look(); }
    void read();
    void ask();

    static constexpr Nanoseconds kAgain = 20'000'000;  // while the driver does not answer

    Timers& timers_;
    Client* client_ = nullptr;
    bool may_read_ = true;     // until the driver says that the manifest does not let this domain read
    bool is_blocked_ = false;  // output waits for room
    bool is_full_ = false;     // the terminal has no room for input
    std::string left_;         // input that the terminal had no room for
};

// A line past the terminal, for traces; what the driver has no room for is waited for.
void write_to_console(const char* text);

// Makes the console terminal on it, /dev/console and /dev/tty.
Status open_console(System& system);
// KOS_SIGNAL_CONSOLE has been signalled.
void console_signalled();

}  // namespace kos::lx
