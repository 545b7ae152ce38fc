// For tests: folders that are gone afterwards, and small ELF files.
#ifndef KOS_TOOLS_MANIFEST_TEST_SUPPORT_H_
#define KOS_TOOLS_MANIFEST_TEST_SUPPORT_H_

#include <elf.h>

#include <map>
#include <string>
#include <vector>

#include "files.h"
#include "load.h"

namespace kos::compiler::test {

// A new folder, the current one as long as the object lives, so that diagnostics have short names.
class Workplace {
public:
    Workplace();
    ~Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

private:
    std::string folder_;
    std::string before_;
};

// Writes a file of the current folder, with the folders above it.
void put_file(const std::string& name, const std::string& text);
void put_file(const std::string& name, const tools::Buffer& contents);
std::string text_of(const std::string& file);

// core/ and programs/ of the current folder.
Folders folders();

// An ELF file that tests change before it is written.
struct ElfParts {
    Elf64_Ehdr header{};
    std::vector<Elf64_Phdr> segments;
    // Symbols with their values; without any there is no symbol table.
    std::map<std::string, uint64_t> symbols;
    size_t bytes = 0x3000;
    tools::Buffer file() const;
};

// One page of code at 0x400000, one of data and three of zeros behind it.
ElfParts good_elf();
// Programs with one mistake, by its name: "dynamic", "writable_code", ...; "good" for none.
ElfParts program_elf(const std::string& mistake);
// With the symbols that a bundle needs.
ElfParts root_elf();
constexpr uint64_t kRootEnd = 0x405000;  // first page behind root_elf()
constexpr uint64_t kRootKey = 0x400100;

}  // namespace kos::compiler::test

#endif
