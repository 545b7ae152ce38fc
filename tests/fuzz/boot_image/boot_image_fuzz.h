/*
 * One step of fuzzing the loader's checks. Called by the test (seeded mutations) and by libFuzzer.
 */
#ifndef KOS_TESTS_FUZZ_BOOT_IMAGE_BOOT_IMAGE_FUZZ_H_
#define KOS_TESTS_FUZZ_BOOT_IMAGE_BOOT_IMAGE_FUZZ_H_

#include "verify.h"

namespace kos::boot::fuzz {

// First byte of an input, modulo kInputKinds.
enum class InputKind : uint8_t { kImage, kKernel, kRootTask, kDeviceTree };
constexpr unsigned kInputKinds = 4;

// Runs the checks that belong to this input. Returns whether it passed them; aborts if it should not have.
bool check_input(Bytes input);

}  // namespace kos::boot::fuzz

#endif
