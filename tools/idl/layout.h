// Where the parts of a message are: the rules of idl/README.md, "Layout".
#pragma once

#include "model.h"

namespace kos::idl {

// Sets offsets, size and alignment of a struct whose fields are all fixed: the order is kept, as a C compiler does it.
void lay_out(Struct& structure);

// Sets everything of a message but its fields' types. Errors are those of the schema's author ("two ... parameters").
// `one_way`: no registers, at most kQueueMax bytes.
std::vector<std::string> lay_out(Message& message, bool one_way);

uint32_t align_up(uint32_t value, uint32_t align);

}  // namespace kos::idl
