// The driver: makes up one operation after the other, carries it out, and adds what came of it to the digest.
//
// It runs in the root task's address space, above the supervisor, and may be stopped by any of its own operations. The
// supervisor then makes it anew: driver_main() goes on with the next step.
#pragma once

namespace fuzz {

[[noreturn]] void driver_main();

}  // namespace fuzz
