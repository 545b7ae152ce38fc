/*
 * Tests of image.h: a valid image is taken apart, every field that can be wrong is refused with its own error.
 */
#include "image.h"

#include <gtest/gtest.h>

#include "test_files.h"

namespace kos::boot {
namespace {

using test::Buffer;
using test::ImageBuilder;
using test::KeyPair;

class ImageTest : public testing::Test {
protected:
    Result<Image> check(const Buffer& image) const { return check_image(image, 4, key_.public_key); }
    Result<Image> check() const { return check(builder_.build(key_)); }

    KeyPair key_{1};
    ImageBuilder builder_;
};

TEST_F(ImageTest, ValidImageIsTakenApart) {
    builder_.header.core_count = 4;
    builder_.header.slot = static_cast<uint32_t>(Slot::kB);
    std::strcpy(builder_.header.bootargs, "seed=5 steps=10");
    const Buffer image = builder_.build(key_);
    const Result<Image> result = check(image);
    ASSERT_BOOT_OK(result);
    EXPECT_EQ(Buffer(result.value().kernel.begin(), result.value().kernel.end()), test::kernel_file());
    EXPECT_EQ(Buffer(result.value().root_task.begin(), result.value().root_task.end()), test::root_file());
    EXPECT_EQ(result.value().core_count, 4u);
    EXPECT_EQ(result.value().slot, Slot::kB);
    EXPECT_STREQ(result.value().bootargs, "seed=5 steps=10");
}

TEST_F(ImageTest, BytesBehindTheImageDoNotMatter) {
    Buffer image = builder_.build(key_);
    image.resize(image.size() + 100, 0x55);
    ASSERT_BOOT_OK(check(image));
}

TEST_F(ImageTest, EveryTruncationIsRefused) {
    const Buffer image = builder_.build(key_);
    // Every length that ends in the header, then a few: each check hashes what is there.
    for (size_t size = 0; size < image.size(); size += size < 1024 ? 1 : 509) {
        const Buffer shorter(image.begin(), image.begin() + static_cast<ptrdiff_t>(size));
        EXPECT_BOOT_ERROR(check(shorter), kImageTruncated) << size;
    }
}

TEST_F(ImageTest, EveryFlippedBitOfTheSignedHeaderIsRefused) {
    const Buffer image = builder_.build(key_);
    for (size_t offset = 0; offset < builder_.header.header_size; ++offset) {
        Buffer damaged = image;
        damaged[offset] ^= static_cast<uint8_t>(1u << offset % 8);
        EXPECT_FALSE(check(damaged).ok()) << offset;
    }
}

TEST_F(ImageTest, FlippedBitInAPartIsAHashMismatchOfThatPart) {
    const Buffer image = builder_.build(key_);
    for (const auto& [entry, subject] : {std::pair{0, "kernel"}, std::pair{1, "root task"}}) {
        const auto& part = builder_.entries[static_cast<size_t>(entry)];
        for (const uint64_t offset : {part.offset, part.offset + part.size / 2, part.offset + part.size - 1}) {
            Buffer damaged = image;
            damaged[offset] ^= 0x80;
            const Result<Image> result = check(damaged);
            EXPECT_BOOT_ERROR(result, kPartHash);
            EXPECT_STREQ(result.failure().subject, subject);
        }
    }
}

// The root task's file is of three pages; the middle one is somebody else's to check.
TEST_F(ImageTest, WhatIsDeferredIsNotHashed) {
    auto& entry = builder_.entries[1];
    entry.deferred_offset = entry.deferred_size = 4096;
    const Bytes part = Bytes(builder_.parts).subspan(entry.offset - 4096, entry.size);
    hash_part(part, {4096, 4096}, entry.hash);
    Buffer image = builder_.build(key_);
    const Result<Image> result = check(image);
    ASSERT_BOOT_OK(result);
    EXPECT_EQ(result.value().deferred, (Range{4096, 4096}));
    for (const uint64_t offset : {4096, 6000, 8191}) {
        Buffer damaged = image;
        damaged[entry.offset + offset] ^= 0x80;
        ASSERT_BOOT_OK(check(damaged));
    }
    for (const uint64_t offset : {0, 4095, 8192}) {
        Buffer damaged = image;
        damaged[entry.offset + offset] ^= 0x80;
        EXPECT_BOOT_ERROR(check(damaged), kPartHash) << offset;
    }
}

TEST_F(ImageTest, WrongSignerIsNamedBeforeTheSignature) {
    const KeyPair other(2);
    EXPECT_BOOT_ERROR(check(builder_.build(other)), kImageSigner);
    // Claims the trusted key, signed with the other.
    Buffer forged = builder_.build(other);
    std::memcpy(forged.data() + offsetof(ImageHeader, signer), key_.public_key, kPublicKeyBytes);
    EXPECT_BOOT_ERROR(check(forged), kImageSignature);
}

TEST_F(ImageTest, FieldsThatAreCheckedBeforeTheSignature) {
    const auto with = [&](auto change) {
        ImageBuilder builder;
        change(builder.header);
        return check(builder.build(key_));
    };
    EXPECT_BOOT_ERROR(with([](auto& h) { h.magic ^= 1; }), kImageBadMagic);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.version = 1; }), kImageBadVersion);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.header_size += 8; }), kImageHeaderSize);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.header_size = 0xffffffff; }), kImageHeaderSize);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.entry_count = 0; }), kImageEntryCount);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.entry_count = 0xffffffff; }), kImageEntryCount);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.image_size += 8; }), kImageTruncated);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.image_size = UINT64_MAX; }), kImageTruncated);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.image_size = 0; }), kImageTruncated);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.image_size -= 8; }), kImageNoEndMark);
}

