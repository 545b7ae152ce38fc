// The EROFS reader with any image: the input is the image. libFuzzer's entry point; needs nothing of the harness.
//
// A superblock's checksum would make nearly every change a refusal: the input's feature flag for it is taken away.
#include "fs/erofs/erofs.h"
#include "testing/frames.h"
#include "testing/visit.h"

#include <stddef.h>
#include <stdint.h>

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace kos::lx;
    constexpr size_t kMost = 1 << 20, kFlags = 1024 + 8;
    constexpr uint8_t kHasChecksum = 1;
    if (size > kMost) return 0;
    std::vector<uint8_t> image(data, data + size);
    if (size > kFlags) image[kFlags] &= static_cast<uint8_t>(~kHasChecksum);
    testing::FakeFrames frames(1000);
    auto const file_system = make_erofs(std::make_unique<testing::FakeImage>(image), frames);
    if (!file_system.ok()) return 0;
    unsigned left = 100;
    testing::visit((*file_system)->root(), 0, left);
    return 0;
}
