// The domain's console: the port "console" of a serial driver (idl/console.capnp) as the device of a terminal.
#pragma once

#include "task/system.h"
#include "tty/console.h"

namespace kos::lx {

class KosConsole final : public ConsolePort, private Timer {
public:
    explicit KosConsole(Timers& timers) : timers_(timers) {}
    // kENODEV: the manifest gives no such port.
    Status connect();

    size_t write(std::span<const uint8_t> bytes) override;
    void input_room() override;
    void set_client(Client* client) override;

private:
    void expired() override;
    void read();

    // The driver does not tell when there is input or room: it is asked at these intervals, quickly while it answers.
    static constexpr Nanoseconds kSlow = 20'000'000, kQuick = 2'000'000;

    Timers& timers_;
    Client* client_ = nullptr;
    bool is_blocked_ = false;  // output waits for room
    bool has_room_ = true;     // the terminal takes input
    std::string left_;         // input that the terminal had no room for
};

// A line past the terminal, for traces; what the driver has no room for is waited for.
void write_to_console(const char* text);

// Makes the console terminal on it, /dev/console and /dev/tty.
Status open_console(System& system);

}  // namespace kos::lx