TEST_F(ImageTest, SignedFieldsThatMakeNoSense) {
    const auto with = [&](auto change) {
        ImageBuilder builder;
        change(builder.header);
        return check(builder.build(key_));
    };
    EXPECT_BOOT_ERROR(with([](auto& h) { h.flags = 1; }), kImageFlags);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.slot = 3; }), kImageSlot);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.core_count = 0; }), kImageCoreCount);
    EXPECT_BOOT_ERROR(with([](auto& h) { h.core_count = 5; }), kImageCoreCount);
    EXPECT_BOOT_ERROR(with([](auto& h) { std::memset(h.bootargs, 'a', sizeof(h.bootargs)); }), kImageBootargs);
    const Result<Image> reserved = with([](auto& h) { h.reserved[55] = 1; });
    EXPECT_BOOT_ERROR(reserved, kImageReserved);
    EXPECT_EQ(reserved.failure().found, 383u);
}

TEST_F(ImageTest, SignedEntriesThatMakeNoSense) {
    const auto with = [&](auto change) {
        ImageBuilder builder;
        change(builder.entries[0], builder.entries[1]);
        return check(builder.build(key_));
    };
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.type = 0; }), kPartType);
    EXPECT_BOOT_ERROR(with([](auto&, auto& r) { r.type = 99; }), kPartType);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.flags = 0x80000000; }), kPartFlags);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.name[0] = '\0'; }), kPartName);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { std::memset(k.name, 'n', sizeof(k.name)); }), kPartName);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.offset += 1; }), kPartAlignment);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.offset = 0; }), kPartOverlap);
    EXPECT_BOOT_ERROR(with([](auto& k, auto& r) { r.offset = k.offset; }), kPartOverlap);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.offset = uint64_t{0} - 4096; }), kPartBounds);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.size = 0; }), kPartBounds);
    EXPECT_BOOT_ERROR(with([](auto&, auto& r) { r.size += 4096; }), kPartBounds);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.size = UINT64_MAX; }), kPartBounds);
    EXPECT_BOOT_ERROR(with([](auto& k, auto& r) { r.type = k.type; }), kPartDuplicate);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.hash[31] ^= 1; }), kPartHash);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.reserved[15] = 1; }), kPartReserved);
    EXPECT_BOOT_ERROR(with([](auto& k, auto&) { k.deferred_size = 4096; }), kPartDeferred) << "only root defers";
    EXPECT_BOOT_ERROR(with([](auto&, auto& r) { r.deferred_size = 4095; }), kPartDeferred);
    EXPECT_BOOT_ERROR(with([](auto&, auto& r) { r.deferred_offset = 4096; }), kPartDeferred);
    EXPECT_BOOT_ERROR(with([](auto&, auto& r) { r.deferred_size = uint64_t{1} << 40; }), kPartDeferred);
    EXPECT_BOOT_ERROR(with([](auto&, auto& r) {
                          r.deferred_offset = UINT64_MAX - 4095;
                          r.deferred_size = 8192;
                      }),
                      kPartDeferred);
}

