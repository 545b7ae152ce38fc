// Kinds of file systems by name.
#include "vfs/file_systems.h"

#include <array>

namespace kos::lx {

namespace {

struct Kind {
    const char* type;
    FileSystemMaker maker;
};
std::array<Kind, 16> kinds{};

}  // namespace

void register_file_system(const char* type, FileSystemMaker maker) {
    for (Kind& kind : kinds) {
        if (kind.type && std::string_view(kind.type) != type) continue;
        kind = {type, maker};
        return;
    }
}

Result<Ref<FileSystem>> make_file_system(std::string_view type, System& system, std::string_view source,
                                         std::string_view options) {
    for (const Kind& kind : kinds) {
        if (kind.type && type == kind.type) return kind.maker(system, source, options);
    }
    return Errno::kENODEV;
}

const char* file_system_type(size_t index) { return index < kinds.size() ? kinds[index].type : nullptr; }

}  // namespace kos::lx
