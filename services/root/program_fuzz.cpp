/*
 * Any bytes as a program: root refuses it, or everything that root then reads lies inside it.
 */
#include "fuzz.h"
#include "program_file.h"
#include "test_files.h"

namespace kos::fuzz {

void run(Bytes input) {
    const Buffer file(input.begin(), input.end());
    const root::Program program = root::test::program_of(file);
    if (!root::is_program(program)) return;
    bool entry_is_code = false;
    uint64_t sum = 0;
    for (unsigned i = 0; i < program.segments(); ++i) {
        const root::Segment segment = program.segment(i);
        // What root looks for in other segments as well.
        for (const uint64_t at :
             {segment.p_vaddr, segment.p_vaddr + segment.p_filesz, segment.p_vaddr + segment.p_filesz - 4}) {
            root::has_instruction(program, at / 4 * 4, 0xd4000001);
        }
        if (!root::is_loaded(segment)) continue;
        require((segment.p_flags & (PF_W | PF_X)) != (PF_W | PF_X), "writable code");
        require(segment.p_vaddr >= 0x10000 && segment.p_vaddr + segment.p_memsz <= 0x10000000, "outside of its range");
        for (uint64_t at = 0; at < segment.p_filesz; ++at) sum += file[segment.p_offset + at];
        if (segment.p_flags & PF_X) {
            entry_is_code |= program.header().e_entry >= segment.p_vaddr &&
                             program.header().e_entry - segment.p_vaddr < segment.p_filesz;
        }
    }
    require(entry_is_code && sum != UINT64_MAX, "the entry is no code");
}

std::vector<Buffer> seeds() {
    root::test::ElfFile three;
    three.segments.push_back(three.data());
    three.segments.back().p_type = PT_TLS;
    return {root::test::ElfFile().file(), three.file()};
}

}  // namespace kos::fuzz
