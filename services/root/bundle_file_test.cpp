// Every way in which a bundle can be wrong (bundle_file.h).
#include "bundle_file.h"

#include <gtest/gtest.h>

#include "test_files.h"

namespace root {
namespace {

using namespace kos::bundle;
using test::Buffer;

class BundleTest : public testing::Test {
protected:
    BundleTest() : file_(test::bundle_of(Buffer(100, 0x4d), test::ElfFile().file(), key_)) {}

    bool open(size_t cut_off = 0) {
        memory_ = std::make_unique<test::Memory>(file_.size() - cut_off);
        std::memcpy(memory_->data(), file_.data(), file_.size() - cut_off);
        return bundle_.open(memory_->data(), test::Memory::is_readable);
    }
    Header& header() { return *reinterpret_cast<Header*>(file_.data()); }
    Entry& entry(unsigned i) { return reinterpret_cast<Entry*>(file_.data() + sizeof(Header))[i]; }
    bool finds_manifest() {
        const Entry* manifest = nullptr;
        const Signature* signature = nullptr;
        return open() && bundle_.find_manifest(manifest, signature);
    }
    bool is_manifest_signed() {
        const Entry* manifest = nullptr;
        const Signature* signature = nullptr;
        if (!open() || !bundle_.find_manifest(manifest, signature)) return false;
        Buffer message(sizeof kSignatureContext + manifest->size_bytes);
        return is_signed(bundle_.bytes(*manifest), manifest->size_bytes, *signature, key_.public_key, message.data());
    }

    test::Key key_;
    Buffer file_;
    std::unique_ptr<test::Memory> memory_;
    BundleFile bundle_;
};

TEST_F(BundleTest, GoodOnesAreRead) {
    ASSERT_TRUE(open());
    EXPECT_EQ(bundle_.entries(), 3u);
    EXPECT_TRUE(is_manifest_signed());
    EXPECT_EQ(bundle_.file(0), nullptr);
    EXPECT_EQ(bundle_.file(1), nullptr);
    ASSERT_NE(bundle_.file(2), nullptr);
    EXPECT_TRUE(is_program({bundle_.bytes(*bundle_.file(2)), bundle_.file(2)->size_bytes}));
    EXPECT_EQ(bundle_.entry(3), nullptr);
}

TEST_F(BundleTest, WrongHeadersAreRefused) {
    EXPECT_FALSE(open(1)) << "the last byte is missing";
    header().magic ^= 1;
    EXPECT_FALSE(open());
    EXPECT_EQ(bundle_.entries(), 0u);
    EXPECT_EQ(bundle_.entry(0), nullptr);
    header().magic ^= 1;
    header().version = 2;
    EXPECT_FALSE(open());
    header().version = kVersion;
    for (const uint32_t count : {0u, 1u, kMaxEntries + 1, UINT32_MAX}) {
        header().entry_count = count;
        EXPECT_FALSE(open()) << count;
    }
    header().entry_count = 3;
    for (const uint64_t size :
         {uint64_t{0}, sizeof(Header) + 3 * sizeof(Entry) - 1, uint64_t{kMaxBytes} + 1, UINT64_MAX}) {
        header().size_bytes = size;
        EXPECT_FALSE(open()) << size;
    }
}

TEST(ImageHashesTest, EachPageAndTheSizeCount) {
    constexpr uint64_t kSize = kAlignment + 10, kList = 2 * kAlignment;
    Buffer image(kList + 2 * kPageHashBytes);
    for (uint64_t i = 0; i < kSize; ++i) image[i] = static_cast<uint8_t>(i * 7);
    for (uint64_t page = 0; page < 2; ++page) {
        crypto_hash_sha256(image.data() + kList + page * kPageHashBytes, image.data() + page * kAlignment, kAlignment);
    }
    uint8_t good[32], other[32];
    hash_of_image(image.data(), kSize, good);
    EXPECT_TRUE(is_page_of_image(image.data(), kSize, 0));
    EXPECT_TRUE(is_page_of_image(image.data(), kSize, 1));
    hash_of_image(image.data(), kSize + 1, other);
    EXPECT_NE(std::memcmp(good, other, sizeof good), 0);
    image[2 * kAlignment - 1] ^= 1;  // what fills the last page up counts, too
    EXPECT_TRUE(is_page_of_image(image.data(), kSize, 0));
    EXPECT_FALSE(is_page_of_image(image.data(), kSize, 1));
    image[kList] ^= 1;
    EXPECT_FALSE(is_page_of_image(image.data(), kSize, 0));
    hash_of_image(image.data(), kSize, other);
    EXPECT_NE(std::memcmp(good, other, sizeof good), 0);
}

TEST_F(BundleTest, EntriesLieInside) {
    const Entry good = entry(2);
    for (const uint64_t offset : {good.offset + 1, uint64_t{1} << 40, UINT64_MAX - 4095}) {
        entry(2).offset = offset;
        ASSERT_TRUE(open());
        EXPECT_EQ(bundle_.file(2), nullptr) << offset;
    }
    entry(2) = good;
    for (const uint64_t size : {file_.size() - good.offset + 1, UINT64_MAX}) {
        entry(2).size_bytes = size;
        ASSERT_TRUE(open());
        EXPECT_EQ(bundle_.file(2), nullptr) << size;
    }
    entry(2) = good;
    // An image has the list of its pages' hashes behind it.
    entry(2).kind = 4;
    ASSERT_TRUE(open());
    EXPECT_EQ(bundle_.file(2), nullptr);
    entry(2).offset = kAlignment;
    entry(2).size_bytes = 1;
    ASSERT_TRUE(open());
    EXPECT_NE(bundle_.file(2), nullptr);
    entry(2) = good;
    for (const uint32_t kind : {0u, 1u, 2u, 5u, UINT32_MAX}) {
        entry(2).kind = kind;
        ASSERT_TRUE(open());
        EXPECT_EQ(bundle_.file(2), nullptr) << kind;
    }
}

TEST_F(BundleTest, ManifestAndSignatureComeFirst) {
    EXPECT_TRUE(finds_manifest());
    entry(0).kind = 3;
    EXPECT_FALSE(finds_manifest());
    entry(0).kind = 1;
    entry(0).size_bytes = kMaxManifestBytes + 1;
    EXPECT_FALSE(finds_manifest());
    entry(0).size_bytes = 100;
    entry(1).kind = 1;
    EXPECT_FALSE(finds_manifest());
    entry(1).kind = 2;
    entry(1).size_bytes = sizeof(Signature) - 1;
    EXPECT_FALSE(finds_manifest());
}

TEST_F(BundleTest, AlteredManifestsAndOtherKeysAreRefused) {
    uint8_t* const manifest = file_.data() + entry(0).offset;
    manifest[50] ^= 1;
    EXPECT_FALSE(is_manifest_signed());
    manifest[50] ^= 1;
    EXPECT_TRUE(is_manifest_signed());
    entry(0).size_bytes = 99;
    EXPECT_FALSE(is_manifest_signed());
    entry(0).size_bytes = 100;
    key_.public_key[0] ^= 1;
    EXPECT_FALSE(is_manifest_signed());
}

}  // namespace
}  // namespace root
