// Every way in which a program can be wrong (program_file.h).
#include "program_file.h"

#include <gtest/gtest.h>

#include "test_files.h"

namespace root {
namespace {

using test::Buffer;
using test::ElfFile;

constexpr uint32_t kSvc = 0xd4000001;

template <typename Change>
bool is_accepted(Change change) {
    ElfFile elf;
    change(elf);
    const Buffer file = elf.file();
    return is_program(test::program_of(file));
}

TEST(ProgramFile, GoodOnesAreAccepted) {
    EXPECT_TRUE(is_accepted([](ElfFile&) {}));
    EXPECT_TRUE(is_accepted([](ElfFile& elf) { elf.data().p_filesz = 0; }));
    EXPECT_TRUE(is_accepted([](ElfFile& elf) { elf.header.e_entry = 0x4007ff; }));
    EXPECT_TRUE(is_accepted([](ElfFile& elf) { elf.data().p_memsz = 0x10000000 - 0x401000; }))
        << "up to root's mappings";
}

TEST(ProgramFile, WrongHeadersAreRefused) {
    EXPECT_FALSE(is_program({nullptr, 0}));
    const Buffer file = ElfFile().file();
    EXPECT_FALSE(is_program({file.data(), sizeof(Elf64_Ehdr) - 1}));
    EXPECT_FALSE(is_program({file.data(), sizeof(Elf64_Ehdr) + sizeof(Segment)})) << "program headers cut off";
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.header.e_ident[0] = 0; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.header.e_ident[4] = 1; })) << "32 bits";
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.header.e_type = ET_DYN; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.header.e_machine = EM_X86_64; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.header.e_phentsize = 1; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.header.e_phoff = 1; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.header.e_phoff = UINT64_MAX - 7; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.segments.clear(); }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.segments.resize(9); }));
}

TEST(ProgramFile, WrongSegmentsAreRefused) {
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.data().p_filesz = 0x11; })) << "beyond the file";
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.data().p_offset = UINT64_MAX - 0xfff; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.data().p_memsz = 0xf; })) << "more in the file than in memory";
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.data().p_vaddr = 0xf000; })) << "too low";
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.data().p_vaddr = 0x10000000; })) << "too high";
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.data().p_memsz = 0x10000000; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.data().p_memsz = UINT64_MAX; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.data().p_offset = 0x1008; })) << "not the same place in its page";
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.code().p_flags = PF_R | PF_W | PF_X; }));
    EXPECT_FALSE(is_accepted([](ElfFile& elf) { elf.code().p_memsz = 0x801; })) << "zeros behind code";
}

TEST(ProgramFile, TheEntryIsCode) {
    for (const uint64_t entry : {uint64_t{0}, uint64_t{0x3fffff}, uint64_t{0x400800}, uint64_t{0x401000}, UINT64_MAX}) {
        EXPECT_FALSE(is_accepted([&](ElfFile& elf) { elf.header.e_entry = entry; })) << entry;
    }
}

TEST(ProgramFile, FindsInstructionsInCodeOnly) {
    ElfFile elf;
    elf.code().p_filesz = elf.code().p_memsz = 0x7fe;  // ends in the middle of an instruction
    const Buffer file = elf.file();
    const Program program = test::program_of(file);
    ASSERT_TRUE(is_program(program));
    EXPECT_TRUE(has_instruction(program, 0x400000, kSvc));
    EXPECT_FALSE(has_instruction(program, 0x400002, kSvc));
    EXPECT_FALSE(has_instruction(program, 0x400004, kSvc));
    EXPECT_TRUE(has_instruction(program, 0x400004, 0));
    EXPECT_FALSE(has_instruction(program, 0x4007fc, 0)) << "not whole";
    EXPECT_FALSE(has_instruction(program, 0x401000, 0)) << "data";
    EXPECT_FALSE(has_instruction(program, 0, 0));
    EXPECT_FALSE(has_instruction(program, UINT64_MAX - 3, 0));
}

// Segments without memory are not checked, so nothing may be read through them.
TEST(ProgramFile, SegmentsWithoutMemoryAreNotLookedAt) {
    ElfFile elf;
    Segment empty = elf.code();
    empty.p_vaddr = 0x500000;
    empty.p_offset = uint64_t{1} << 40;
    empty.p_filesz = 0x1000;
    empty.p_memsz = 0;
    elf.segments.push_back(empty);
    const Buffer file = elf.file();
    ASSERT_TRUE(is_program(test::program_of(file)));
    EXPECT_FALSE(has_instruction(test::program_of(file), 0x500000, kSvc));
}

}  // namespace
}  // namespace root
