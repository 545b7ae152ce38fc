// See chosen.h.
#include "chosen.h"

#include <libfdt.h>

namespace root {

const void* chosen_property(const char* name, size_t& bytes) {
    bytes = 0;
    size_t tree_bytes = 0;
    const void* const tree = device_tree(tree_bytes);
    // fdt_check_full() of libfdt 1.6.1 follows a null pointer in trees of versions before 16.
    constexpr uint32_t kOldestVersion = 16;
    if (!tree || tree_bytes < sizeof(fdt_header) || fdt_version(tree) < kOldestVersion) return nullptr;
    if (fdt_check_full(tree, tree_bytes) != 0) return nullptr;
    int const chosen = fdt_path_offset(tree, "/chosen");
    int length = 0;
    const void* const found = chosen < 0 ? nullptr : fdt_getprop(tree, chosen, name, &length);
    if (found) bytes = static_cast<size_t>(length);
    return found;
}

}  // namespace root
