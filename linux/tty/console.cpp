// The console's output goes to the port as far as it takes it.
#include "tty/console.h"

namespace kos::lx {

namespace {
constexpr uint64_t kConsoleDevice = 5 << 8 | 1;
}

Console::Console(System& system, ConsolePort& port) : Terminal(system, kConsoleDevice), port_(port) {
    Termios termios = default_termios();
    termios.input |= kIUTF8;
    termios.control |= kCLOCAL;
    line().set(termios);
    port_.set_client(this);
}

Console::~Console() { port_.set_client(nullptr); }

void Console::output_ready() {
    if (is_writing_) return;
    is_writing_ = true;
    bool has_sent = false;
    for (auto bytes = line().output(); !bytes.empty(); bytes = line().output()) {
        size_t const taken = port_.write(bytes);
        if (taken == 0) break;
        line().sent(taken);
        has_sent = true;
    }
    is_writing_ = false;
    if (has_sent) output_sent();
}

}  // namespace kos::lx
