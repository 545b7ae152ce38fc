/*
 * Entry points for clang's libFuzzer. The environment variable KOS_FUZZ_SEEDS names a folder that gets the target's
 * seeds before the first input.
 */
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "fuzz.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerInitialize(int*, char***) {
    // A failed EXPECT of a fake is a finding like any other.
    testing::FLAGS_gtest_break_on_failure = true;
    const char* const folder = std::getenv("KOS_FUZZ_SEEDS");
    if (folder == nullptr) return 0;
    unsigned number = 0;
    for (const kos::fuzz::Buffer& seed : kos::fuzz::seeds()) {
        std::ofstream file(std::string(folder) + "/seed-" + std::to_string(number++), std::ios::binary);
        file.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
        kos::fuzz::require(file.good(), "cannot write a seed into KOS_FUZZ_SEEDS");
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    kos::fuzz::run({data, size});
    return 0;
}
