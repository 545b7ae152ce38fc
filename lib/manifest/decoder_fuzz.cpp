/*
 * Any bytes as a compiled manifest: read() refuses them, or what it returns is sound.
 */
#include <memory>

#include "fuzz.h"
#include "soundness.h"
#include "test_tree.h"

namespace kos::fuzz {

void run(Bytes input) {
    static const auto kManifest = std::make_unique<manifest::Manifest>();
    // Exactly as large as the input, so that the sanitizer sees every byte read beyond it.
    const Buffer tree(input.begin(), input.end());
    if (manifest::read(tree.data(), tree.size(), *kManifest).ok()) manifest::expect_sound(*kManifest);
}

std::vector<Buffer> seeds() {
    manifest::Node small{"",
                         {{"compatible", manifest::text("kos,manifest-1")},
                          {"system", manifest::text("small")},
                          {"board", manifest::text("qemu_virt")},
                          {"generation", manifest::u64(1)},
                          {"modes", manifest::texts({"normal"})},
                          {"start-order", manifest::cells({1})}},
                         {}};
    manifest::Node only = manifest::domain("only", 1);
    only.set("mode-mask", manifest::u32(1));
    small.child("domains").children = {only};
    std::vector<Buffer> result = {manifest::flatten(manifest::good()), manifest::flatten(small)};
    const auto manifest = std::make_unique<manifest::Manifest>();
    require(manifest::read(result[0].data(), result[0].size(), *manifest).ok(), "a good manifest is refused");
    return result;
}

}  // namespace kos::fuzz