TEST_F(ImageTest, MissingPart) {
    for (const PartType missing : {PartType::kKernel, PartType::kRootTask}) {
        ImageBuilder builder;
        const bool kernel = missing == PartType::kKernel;
        builder.entries.erase(builder.entries.begin() + (kernel ? 0 : 1));
        builder.header.entry_count = 1;
        builder.header.header_size -= sizeof(ImageEntry);
        const Result<Image> result = check(builder.build(key_));
        EXPECT_BOOT_ERROR(result, kPartMissing);
        EXPECT_STREQ(result.failure().subject, kernel ? "kernel" : "root task");
    }
}

TEST_F(ImageTest, EndMarkIsChecked) {
    builder_.end_mark ^= 1;
    EXPECT_BOOT_ERROR(check(), kImageNoEndMark);
}

// RFC 8032, 7.1, test 3 and FIPS 180-4's "abc": the library computes what the format promises.
TEST(Verify, KnownAnswers) {
    const uint8_t public_key[] = {0xfc, 0x51, 0xcd, 0x8e, 0x62, 0x18, 0xa1, 0xa3, 0x8d, 0xa4, 0x7e,
                                  0xd0, 0x02, 0x30, 0xf0, 0x58, 0x08, 0x16, 0xed, 0x13, 0xba, 0x33,
                                  0x03, 0xac, 0x5d, 0xeb, 0x91, 0x15, 0x48, 0x90, 0x80, 0x25};
    uint8_t signature[] = {0x62, 0x91, 0xd6, 0x57, 0xde, 0xec, 0x24, 0x02, 0x48, 0x27, 0xe6, 0x9c, 0x3a,
                           0xbe, 0x01, 0xa3, 0x0c, 0xe5, 0x48, 0xa2, 0x84, 0x74, 0x3a, 0x44, 0x5e, 0x36,
                           0x80, 0xd7, 0xdb, 0x5a, 0xc3, 0xac, 0x18, 0xff, 0x9b, 0x53, 0x8d, 0x16, 0xf2,
                           0x90, 0xae, 0x67, 0xf7, 0x60, 0x98, 0x4d, 0xc6, 0x59, 0x4a, 0x7c, 0x15, 0xe9,
                           0x71, 0x6e, 0xd2, 0x8d, 0xc0, 0x27, 0xbe, 0xce, 0xea, 0x1e, 0xc4, 0x0a};
    const Buffer message = {0xaf, 0x82};
    EXPECT_TRUE(ed25519_matches(message, signature, public_key));
    signature[0] ^= 1;
    EXPECT_FALSE(ed25519_matches(message, signature, public_key));

    uint8_t hash[kHashBytes];
    hash_part(Buffer{'a', 'b', 'x', 'x', 'c'}, {2, 2}, hash);
    EXPECT_EQ(hash[0], 0xba);
    EXPECT_EQ(hash[1], 0x78);
    EXPECT_EQ(hash[31], 0xad);
}

}  // namespace
}  // namespace kos::boot
