/*
 * Tests of elf_file.h.
 */
#include "elf_file.h"

#include <gtest/gtest.h>

#include "test_files.h"

namespace kos::boot {
namespace {

using test::Buffer;
using test::ElfBuilder;

Result<ElfFile> check(const Buffer& file) { return check_elf(file, "root task", kRootTaskLimits); }
Result<ElfFile> check(const ElfBuilder& builder) { return check(builder.build()); }

template <typename Change>
Result<ElfFile> with(Change change) {
    ElfBuilder builder(test::kRootVirtual, test::kRootVirtual);
    change(builder);
    return check(builder);
}

TEST(ElfFile, SegmentsAreListed) {
    ElfBuilder builder(test::kRootVirtual, test::kRootVirtual);
    builder.add(0x402345, 0x402345, 0x10, 0x2000, PF_R | PF_W);
    const Result<ElfFile> result = check(builder);
    ASSERT_BOOT_OK(result);
    const ElfFile& elf = result.value();
    ASSERT_EQ(elf.segment_count, 2u);
    EXPECT_EQ(elf.entry, 0x400010u);
    EXPECT_EQ(elf.segments[0].contents.size(), 0x1000u);
    EXPECT_EQ(elf.segments[0].memory_size, 0x1800u);
    EXPECT_TRUE(elf.segments[0].executable);
    EXPECT_FALSE(elf.segments[0].writable);
    EXPECT_TRUE(elf.segments[1].writable);
    EXPECT_EQ(elf.virtual_start(), 0x400000u);
    EXPECT_EQ(elf.virtual_end(), 0x405000u);
}

TEST(ElfFile, OtherProgramHeadersAndEmptySegmentsAreSkipped) {
    const auto result = with([](ElfBuilder& b) {
        b.add(0, 0, 0, 0, PF_R);
        b.add(0x900000, 0, 0x10, 0x10, PF_R).p_type = PT_NOTE;
    });
    ASSERT_BOOT_OK(result);
    EXPECT_EQ(result.value().segment_count, 1u);
}

TEST(ElfFile, ShortFiles) {
    const Buffer file = test::root_file();
    for (size_t size = 0; size < file.size(); size += size < 256 ? 1 : 97) {
        const Buffer shorter(file.begin(), file.begin() + static_cast<ptrdiff_t>(size));
        EXPECT_EQ(check(shorter).ok(), size >= 0x2000) << size;
    }
    EXPECT_BOOT_ERROR(check(Buffer(63)), kElfTruncated);
}

TEST(ElfFile, Header) {
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_ident[EI_MAG3] = 'f'; }), kElfMagic);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_ident[EI_CLASS] = ELFCLASS32; }), kElfClass);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_ident[EI_DATA] = ELFDATA2MSB; }), kElfClass);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_ident[EI_VERSION] = 0; }), kElfClass);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_machine = EM_X86_64; }), kElfMachine);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_type = ET_DYN; }), kElfType);
}

TEST(ElfFile, ProgramHeaders) {
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_phentsize = 32; }), kElfProgramHeaders);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_phoff = UINT64_MAX; }), kElfProgramHeaders);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_phoff = 0x3000; }), kElfProgramHeaders);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_phnum = 0xffff; }), kElfProgramHeaders);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_type = PT_NOTE; }), kElfNoSegments);
    EXPECT_BOOT_ERROR(with([](auto& b) {
                          for (uint64_t i = 0; i < kElfMaxSegments; ++i) {
                              b.add(0x800000 + i * 0x1000, 0, 0, 0x1000, PF_R);
                          }
                      }),
                      kElfTooManySegments);
}

TEST(ElfFile, SegmentBounds) {
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_filesz = 0x1801; }), kElfSegmentSize);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_offset = 0x2001; }), kElfSegmentFileBounds);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_offset = UINT64_MAX - 0xfff; }), kElfSegmentFileBounds);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_vaddr = uint64_t{1} << 47; }), kElfSegmentAddress);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_vaddr = UINT64_MAX - 0xfff; }), kElfSegmentAddress);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_vaddr = kRootTaskLimits.end - 0x17ff; }), kElfSegmentAddress);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_memsz = UINT64_MAX; }), kElfSegmentAddress);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_paddr = UINT64_MAX; }), kElfSegmentAddress);
}

TEST(ElfFile, SegmentsMayTouchButNotOverlap) {
    ASSERT_BOOT_OK(with([](auto& b) { b.add(0x401800, 0x401800, 0, 0x10, PF_R); }));
    EXPECT_BOOT_ERROR(with([](auto& b) { b.add(0x4017ff, 0x4017ff, 0, 0x10, PF_R); }), kElfSegmentOverlap);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.add(0x3ff000, 0x3ff000, 0, 0x1001, PF_R); }), kElfSegmentOverlap);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.add(0x400100, 0x400100, 0, 1, PF_R); }), kElfSegmentOverlap);
}

TEST(ElfFile, EntryLiesInAnExecutableSegment) {
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_entry = 0x3fffff; }), kElfEntry);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.header.e_entry = 0x401800; }), kElfEntry);
    EXPECT_BOOT_ERROR(with([](auto& b) { b.programs[0].p_flags = PF_R | PF_W; }), kElfEntry);
}

