// What is accepted as a package, and what of its files, in pieces of any size (incoming.h).
#include "incoming.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <cstring>
#include <vector>

#include "bundle_format.h"
#include "system_digest.h"

namespace root {
namespace {

using namespace kos::push;
using kos::bundle::kAlignment;
using kos::bundle::Kind;
using kos::bundle::pages_of;
using Buffer = std::vector<uint8_t>;
using Result = Incoming::Result;

Buffer contents_of(size_t size) {
    Buffer bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 4096 + 1);
    return bytes;
}

File program_of(const Buffer& bytes) {
    File file{};
    file.kind = static_cast<uint32_t>(Kind::kProgram);
    file.size_bytes = bytes.size();
    crypto_hash_sha256(file.sha256, bytes.data(), bytes.size());
    return file;
}

// What is sent for an image: hashes, then pages.
Buffer image_of(Buffer bytes, File& file) {
    file = {};
    file.kind = static_cast<uint32_t>(Kind::kImage);
    file.size_bytes = bytes.size();
    const uint64_t pages = pages_of(bytes.size());
    bytes.resize(pages * kAlignment);
    Buffer sent(pages * 32);
    for (uint64_t i = 0; i < pages; ++i)
        crypto_hash_sha256(sent.data() + i * 32, bytes.data() + i * kAlignment, kAlignment);
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, reinterpret_cast<const uint8_t*>(&file.size_bytes), 8);
    crypto_hash_sha256_update(&state, sent.data(), sent.size());
    crypto_hash_sha256_final(&state, file.sha256);
    sent.insert(sent.end(), bytes.begin(), bytes.end());
    return sent;
}

class PackageTest : public testing::Test {
protected:
    PackageTest() {
        crypto_sign_keypair(key_, secret_);
        Package& package = signed_.package;
        std::memcpy(package.context, kContext, sizeof kContext);
        std::strcpy(package.domain, "pump");
        package.sequence = 7;
        package.file_count = 2;
        package.files[0] = program_of(contents_of(100));
        image_of(contents_of(5000), package.files[1]);
    }
    bool is_good() {
        crypto_sign_detached(signed_.signature, nullptr, reinterpret_cast<const uint8_t*>(&signed_.package),
                             sizeof signed_.package, secret_);
        return is_package(signed_, key_);
    }
    Package& package() { return signed_.package; }

    SignedPackage signed_{};
    uint8_t key_[32];
    uint8_t secret_[64];
};

TEST_F(PackageTest, AGoodOne) { EXPECT_TRUE(is_good()); }

TEST_F(PackageTest, AnotherKeyOrAnAlteredByte) {
    ASSERT_TRUE(is_good());
    for (size_t i = 0; i < sizeof signed_; i += 3) {
        auto* const bytes = reinterpret_cast<uint8_t*>(&signed_);
        bytes[i] ^= 1;
        EXPECT_FALSE(is_package(signed_, key_)) << i;
        bytes[i] ^= 1;
    }
    key_[0] ^= 1;
    EXPECT_FALSE(is_package(signed_, key_));
}

TEST_F(PackageTest, WrongFormsAreRefusedThoughTheyAreSigned) {
    const SignedPackage good = signed_;
    const auto refuses = [&](auto change) {
        signed_ = good;
        change(signed_.package);
        return !is_good();
    };
    EXPECT_TRUE(refuses([](Package& p) { p.context[4] = 'x'; }));
    EXPECT_TRUE(refuses([](Package& p) { p.context[15] = 1; }));
    EXPECT_TRUE(refuses([](Package& p) { p.domain[0] = 0; }));
    EXPECT_TRUE(refuses([](Package& p) { std::memset(p.domain, 'a', sizeof p.domain); }));
    EXPECT_TRUE(refuses([](Package& p) { p.domain[20] = 'a'; }));
    EXPECT_TRUE(refuses([](Package& p) { p.sequence = 0; }));
    EXPECT_TRUE(refuses([](Package& p) { p.file_count = 0; }));
    EXPECT_TRUE(refuses([](Package& p) { p.file_count = kMaxFiles + 1; }));
    EXPECT_TRUE(refuses([](Package& p) { p.file_count = 1; })) << "the second file is not zero";
    EXPECT_TRUE(refuses([](Package& p) { p.reserved = 1; }));
    EXPECT_TRUE(refuses([](Package& p) { p.files[0].kind = static_cast<uint32_t>(Kind::kImage); }));
    EXPECT_TRUE(refuses([](Package& p) { p.files[1].kind = static_cast<uint32_t>(Kind::kProgram); }));
    EXPECT_TRUE(refuses([](Package& p) { p.files[1].reserved = 1; }));
    EXPECT_TRUE(refuses([](Package& p) { p.files[1].size_bytes = 0; }));
    EXPECT_TRUE(refuses([](Package& p) { p.files[1].size_bytes = kos::bundle::kMaxBytes + uint64_t{1}; }));
    EXPECT_TRUE(refuses([](Package& p) { p.files[1].size_bytes = ~uint64_t{0}; }));
}

