// The system's console as a terminal: /dev/console, and /dev/tty of those whose session it controls.
#pragma once

#include "tty/terminal.h"

namespace kos::lx {

// The device: bytes out and in. The platform connects it to KOS's console; tests use a fake.
class ConsolePort {
public:
    class Client {
    public:
        // Bytes have arrived. Returns how many were taken; the rest is offered again after `input_room`.
        virtual size_t received(std::span<const uint8_t> bytes) = 0;
        // `write` may take more again.
        virtual void has_room() = 0;

    protected:
        ~Client() = default;
    };

    // As many of them as can be taken now, from 0 on; if not all, has_room follows.
    virtual size_t write(std::span<const uint8_t> bytes) = 0;
    virtual void input_room() {}
    virtual void set_client(Client* client) = 0;

protected:
    ~ConsolePort() = default;
};

class Console final : public Terminal, private ConsolePort::Client {
public:
    Console(System& system, ConsolePort& port);
    ~Console() override;

private:
    size_t received(std::span<const uint8_t> bytes) override { return Terminal::received(bytes); }
    void has_room() override { output_ready(); }
    void output_ready() override;
    void input_taken() override { port_.input_room(); }
    size_t undelivered() override { return line().output_size(); }

    ConsolePort& port_;
    bool is_writing_ = false;
};

}  // namespace kos::lx