TEST(ElfFile, RangeThatIsCheckedLater) {
    const auto deferring = [](uint64_t offset, uint64_t size, uint32_t flags) {
        return [=](auto& b) {
            b.file_size = 0x8000;
            Elf64_Phdr& images = b.add(0x800000, 0x800000, 0x4000, 0x4000, flags);
            images.p_offset = 0x3000;
            Elf64_Phdr range{};
            range.p_type = kElfDeferredType;
            range.p_offset = offset;
            range.p_filesz = size;
            b.programs.push_back(range);
        };
    };
    const auto found = with(deferring(0x4000, 0x2000, PF_R));
    ASSERT_BOOT_OK(found);
    EXPECT_EQ(found.value().deferred, (Range{0x4000, 0x2000}));
    ASSERT_BOOT_OK(check_deferred(found.value(), {0x4000, 0x2000}));
    ASSERT_BOOT_OK(check_deferred(found.value(), {}));
    EXPECT_BOOT_ERROR(check_deferred(found.value(), {0x4000, 0x1000}), kElfDeferredOther);
    EXPECT_BOOT_ERROR(check_deferred(ElfFile{}, {0x4000, 0x1000}), kElfDeferredOther);

    ASSERT_BOOT_OK(with(deferring(0x3000, 0x4000, PF_R)));
    for (const uint32_t flags : {PF_R | PF_W, PF_R | PF_X}) {
        EXPECT_BOOT_ERROR(with(deferring(0x4000, 0x2000, flags)), kElfDeferred);
    }
    EXPECT_BOOT_ERROR(with(deferring(0x4000, 0x4000, PF_R)), kElfDeferred) << "beyond the segment";
    EXPECT_BOOT_ERROR(with(deferring(0x1000, 0x1000, PF_R)), kElfDeferred) << "of the program's code";
    EXPECT_BOOT_ERROR(with(deferring(0x2000, 0x2000, PF_R)), kElfDeferred) << "begins before the segment";
    EXPECT_BOOT_ERROR(with(deferring(0x4001, 0x1000, PF_R)), kElfDeferred);
    EXPECT_BOOT_ERROR(with(deferring(0x4000, 0x1001, PF_R)), kElfDeferred);
    EXPECT_BOOT_ERROR(with(deferring(0x4000, 0, PF_R)), kElfDeferred);
    EXPECT_BOOT_ERROR(with(deferring(UINT64_MAX - 0xfff, 0x2000, PF_R)), kElfDeferred);
}

template <typename Change>
Status kernel_with(Change change) {
    ElfBuilder builder(test::kKernelVirtual, test::kKernelPhysical);
    change(builder);
    const Buffer file = builder.build();
    const Result<ElfFile> kernel = check_elf(file, "kernel", kKernelLimits);
    KOS_BOOT_TRY(kernel);
    return check_kernel_base(kernel.value(), test::kKernelVirtual, test::kKernelPhysical);
}

TEST(KernelBase, Expected) {
    ASSERT_BOOT_OK(kernel_with([](auto&) {}));
    ASSERT_BOOT_OK(kernel_with([](auto& b) { b.add(b.programs[0].p_vaddr + 0x4000, 0x40004000, 0, 0x100000, PF_W); }));
    // Begins inside the first page.
    ASSERT_BOOT_OK(kernel_with([](auto& b) {
        b.programs[0].p_vaddr += 8;
        b.programs[0].p_paddr += 8;
    }));
}

TEST(KernelBase, FailureOutlivesTheCheck) {
    char line[kFailureLineBytes];
    describe(kernel_with([](auto& b) { b.programs[0].p_paddr = 0x60000000; }).failure(), line);
    EXPECT_STREQ(line, "kernel: linked at the wrong physical address: found 0x60000000, expected 0x40000000");
}

TEST(KernelBase, LinkedElsewhere) {
    EXPECT_BOOT_ERROR(kernel_with([](auto& b) {
                          b.programs[0].p_vaddr += 0x200000;
                          b.programs[0].p_paddr += 0x200000;
                          b.header.e_entry += 0x200000;
                      }),
                      kKernelVirtualBase);
    EXPECT_BOOT_ERROR(kernel_with([](auto& b) { b.programs[0].p_paddr = 0x60000000; }), kKernelPhysicalBase);
    EXPECT_BOOT_ERROR(kernel_with([](auto& b) { b.add(b.programs[0].p_vaddr + 0x4000, 0x40005000, 0, 0x1000, PF_W); }),
                      kKernelOffset);
    EXPECT_BOOT_ERROR(kernel_with([](auto& b) { b.programs[0].p_memsz = kKernelMaxBytes + 1; }), kKernelTooLarge);
    // Rounding its end up to a page must not wrap.
    EXPECT_BOOT_ERROR(kernel_with([](auto& b) {
                          b.programs[0].p_vaddr = UINT64_MAX - 0x2000;
                          b.header.e_entry = b.programs[0].p_vaddr;
                      }),
                      kElfSegmentAddress);
}

}  // namespace
}  // namespace kos::boot
