// Prints the table of system calls as it is compiled, one line each: number, name, full or partial, what is missing;
// between them tabulators. The published table is made of it (tools/kos/linux_calls.py).
#include "syscalls/call.h"

#include <stdio.h>

int main() {
    constexpr unsigned kNumbers = 1024;  // more than there are
    for (unsigned number = 0; number < kNumbers; ++number) {
        const kos::lx::SystemCall* const call = kos::lx::find_system_call(number);
        if (!call) continue;
        const char* const support = call->support == kos::lx::Support::kFull ? "full" : "partial";
        printf("%u\t%s\t%s\t%s\n", call->number, call->name, support, call->note ? call->note : "");
    }
    return 0;
}
