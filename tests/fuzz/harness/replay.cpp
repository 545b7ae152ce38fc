/*
 * Runs a fuzz target as a test, without clang: its seeds, the files of its corpus (each was a finding, or leads far),
 * then a fixed number of random changes of these, the same in every run. Or the files named as arguments, and nothing
 * else.
 *
 *   KOS_TEST_SEED (./kos test --seed)   another sequence of changes
 *
 * The input of a finding is written to NAME.finding in the current folder.
 */
#include <gtest/gtest.h>
#include <sanitizer/common_interface_defs.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "fuzz.h"

namespace kos::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr size_t kMostBytes = 1 << 16;
// On a slow machine fewer changes are tried; which ones is the same.
constexpr std::chrono::seconds kMostTime{4};

Buffer current;

// Called when a sanitizer or abort() ends the process.
void save_current() {
    std::ofstream file(KOS_FUZZ_NAME ".finding", std::ios::binary);
    file.write(reinterpret_cast<const char*>(current.data()), static_cast<std::streamsize>(current.size()));
    std::fprintf(stderr, "fuzz: the input, %zu bytes, is in %s/%s.finding\n", current.size(),
                 fs::current_path().c_str(), KOS_FUZZ_NAME);
}

void handle_abort(int) {
    save_current();
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
}

void run_one(Buffer input) {
    current = std::move(input);
    run(current);
}

Buffer read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    require(file.good(), ("cannot read " + path.string()).c_str());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Values at which bounds checks go wrong.
uint64_t interesting(std::mt19937_64& random) {
    static constexpr uint64_t kValues[] = {0,
                                           1,
                                           7,
                                           8,
                                           4095,
                                           4096,
                                           4097,
                                           0x7fffffff,
                                           0x80000000,
                                           0xffffffff,
                                           1ull << 47,
                                           UINT64_MAX - 4095,
                                           UINT64_MAX - 7,
                                           UINT64_MAX};
    return random() % 4 == 0 ? random() : kValues[random() % std::size(kValues)];
}

// One change. Half of them near the start, where headers are.
void change(Buffer& bytes, const std::vector<Buffer>& others, std::mt19937_64& random) {
    if (bytes.empty()) bytes.push_back(0);
    const size_t reach = random() % 2 == 0 ? std::min<size_t>(bytes.size(), 64) : bytes.size();
    const size_t at = random() % reach;
    const auto place = bytes.begin() + static_cast<ptrdiff_t>(at);
    const size_t some = std::min<size_t>(1 + random() % 32, bytes.size() - at);
    switch (random() % 8) {
        case 0: bytes[at] ^= static_cast<uint8_t>(1u << random() % 8); break;
        case 1: bytes[at] = static_cast<uint8_t>(random()); break;
        case 2:
        case 3: {  // a number, little or big endian
            const size_t width = size_t{1} << random() % 4;
            const size_t aligned = at / width * width;
            uint64_t value = interesting(random);
            if (random() % 2 == 0) value = __builtin_bswap64(value) >> (64 - 8 * width);
            if (aligned + width <= bytes.size()) std::memcpy(bytes.data() + aligned, &value, width);
            break;
        }
        case 4: bytes.erase(place, place + static_cast<ptrdiff_t>(some)); break;
        case 5: {  // once more
            const Buffer piece(place, place + static_cast<ptrdiff_t>(some));
            bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(random() % (bytes.size() + 1)), piece.begin(),
                         piece.end());
            break;
        }
        case 6: {  // a piece of another input
            const Buffer& other = others[random() % others.size()];
            if (other.empty()) break;
            const size_t from = random() % other.size();
            const size_t count = std::min<size_t>(1 + random() % 64, other.size() - from);
            bytes.insert(place, other.begin() + static_cast<ptrdiff_t>(from),
                         other.begin() + static_cast<ptrdiff_t>(from + count));
            break;
        }
        default:
            if (random() % 8 == 0) bytes.resize(at);
            break;
    }
    if (bytes.size() > kMostBytes) bytes.resize(kMostBytes);
}

uint64_t seed() {
    const char* const text = std::getenv("KOS_TEST_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

std::vector<Buffer> corpus() {
    std::vector<fs::path> files;
    std::error_code missing;  // most targets have none
    for (const fs::directory_entry& entry : fs::directory_iterator(KOS_FUZZ_CORPUS, missing)) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<Buffer> result;
    for (const fs::path& file : files) result.push_back(read(file));
    return result;
}

void run_all() {
    std::vector<Buffer> good = seeds();
    require(!good.empty(), "the target has no seeds");
    for (Buffer& one : corpus()) good.push_back(std::move(one));
    for (const Buffer& one : good) run_one(one);
    run_one({});
    std::mt19937_64 random(seed());
    const Clock::time_point end = Clock::now() + kMostTime;
    unsigned steps = 0;
    for (; steps < KOS_FUZZ_STEPS && Clock::now() < end; ++steps) {
        Buffer bytes = good[random() % good.size()];
        for (unsigned changes = 1 + static_cast<unsigned>(random() % 6); changes > 0; --changes) {
            change(bytes, good, random);
        }
        run_one(std::move(bytes));
    }
    std::printf("%s: %zu inputs as they are, %u of %u changed ones, seed %llu\n", KOS_FUZZ_NAME, good.size(), steps,
                unsigned{KOS_FUZZ_STEPS}, static_cast<unsigned long long>(seed()));
}

}  // namespace
}  // namespace kos::fuzz

int main(int argc, char** argv) {
    // A failed EXPECT of a fake is a finding like any other.
    testing::FLAGS_gtest_break_on_failure = true;
    __sanitizer_set_death_callback(kos::fuzz::save_current);
    std::signal(SIGABRT, kos::fuzz::handle_abort);
    for (int i = 1; i < argc; ++i) kos::fuzz::run_one(kos::fuzz::read(argv[i]));
    if (argc == 1) kos::fuzz::run_all();
    return 0;
}
