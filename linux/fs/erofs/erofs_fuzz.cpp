// The EROFS reader with any image: the input is the image.
//
// A superblock's checksum would make nearly every change a refusal: the flag that says that there is one is taken away.
#include "fs/erofs/erofs.h"
#include "testing/frames.h"
#include "testing/visit.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz.h"

namespace kos::fuzz {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMost = 1 << 20, kFlags = 1024 + 8;
constexpr uint8_t kHasChecksum = 1;

void write(const fs::path& path, size_t bytes, bool is_noise) {
    std::ofstream file(path, std::ios::binary);
    uint32_t state = 1;
    for (size_t i = 0; i < bytes; ++i) {
        state = state * 1664525 + 1013904223;
        file.put(static_cast<char>(is_noise || i % 7 == 0 ? state >> 24 : 'a' + i / 5 % 26));
    }
}

}  // namespace

void run(Bytes input) {
    using namespace lx;
    if (input.size() > kMost) return;
    Buffer image(input.begin(), input.end());
    if (image.size() > kFlags) image[kFlags] &= static_cast<uint8_t>(~kHasChecksum);
    testing::FakeFrames frames(1000);
    auto const file_system = make_erofs(std::make_unique<testing::FakeImage>(image), frames);
    if (!file_system.ok()) return;
    unsigned left = 100;
    testing::visit((*file_system)->root(), 0, left);
}

// One image of each kind that mkfs.erofs makes.
std::vector<Buffer> seeds() {
    char name[] = "/tmp/kos_erofs_fuzz_XXXXXX";
    require(mkdtemp(name) != nullptr, "no temporary folder");
    fs::path const folder = name, tree = folder / "tree";
    fs::create_directories(tree / "a/b");
    write(tree / "text", 30'000, false);
    write(tree / "a/noise", 6'000, true);
    write(tree / "a/b/short", 100, false);
    fs::create_symlink("a/b", tree / "link");
    for (int i = 0; i < 150; ++i) write(tree / "a/b" / ("entry" + std::to_string(i * 31 % 151)), 0, false);
    std::vector<Buffer> result;
    for (const char* options :
         {"", "--chunksize=4096", "-zlz4", "-zlz4hc -C65536", "-zlz4 -Elegacy-compress", "-zlz4hc -Eztailpacking"}) {
        std::string const command = "PATH=$PATH:/usr/sbin:/sbin mkfs.erofs " + std::string(options) + " " +
                                    (folder / "image").string() + " " + tree.string() + " >/dev/null 2>&1";
        require(system(command.c_str()) == 0, "mkfs.erofs failed: is erofs-utils installed?");
        std::ifstream file(folder / "image", std::ios::binary);
        result.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    fs::remove_all(folder);
    return result;
}

}  // namespace kos::fuzz
