// Output of a bare root task on the serial line: plain text, and structured records for the runner.
//
// One thread at a time may print (in practice the initial thread); there is no lock. Before console_start() output is
// lost. A record is the byte 0x1e, one JSON object and a newline; everything else is noise to the runner.
#pragma once

#include <kos/roottask/format.h>

namespace kos::roottask {

class ObjectAllocator;

// Maps the PL011 and starts output; false if the device memory is not there.
bool console_start(ObjectAllocator& allocator);

// Where the PL011's registers are mapped, for tests of its interrupt; 0 before console_start().
uintptr_t console_registers();

void console_put(char c);
void console_put(const char* text);

// Where console text goes instead of the PL011 (a kernel's own output call, a buffer); null is back to the PL011.
void console_redirect(void (*put)(char));

// Prints formatted text, at most 511 characters.
template <typename... Ts>
void print(const char* pattern, const Ts&... values) {
    Text<512> text;
    format(text, pattern, values...);
    console_put(text.text());
}

// Sends one record; `json` is a complete object.
void put_record(const char* json);

}  // namespace kos::roottask
