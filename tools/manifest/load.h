// Reads system.toml and the app.toml of each of its apps into a System. Checks every value by itself; what must hold
// between domains is checks.h.
#ifndef KOS_TOOLS_MANIFEST_LOAD_H_
#define KOS_TOOLS_MANIFEST_LOAD_H_

#include <string>
#include <vector>

#include "diagnostics.h"
#include "model.h"

namespace kos::compiler {

struct Folders {
    std::vector<std::string> services;    // where "core:NAME" is looked for
    std::vector<std::string> programs;    // where binaries are looked for; the app's own folder comes first
    std::vector<std::string> images;      // where images are looked for; the app's own folder comes first
    std::vector<std::string> interfaces;  // where the schemas of interfaces are; empty: they are not looked for
};

// Everything that can be read is read, also after an error.
System load_system(const std::string& path, const Folders& folders, Diagnostics& diagnostics);

// Replaces a parameter by "DOMAIN.NAME=VALUE". Throws tools::Error if there is no such domain or parameter, or if the
// value is none.
void replace_parameter(System& system, const std::string& replacement);

}  // namespace kos::compiler

#endif
