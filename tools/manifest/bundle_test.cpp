// Bundles, signatures, system images.
#include "bundle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "bundle_format.h"
#include "checks.h"
#include "elf_file.h"
#include "emit.h"
#include "program.h"
#include "test_support.h"

namespace kos::compiler {
namespace {

using tools::Buffer;
using tools::SigningKey;

SigningKey key_of(char digit) {
    const test::Workplace workplace;
    test::put_file("key", std::string(64, digit));
    return SigningKey::read("key");
}

// Three domains, two of them with the same program.
System system_of_three() {
    System system;
    system.domains.resize(3);
    for (size_t i = 0; i < 3; ++i) {
        Program program;
        program.path = i == 1 ? "build/other.elf" : "build/one.elf";
        program.contents = test::program_elf("good").file();
        // In what is loaded: the rest is cut off.
        const Elf64_Phdr segment = test::program_elf("good").segments.at(0);
        program.contents.at(segment.p_offset + segment.p_filesz - 1) = i == 1 ? 1 : 2;
        EXPECT_EQ(check_program(program).found, "");
        system.domains[i].program = program;
    }
    return system;
}

const Buffer kManifest(5000, 0x4d);

// One that root accepts: signing with a production key reads it.
Buffer manifest_with(const std::string& rights) {
    const test::Workplace workplace;
    test::put_file("system.toml", "[system]\nname = \"signed\"\n\n[[app]]\npath = \"core:link\"\n");
    test::put_file("core/link/app.toml", "[app]\nname = \"link\"\n" + rights);
    test::put_file("programs/link.elf", test::program_elf("good").file());
    Diagnostics diagnostics;
    System system = load_system("system.toml", test::folders(), diagnostics);
    load_programs(system, test::folders(), diagnostics);
    check_system(system, diagnostics);
    for (const std::string& line : diagnostics.lines()) ADD_FAILURE() << line;
    return emit_manifest(system);
}

Buffer image_of(const Buffer& manifest, const SigningKey& key, bool is_development) {
    return attach_bundle(test::root_elf().file(), make_bundle(manifest, system_of_three(), key, is_development), key,
                         is_development);
}

template <typename Action>
std::string message_of(Action action) {
    try {
        action();
    } catch (const tools::Error& error) {
        return error.what();
    }
    return "(no error)";
}

bundle::Entry entry_at(std::span<const uint8_t> bytes, size_t index) {
    bundle::Entry entry;
    std::memcpy(&entry, bytes.data() + sizeof(bundle::Header) + index * sizeof(entry), sizeof(entry));
    return entry;
}

TEST(Bundle, LayoutIsAsDescribed) {
    const SigningKey key = key_of('1');
    const Buffer bytes = make_bundle(kManifest, system_of_three(), key, true);
    bundle::Header header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    EXPECT_EQ(std::memcmp(bytes.data(), "KOSBNDL1", 8), 0);
    EXPECT_EQ(header.entry_count, 4u) << "the program of two domains is there once";
    EXPECT_EQ(header.size_bytes, bytes.size());
    EXPECT_EQ(bytes.size() % bundle::kAlignment, 0u);
    EXPECT_EQ(entry_at(bytes, 0).kind, static_cast<uint32_t>(bundle::Kind::kManifest));
    EXPECT_EQ(entry_at(bytes, 0).size_bytes, kManifest.size());
    EXPECT_EQ(entry_at(bytes, 1).kind, static_cast<uint32_t>(bundle::Kind::kSignature));
    EXPECT_EQ(entry_at(bytes, 1).size_bytes, sizeof(bundle::Signature));
    uint64_t end = 0;
    for (size_t i = 0; i < 4; ++i) {
        const bundle::Entry entry = entry_at(bytes, i);
        EXPECT_EQ(entry.offset % bundle::kAlignment, 0u);
        EXPECT_GE(entry.offset, end);
        end = entry.offset + entry.size_bytes;
    }
    EXPECT_LT(std::memcmp(entry_at(bytes, 2).sha256, entry_at(bytes, 3).sha256, 32), 0);
    bundle::Signature signature;
    std::memcpy(&signature, bytes.data() + entry_at(bytes, 1).offset, sizeof(signature));
    EXPECT_EQ(signature.flags, bundle::kSignatureDevelopment);
    EXPECT_EQ(std::memcmp(signature.public_key, key.public_key(), 32), 0);
    EXPECT_EQ(make_bundle(kManifest, system_of_three(), key, true), bytes) << "the same input gives the same bytes";
}

TEST(Bundle, ImageIsRootWithOneMoreSegment) {
    const SigningKey key = key_of('1');
    const Buffer image = image_of(kManifest, key, true);
    const auto elf = boot::check_elf(image, "root", boot::kRootTaskLimits);
    ASSERT_TRUE(elf.ok());
    ASSERT_EQ(elf.value().segment_count, 3u);
    const boot::ElfSegment& added = elf.value().segments[2];
    EXPECT_EQ(added.virtual_address, test::kRootEnd);
    EXPECT_EQ(added.physical_address, test::kRootEnd);
    EXPECT_FALSE(added.writable || added.executable);
    EXPECT_EQ(Buffer(added.contents.begin(), added.contents.end()),
              make_bundle(kManifest, system_of_three(), key, true));

    // Root's own segments are as they were, but for the key.
    const Buffer root = test::root_elf().file();
    const size_t key_at = 0x1000 + (test::kRootKey - 0x400000);
    EXPECT_EQ(std::memcmp(image.data() + key_at, key.public_key(), 32), 0);
    EXPECT_EQ(image[key_at + 32], 1);
    for (size_t i = 0x1000; i < root.size(); ++i) {
        ASSERT_TRUE((i >= key_at && i <= key_at + 32) || image[i] == root[i]) << i;
    }
    EXPECT_NO_THROW(verify_bundle(find_bundle(image), key_in_root(image)));
}

// The loader leaves their pages out of its hash, and nothing else.
TEST(Bundle, ImagesAreLeftToRoot) {
    const SigningKey key = key_of('1');
    System system = system_of_three();
    for (size_t i = 0; i < 2; ++i) {
        ImageFile image;
        image.path = "images/root.erofs";
        image.contents.assign(bundle::kAlignment * (i + 1) + 5, static_cast<uint8_t>(i));
        hash_image(image);
        system.domains[i].images.push_back(image);
    }
    const Buffer bytes = make_bundle(kManifest, system, key, true);
    const Buffer image = attach_bundle(test::root_elf().file(), bytes, key, true);
    const auto elf = boot::check_elf(image, "root", boot::kRootTaskLimits);
    ASSERT_TRUE(elf.ok());
    const boot::Range deferred = elf.value().deferred;
    const auto start = static_cast<uint64_t>(find_bundle(image).data() - image.data());
    EXPECT_EQ(deferred.offset, start + entry_at(bytes, 4).offset);
    EXPECT_EQ(entry_at(bytes, 4).kind, static_cast<uint32_t>(bundle::Kind::kImage));
    EXPECT_EQ(entry_at(bytes, 3).kind, static_cast<uint32_t>(bundle::Kind::kProgram));
    EXPECT_EQ(deferred.offset + deferred.size, start + bytes.size()) << "images are the last";
    EXPECT_NO_THROW(verify_bundle(find_bundle(image), key_in_root(image)));
    EXPECT_EQ(sign_again(image, key, true), image);

    const Buffer without =
        attach_bundle(test::root_elf().file(), make_bundle(kManifest, system_of_three(), key, true), key, true);
    EXPECT_EQ(boot::check_elf(without, "root", boot::kRootTaskLimits).value().deferred, boot::Range{});
}

TEST(Bundle, EveryAlteredByteIsFound) {
    const SigningKey key = key_of('1');
    const Buffer bytes = make_bundle(kManifest, system_of_three(), key, true);
    const std::span<const uint8_t> public_key(key.public_key());
    const auto altered = [&](size_t at) {
        Buffer changed = bytes;
        changed[at] ^= 1;
        return message_of([&] { verify_bundle(changed, public_key); });
    };
    const bundle::Entry manifest = entry_at(bytes, 0);
    const bundle::Entry signature = entry_at(bytes, 1);
    const bundle::Entry program = entry_at(bytes, 2);
    for (const size_t at : {size_t{0}, size_t{2500}, size_t{4999}}) {
        EXPECT_EQ(altered(manifest.offset + at), "bundle: the manifest's signature is wrong: altered");
    }
    EXPECT_EQ(altered(signature.offset), "bundle: signed by another key than root's");
    for (const size_t at : {32, 63, 95}) {
        EXPECT_EQ(altered(signature.offset + at), "bundle: the manifest's signature is wrong: altered");
    }
    EXPECT_EQ(altered(signature.offset + 96), "bundle: entry 1 does not have its hash: damaged");
    EXPECT_EQ(altered(program.offset + 100), "bundle: entry 2 does not have its hash: damaged");
    EXPECT_EQ(altered(0), "bundle: no bundle of version 1");
    EXPECT_EQ(altered(8), "bundle: no bundle of version 1");
    EXPECT_EQ(altered(16), "bundle: header does not fit the segment");
    // Another length is another text.
    EXPECT_NE(altered(sizeof(bundle::Header) + offsetof(bundle::Entry, size_bytes)), "(no error)");
}

TEST(Bundle, AnotherKeyIsRefused) {
    const SigningKey first = key_of('1');
    const SigningKey second = key_of('2');
    const Buffer bytes = make_bundle(kManifest, system_of_three(), first, true);
    EXPECT_EQ(message_of([&] { verify_bundle(bytes, second.public_key()); }),
              "bundle: signed by another key than root's");
    // The signer's name alone does not help.
    Buffer changed = bytes;
    std::copy(std::begin(second.public_key()), std::end(second.public_key()),
              changed.begin() + static_cast<ptrdiff_t>(entry_at(bytes, 1).offset));
    EXPECT_EQ(message_of([&] { verify_bundle(changed, second.public_key()); }),
              "bundle: the manifest's signature is wrong: altered");
    // A signature of the bare manifest, without the context, is none.
    Buffer bare = bytes;
    uint8_t signature[64];
    first.sign(kManifest, signature);
    std::copy(std::begin(signature), std::end(signature),
              bare.begin() + static_cast<ptrdiff_t>(entry_at(bytes, 1).offset + 32));
    EXPECT_EQ(message_of([&] { verify_bundle(bare, first.public_key()); }),
              "bundle: the manifest's signature is wrong: altered");
}

TEST(Bundle, SignedAgainIsAsIfBuiltWithTheOtherKey) {
    const SigningKey development = key_of('1');
    const SigningKey production = key_of('2');
    const Buffer manifest = manifest_with("");
    const Buffer image = image_of(manifest, development, true);
    EXPECT_EQ(sign_again(image, production, false), image_of(manifest, production, false));
    EXPECT_EQ(sign_again(sign_again(image, production, false), development, true), image);
    Buffer altered = image;
    const std::span<const uint8_t> bytes = find_bundle(image);
    altered[static_cast<size_t>(bytes.data() - image.data()) + entry_at(bytes, 2).offset] ^= 1;
    EXPECT_NE(message_of([&] { sign_again(altered, production, false); }), "(no error)")
        << "what is damaged does not get a production signature";
}

TEST(Bundle, DevelopmentIsNotSignedForProduction) {
    const Buffer image = image_of(manifest_with("rights = [\"development\"]\n"), key_of('1'), true);
    EXPECT_NE(message_of([&] { sign_again(image, key_of('2'), false); }).find("link has the right \"development\""),
              std::string::npos);
    EXPECT_EQ(sign_again(image, key_of('1'), true), image);
    EXPECT_EQ(message_of([&] { sign_again(image_of(kManifest, key_of('1'), true), key_of('2'), false); }),
              "the image's manifest is not one that root accepts");
}

TEST(Bundle, RootsThatDoNotFit) {
    const SigningKey key = key_of('1');
    const Buffer bytes = make_bundle(kManifest, system_of_three(), key, true);
    const auto message = [&](const test::ElfParts& root) {
        return message_of([&] { attach_bundle(root.file(), bytes, key, true); });
    };
    test::ElfParts root = test::root_elf();
    root.symbols.erase(bundle::kKeySymbol);
    EXPECT_EQ(message(root), "root: no symbol kos_manifest_key: not built from services/root, or stripped");
    root = test::root_elf();
    root.symbols[bundle::kStartSymbol] = 0x406000;
    EXPECT_EQ(message(root), "root: __bundle_start is 0x406000, but its last segment ends at 0x405000");
    root = test::root_elf();
    root.symbols[bundle::kKeySymbol] = 0x403000;
    EXPECT_EQ(message(root), "root: kos_manifest_key at 0x403000 is not in the file (zeroed data?)");
    root = test::root_elf();
    root.symbols.erase(bundle::kStartSymbol);
    EXPECT_EQ(message(root), "(no error)") << "the end of the last segment is enough";
    EXPECT_NE(message_of([&] { attach_bundle(Buffer(10), bytes, key, true); }), "(no error)");
    EXPECT_EQ(message_of([&] { find_bundle(test::root_elf().file()); }), "not a system image: no bundle behind root");
}

}  // namespace
}  // namespace kos::compiler
