/*
 * Tests of mkimage's parts: what it writes passes the loader's checks, and wrong input is named.
 */
#include <elf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "files.h"
#include "image.h"
#include "image_writer.h"
#include "keys.h"
#include "loader_file.h"

namespace kos::mkimage {
namespace {

using tools::read_file;
using tools::write_file;

constexpr uint64_t kBase = 0x4c000000;
constexpr uint64_t kInfoOffset = 0x40;
constexpr uint64_t kImageOffset = 0x2000;

// A folder that is gone after the test.
class Folder {
public:
    Folder() {
        std::string name = testing::TempDir() + "mkimage.XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

Buffer bytes_of(const std::string& text) { return Buffer(text.begin(), text.end()); }

// The message of the Error that `action` throws.
template <typename Action>
std::string message_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "(no error)";
}

boot::LoaderInfo info() {
    boot::LoaderInfo result{};
    result.magic = boot::kLoaderInfoMagic;
    result.version = boot::kLoaderInfoVersion;
    result.link_base = kBase;
    result.image_address = kBase + kImageOffset;
    result.image_limit = kBase + 0x100000;
    return result;
}

Buffer loader_elf(const boot::LoaderInfo& loader_info) {
    Buffer file(0x2000, 0x11);
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_machine = EM_AARCH64;
    header.e_entry = kBase;
    header.e_phoff = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    Elf64_Phdr programs[2]{};
    programs[0].p_type = PT_LOAD;
    programs[0].p_offset = 0x1000;
    programs[0].p_paddr = kBase;
    programs[0].p_filesz = 0x800;
    programs[0].p_memsz = 0x800;
    programs[1].p_type = PT_LOAD;
    programs[1].p_paddr = kBase + 0x100000;
    programs[1].p_memsz = 0x3000;
    std::memcpy(file.data(), &header, sizeof(header));
    std::memcpy(file.data() + sizeof(header), programs, sizeof(programs));
    std::memcpy(file.data() + 0x1000 + kInfoOffset, &loader_info, sizeof(loader_info));
    return file;
}

SigningKey key_of(char digit) {
    const Folder folder;
    write_file(folder.file("key"), bytes_of(std::string(64, digit)));
    return SigningKey::read(folder.file("key"));
}

ImageContents contents() {
    ImageContents result;
    result.kernel = Buffer(5000, 0x4b);
    result.root_task = Buffer(9000, 0x52);
    result.kernel_name = "kernel.elf";
    result.root_task_name = std::string(100, 'r');
    result.bootargs = "a=1";
    result.core_count = 2;
    result.slot = boot::Slot::kA;
    return result;
}

TEST(ImageWriter, WhatIsWrittenPassesTheLoadersChecks) {
    const SigningKey key = key_of('1');
    const Buffer image = write_image(contents(), key);
    const auto result = boot::check_image(image, 4, key.public_key());
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(Buffer(result.value().kernel.begin(), result.value().kernel.end()), contents().kernel);
    EXPECT_EQ(Buffer(result.value().root_task.begin(), result.value().root_task.end()), contents().root_task);
    EXPECT_STREQ(result.value().bootargs, "a=1");
    EXPECT_EQ(result.value().core_count, 2u);
    EXPECT_EQ(result.value().slot, boot::Slot::kA);
    EXPECT_EQ(write_image(contents(), key), image) << "the same input gives the same bytes";
}

TEST(ImageWriter, SignAgainChangesSignerAndSignatureOnly) {
    const SigningKey first = key_of('1');
    const SigningKey second = key_of('2');
    const Buffer image = write_image(contents(), first);
    const Buffer again = sign_again(image, second);
    EXPECT_FALSE(boot::check_image(again, 4, first.public_key()).ok());
    EXPECT_TRUE(boot::check_image(again, 4, second.public_key()).ok());
    EXPECT_EQ(sign_again(again, first), image);
}

TEST(ImageWriter, Refusals) {
    const SigningKey key = key_of('1');
    ImageContents wrong = contents();
    wrong.bootargs = std::string(256, 'a');
    EXPECT_EQ(message_of([&] { write_image(wrong, key); }), "--bootargs is longer than 255 characters");
    EXPECT_EQ(message_of([&] { sign_again(Buffer(100), key); }), "boot image is truncated");
    EXPECT_EQ(message_of([&] { sign_again(Buffer(1000), key); }),
              "boot image has no place for a signature: header of 0 bytes");
}

TEST(Keys, RawAndHexadecimal) {
    const Folder folder;
    write_file(folder.file("raw"), Buffer(32, 0xab));
    std::string hex;
    for (int i = 0; i < 32; ++i) {
        hex += "aB";
    }
    write_file(folder.file("hex"), bytes_of(hex));
    write_file(folder.file("line"), bytes_of(hex + "\n"));
    const SigningKey raw = SigningKey::read(folder.file("raw"));
    for (const char* name : {"hex", "line"}) {
        const SigningKey key = SigningKey::read(folder.file(name));
        EXPECT_EQ(std::memcmp(key.public_key(), raw.public_key(), sizeof(raw.public_key())), 0) << name;
    }
}

TEST(Keys, WhatIsNoKey) {
    const Folder folder;
    for (const std::string& text : {std::string(), std::string(31, 'x'), std::string(63, 'a'), std::string(65, 'a'),
                                    std::string(64, 'g'), std::string(66, 'a'), std::string(64, 'a') + "\nx"}) {
        write_file(folder.file("key"), bytes_of(text));
        EXPECT_EQ(message_of([&] { SigningKey::read(folder.file("key")); }),
                  "not a key (32 bytes, or 64 hexadecimal digits): " + folder.file("key"))
            << text;
    }
    EXPECT_EQ(message_of([&] { SigningKey::read(folder.file("absent")); }),
              "cannot open " + folder.file("absent") + ": No such file or directory");
}

TEST(Keys, DevelopmentKeyIsMadeOnceAndPrivate) {
    const Folder folder;
    const std::string path = folder.file("keys/development.key");
    const SigningKey first = SigningKey::read_or_create(path);
    const SigningKey second = SigningKey::read_or_create(path);
    EXPECT_EQ(std::memcmp(first.public_key(), second.public_key(), sizeof(first.public_key())), 0);
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(read_file(path).size(), 65u);
}

TEST(LoaderFile, ImageAndKeyAreAttached) {
    const SigningKey key = key_of('1');
    const Buffer image = write_image(contents(), key);
    LoaderFile loader(loader_elf(info()));
    EXPECT_EQ(message_of([&] { loader.image(); }), "loader: no image attached");
    loader.attach(image, key.public_key(), true);
    ASSERT_EQ(loader.raw().size(), kImageOffset + image.size());
    EXPECT_EQ(loader.raw()[0], 0x11);
    EXPECT_TRUE(std::equal(image.begin(), image.end(), loader.raw().begin() + kImageOffset));

    boot::LoaderInfo found{};
    std::memcpy(&found, loader.raw().data() + kInfoOffset, sizeof(found));
    EXPECT_EQ(found.flags, boot::kLoaderInfoDevelopmentKey);
    EXPECT_EQ(found.image_size, image.size());
    EXPECT_EQ(std::memcmp(found.public_key, key.public_key(), sizeof(found.public_key)), 0);

    // What it writes it can read, and replacing the image leaves nothing of the old one.
    LoaderFile packed(loader.elf());
    EXPECT_EQ(packed.image(), image);
    packed.attach(image, key.public_key(), true);
    EXPECT_EQ(packed.elf(), loader.elf());
    packed.attach(Buffer(16), key.public_key(), false);
    EXPECT_EQ(packed.raw().size(), kImageOffset + 16);
    EXPECT_EQ(packed.image(), Buffer(16));
}

TEST(LoaderFile, Refusals) {
    const auto message = [](const Buffer& file) { return message_of([&] { LoaderFile loader(file); }); };
    EXPECT_EQ(message(Buffer()), "loader: ELF file is truncated");
    EXPECT_EQ(message(Buffer(4096)), "loader: not an AArch64 ELF file");
    boot::LoaderInfo wrong = info();
    wrong.magic = 0;
    EXPECT_EQ(message(loader_elf(wrong)), "loader: no information block: not built from boot/");
    wrong = info();
    wrong.version = 2;
    EXPECT_EQ(message(loader_elf(wrong)), "loader: information block does not fit this mkimage");
    const Buffer whole = loader_elf(info());
    EXPECT_EQ(message(Buffer(whole.begin(), whole.begin() + 0x1400)), "loader: unexpected segments");

    LoaderFile loader(whole);
    const SigningKey key = key_of('1');
    EXPECT_EQ(message_of([&] { loader.attach(Buffer(0xff000), key.public_key(), false); }),
              "boot image of 1044480 bytes is too large, the loader has room for 1040384");
}

TEST(Files, ErrorsNameTheFile) {
    const Folder folder;
    EXPECT_EQ(message_of([&] { read_file(folder.file("")); }), "not a file: " + folder.file(""));
    EXPECT_EQ(message_of([&] { write_file(folder.file("a/b"), Buffer(1)); }).substr(0, 13), "cannot create");
}

}  // namespace
}  // namespace kos::mkimage
