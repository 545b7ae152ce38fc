// /proc/PID: memory (maps, smaps, statm) and what the program has in it (cmdline, environ).
#include "fs/proc/nodes.h"
#include "mm/address_space.h"
#include "mm/page_state.h"
#include "vfs/file.h"

#include <algorithm>
#include <span>

namespace kos::lx::proc {

namespace {

using ulonglong = unsigned long long;

// What is mapped there, as the last column of a line.
std::string mapping_name(const Mapping& mapping, const Process& reader) {
    if (mapping.name) return mapping.name;
    if (!mapping.file) return {};
    if (std::string name = mapping.file->anonymous_name(); !name.empty()) return name;
    if (!mapping.file->location.is_set()) return "/dev/zero (deleted)";
    return escaped(path_of(mapping.file->location, reader.paths ? reader.paths->context.root : Location()), "\n");
}

void append_mapping(std::string& to, const Mapping& mapping, const Process& reader) {
    uint64_t device = 0, inode = 0;
    if (mapping.file) {
        if (auto const attributes = mapping.file->attributes(); attributes.ok()) {
            device = attributes->device;
            inode = attributes->inode;
        }
    }
    constexpr size_t kNameColumn = 73;
    size_t const start = to.size();
    append(to, "%08llx-%08llx %c%c%c%c %08llx %02llx:%02llx %llu ", static_cast<ulonglong>(mapping.start),
           static_cast<ulonglong>(mapping.end), mapping.protection & kPROT_READ ? 'r' : '-',
           mapping.protection & kPROT_WRITE ? 'w' : '-', mapping.protection & kPROT_EXEC ? 'x' : '-',
           mapping.is_shared() ? 's' : 'p', static_cast<ulonglong>(mapping.offset),
           static_cast<ulonglong>(device >> 8 & 0xfff),
           static_cast<ulonglong>((device & 0xff) | (device >> 12 & 0xfff00)), static_cast<ulonglong>(inode));
    if (std::string const name = mapping_name(mapping, reader); !name.empty()) {
        if (to.size() < start + kNameColumn) to.append(start + kNameColumn - to.size(), ' ');
        to += name;
    }
    to += '\n';
}

struct Line {
    const char* name;
    uint64_t bytes;
};

void append_kilobytes(std::string& to, std::span<const Line> lines) {
    for (const Line& line : lines) {
        append(to, "%-16s%8llu kB\n", (std::string(line.name) + ":").c_str(), static_cast<ulonglong>(line.bytes >> 10));
    }
}

// Bytes of present pages (mm/page_state.h).
struct Present {
    uint64_t all = 0, written = 0, shared = 0;  // `shared`: of what was written
};

// Piece by piece. Mappings may be many GiB of nothing: not all of them are looked through.
struct Looks {
    unsigned left = 8192;
};

Present present_of(AddressSpace& memory, const Mapping& mapping, Looks& looks) {
    Present found;
    for (uint64_t at = mapping.start; at < mapping.end && looks.left; --looks.left) {
        uint8_t pages[512] = {};
        uint64_t const count = std::min<uint64_t>((mapping.end - at) / kPageBytes, sizeof pages);
        if (!memory.present(at, count * kPageBytes, pages).ok()) break;
        for (uint8_t const page : std::span(pages).first(count)) {
            if (page & kPagePresent) found.all += kPageBytes;
            if (page & kPageWritten) found.written += kPageBytes;
            if (page & kPageOthersToo) found.shared += kPageBytes;
        }
        at += count * kPageBytes;
    }
    return found;
}

// Who else has a file's pages, and how many have a shared one, is not counted: Pss is Rss.
void append_smaps_numbers(std::string& to, const Present& present) {
    uint64_t const resident = present.all, anonymous = present.written;
    Line const lines[] = {{"Rss", resident},
                          {"Pss", resident},
                          {"Pss_Dirty", anonymous},
                          {"Shared_Clean", 0},
                          {"Shared_Dirty", present.shared},
                          {"Private_Clean", resident - anonymous},
                          {"Private_Dirty", anonymous - present.shared},
                          {"Referenced", resident},
                          {"Anonymous", anonymous},
                          {"LazyFree", 0},
                          {"AnonHugePages", 0},
                          {"ShmemPmdMapped", 0},
                          {"FilePmdMapped", 0},
                          {"Shared_Hugetlb", 0},
                          {"Private_Hugetlb", 0},
                          {"Swap", 0},
                          {"SwapPss", 0},
                          {"Locked", 0}};
    append_kilobytes(to, lines);
}

bool is_writable_private(const Mapping& mapping) { return !mapping.is_shared() && mapping.protection & kPROT_WRITE; }

// Bytes of the process's memory as one text; ends where its memory does.
Text memory_text(Process& process, uint64_t start, uint64_t end) {
    constexpr uint64_t kMost = 2 << 20;  // what execve(2) takes
    std::string result;
    if (!process.memory || end <= start) return result;
    uint64_t const bytes = std::min(end - start, kMost);
    while (result.size() < bytes) {
        char piece[kPageBytes];
        uint64_t const count =
            std::min<uint64_t>(bytes - result.size(), sizeof piece - (start + result.size()) % sizeof piece);
        if (!process.memory->copy_in(piece, start + result.size(), count).ok()) break;
        result.append(piece, count);
    }
    return result;
}

}  // namespace

MemoryUse memory_use(const Process& process) {
    MemoryUse use;
    if (!process.memory) return use;
    use.resident = process.memory->resident_pages() * kPageBytes;
    use.total = process.memory->mapped_bytes();
    for (const auto& [start, mapping] : process.memory->mappings()) {
        bool const is_code = mapping.protection & kPROT_EXEC && mapping.file;
        if (mapping.name && std::string_view(mapping.name) == "[stack]") {
            use.stack += mapping.bytes();
            use.stack_start = mapping.end;
        } else if (is_code && mapping.file->location.is_set() && mapping.file->location == process.executable) {
            use.code += mapping.bytes();
            if (!use.code_start) use.code_start = mapping.start;
            use.code_end = mapping.end;
        } else if (is_code && !mapping.is_shared()) {
            use.libraries += mapping.bytes();
        } else if (is_writable_private(mapping)) {
            use.data += mapping.bytes();
        }
        if (mapping.is_shared()) use.shared += mapping.bytes();
    }
    return use;
}

Text maps_text(const Subject& subject, Process& reader) {
    std::string result;
    if (!subject.process->memory) return result;
    for (const auto& [start, mapping] : subject.process->memory->mappings()) append_mapping(result, mapping, reader);
    return result;
}

Text smaps_text(const Subject& subject, Process& reader) {
    std::string result;
    AddressSpace* const memory = subject.process->memory.get();
    if (!memory) return result;
    Looks looks;
    for (const auto& [start, mapping] : memory->mappings()) {
        append_mapping(result, mapping, reader);
        Line const sizes[] = {{"Size", mapping.bytes()}, {"KernelPageSize", kPageBytes}, {"MMUPageSize", kPageBytes}};
        append_kilobytes(result, sizes);
        append_smaps_numbers(result, present_of(*memory, mapping, looks));
        append(result, "THPeligible:    0\nVmFlags:%s%s%s%s\n", mapping.protection & kPROT_READ ? " rd" : "",
               mapping.protection & kPROT_WRITE ? " wr" : "", mapping.protection & kPROT_EXEC ? " ex" : "",
               mapping.is_shared() ? " sh" : "");
    }
    return result;
}

Text smaps_rollup_text(const Subject& subject, Process&) {
    AddressSpace* const memory = subject.process->memory.get();
    if (!memory || memory->mappings().empty()) return Errno::kESRCH;
    std::string result =
        format("%08llx-%08llx ---p 00000000 00:00 0 ", static_cast<ulonglong>(memory->mappings().begin()->first),
               static_cast<ulonglong>(memory->mappings().rbegin()->second.end));
    result.append(73 - std::min<size_t>(result.size(), 73), ' ');
    result += "[rollup]\n";
    Present sum;
    Looks looks;
    for (const auto& [start, mapping] : memory->mappings()) {
        Present const one = present_of(*memory, mapping, looks);
        sum.all += one.all;
        sum.written += one.written;
        sum.shared += one.shared;
    }
    append_smaps_numbers(result, sum);
    return result;
}

Text statm_text(const Subject& subject, Process&) {
    MemoryUse const use = memory_use(*subject.process);
    return format("%llu %llu %llu %llu 0 %llu 0\n", static_cast<ulonglong>(use.total / kPageBytes),
                  static_cast<ulonglong>(use.resident / kPageBytes),
                  static_cast<ulonglong>((use.resident - std::min(use.resident, use.data + use.stack)) / kPageBytes),
                  static_cast<ulonglong>(use.code / kPageBytes),
                  static_cast<ulonglong>((use.data + use.stack) / kPageBytes));
}

Text cmdline_text(const Subject& subject, Process&) {
    Process& process = *subject.process;
    return memory_text(process, process.arguments_start, process.arguments_end);
}

Text environ_text(const Subject& subject, Process&) {
    Process& process = *subject.process;
    return memory_text(process, process.environment_start, process.environment_end);
}

}  // namespace kos::lx::proc
