// What AddressSpace::present says of a page: one byte, of these bits.
#pragma once

#include <stdint.h>

namespace kos::lx {

enum PageState : uint8_t {
    kPagePresent = 1,    // all that mincore(2) tells
    kPageWritten = 2,    // the program's own bytes, no longer those of a file, or zeros
    kPageOthersToo = 4,  // of a written one: a process from before or after a fork has it as well
};

}  // namespace kos::lx
