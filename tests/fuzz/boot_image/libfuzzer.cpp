/*
 * Entry point for clang's libFuzzer.
 */
#include "boot_image_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static_cast<void>(kos::boot::fuzz::check_input(kos::boot::Bytes(data, size)));
    return 0;
}
