// errno: one per thread, in the program's own thread-local memory.
#include <errno.h>

namespace {

__thread int error_number;

}  // namespace

extern "C" {

int* __errno_location(void) { return &error_number; }
// The name by which musl's own objects call it.
int* ___errno_location(void) { return &error_number; }

}  // extern "C"