// Sends all of it in pieces and returns the last result.
Result send(Incoming& incoming, const Buffer& sent, size_t piece) {
    Result result = Result::kMore;
    for (size_t at = 0; at < sent.size() && result == Result::kMore; at += piece) {
        result = incoming.take(sent.data() + at, std::min(piece, sent.size() - at));
    }
    return result;
}

TEST(Incoming, AProgramInPieces) {
    for (const size_t size : {size_t{1}, size_t{4095}, size_t{4096}, size_t{10000}}) {
        for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}, size_t{32768}}) {
            const Buffer sent = contents_of(size);
            const File file = program_of(sent);
            Buffer memory(staged_pages(file) * kAlignment, 0xee);
            Incoming incoming;
            incoming.begin(file, memory.data());
            EXPECT_EQ(send(incoming, sent, piece), Result::kDone);
            EXPECT_TRUE(incoming.is_done());
            EXPECT_TRUE(std::equal(sent.begin(), sent.end(), memory.begin()));
            // Nothing of whose memory it was before.
            for (size_t i = size; i < memory.size(); ++i) ASSERT_EQ(memory[i], 0) << i;
            EXPECT_EQ(incoming.take(sent.data(), 1), Result::kMisfit);
        }
    }
}

TEST(Incoming, AnAlteredProgramBeginsAnew) {
    Buffer sent = contents_of(9000);
    const File file = program_of(sent);
    Buffer memory(staged_pages(file) * kAlignment);
    Incoming incoming;
    incoming.begin(file, memory.data());
    sent[4000] ^= 1;
    EXPECT_EQ(send(incoming, sent, 1000), Result::kWrong);
    EXPECT_EQ(incoming.arrived(), 0u);
    sent[4000] ^= 1;
    EXPECT_EQ(send(incoming, sent, 1000), Result::kDone);
}

TEST(Incoming, AnImageByItsHashes) {
    for (const size_t pages : {size_t{1}, size_t{3}, size_t{130}}) {
        File file;
        const Buffer sent = image_of(contents_of(pages * kAlignment - 5), file);
        Buffer memory(staged_pages(file) * kAlignment);
        Incoming incoming;
        incoming.begin(file, memory.data());
        EXPECT_EQ(incoming.total(), sent.size());
        EXPECT_EQ(incoming.take(sent.data(), pages * 32 + 1), Result::kMisfit) << "list and pages apart";
        EXPECT_EQ(incoming.take(sent.data(), pages * 32), Result::kMore);
        EXPECT_EQ(incoming.take(sent.data() + pages * 32, 100), Result::kMisfit) << "parts of pages";
        for (size_t i = 0; i < pages; ++i) {
            const uint8_t* const page = sent.data() + pages * 32 + i * kAlignment;
            EXPECT_LE(incoming.reach(kAlignment), memory.size());
            EXPECT_EQ(incoming.take(page, kAlignment), i + 1 == pages ? Result::kDone : Result::kMore);
        }
        EXPECT_TRUE(std::equal(sent.begin() + static_cast<ptrdiff_t>(pages * 32), sent.end(),
                               memory.begin() + static_cast<ptrdiff_t>(contents_offset(file))));
    }
}

TEST(Incoming, AnAlteredListOrPageIsNotTaken) {
    File file;
    Buffer sent = image_of(contents_of(3 * kAlignment), file);
    Buffer memory(staged_pages(file) * kAlignment);
    Incoming incoming;
    incoming.begin(file, memory.data());
    sent[40] ^= 1;
    EXPECT_EQ(incoming.take(sent.data(), 96), Result::kWrong);
    EXPECT_EQ(incoming.arrived(), 0u);
    sent[40] ^= 1;
    EXPECT_EQ(incoming.take(sent.data(), 96), Result::kMore);
    // The first page of the two is good and stays.
    sent[96 + kAlignment + 9] ^= 1;
    EXPECT_EQ(incoming.take(sent.data() + 96, 2 * kAlignment), Result::kWrong);
    EXPECT_EQ(incoming.arrived(), 96 + kAlignment);
    sent[96 + kAlignment + 9] ^= 1;
    EXPECT_EQ(incoming.take(sent.data() + 96 + kAlignment, 2 * kAlignment), Result::kDone);
}

TEST(Incoming, NothingBeforeItBegins) {
    Incoming incoming;
    const uint8_t byte = 0;
    EXPECT_EQ(incoming.take(&byte, 1), Result::kMisfit);
}

// The hashes of programs and images do not count, everything else does.
TEST(SystemDigest, LeavesOutHashesOnly) {
    static kos::manifest::Manifest manifest;
    Buffer tree = contents_of(1000);
    manifest.domains[3].name = "a";
    manifest.domains[3].program = tree.data() + 600;
    manifest.image_count = 1;
    manifest.images[0].file = tree.data() + 100;
    uint8_t before[32], after[32];
    system_digest(tree.data(), tree.size(), manifest, before);
    for (size_t i = 0; i < tree.size(); ++i) {
        tree[i] ^= 1;
        system_digest(tree.data(), tree.size(), manifest, after);
        tree[i] ^= 1;
        const bool is_hash = (i >= 100 && i < 132) || (i >= 600 && i < 632);
        ASSERT_EQ(std::memcmp(before, after, 32) == 0, is_hash) << i;
    }
}

}  // namespace
}  // namespace root
