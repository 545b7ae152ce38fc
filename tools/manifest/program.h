// Program files: the checks of what root can load (static AArch64 ELF, page-aligned segments, never writable and
// executable).
#ifndef KOS_TOOLS_MANIFEST_PROGRAM_H_
#define KOS_TOOLS_MANIFEST_PROGRAM_H_

#include "load.h"
#include "model.h"

namespace kos::compiler {

// Finds and checks the program of each domain; mistakes are errors at the place of `binary`.
void load_programs(System& system, const Folders& folders, Diagnostics& diagnostics);

// Finds the images of each domain; mistakes are errors at the place of `file`.
void load_images(System& system, const Folders& folders, Diagnostics& diagnostics);

// What is wrong with the program, empty if nothing; otherwise "found; expected" in two parts. A good program is cut
// down to what root loads, and hashed.
struct ProgramMistake {
    std::string found, expected;
};
ProgramMistake check_program(Program& program);

}  // namespace kos::compiler

#endif
