// A program as it lies in the bundle: an ELF file whose contents the manifest's hash vouches for, and nobody else.
// Checked once, before anything of it is mapped. Pure: no kernel, no state; used by program.cpp, host tests and
// fuzzing.
#pragma once

#include <elf.h>
#include <stdint.h>

namespace root {

using Segment = Elf64_Phdr;

struct Program {
    const uint8_t* bytes;  // aligned to 8; null: there is none
    uint64_t size;

    const Elf64_Ehdr& header() const { return *reinterpret_cast<const Elf64_Ehdr*>(bytes); }
    unsigned segments() const { return header().e_phnum; }
    const Segment& segment(unsigned i) const { return reinterpret_cast<const Segment*>(bytes + header().e_phoff)[i]; }
};

// Whether it may be loaded: a static AArch64 ELF file; every segment that is_loaded() lies inside the file and below
// root's own mappings, is not writable and executable, read-only ones are all file; the entry is code. Nothing is said
// about other segments.
bool is_program(const Program& program);

// The segments that become memory; no other is to be looked at.
inline bool is_loaded(const Segment& segment) { return segment.p_type == PT_LOAD && segment.p_memsz != 0; }

// Whether `instruction` is at `address` in the code of a program for which is_program() holds.
bool has_instruction(const Program& program, uint64_t address, uint32_t instruction);

}  // namespace root
