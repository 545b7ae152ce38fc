// The command line of kos-manifest.
#ifndef KOS_TOOLS_MANIFEST_OPTIONS_H_
#define KOS_TOOLS_MANIFEST_OPTIONS_H_

#include <string>
#include <vector>

#include "arguments.h"
#include "load.h"

namespace kos::compiler {

enum class Command { kCheck, kBuild, kSign, kVerify, kPackage, kHelp };

// Empty strings: not given.
struct Options {
    Command command = Command::kHelp;
    std::string input;  // system.toml, or a system image
    Folders folders;
    std::string root;
    std::string output;
    std::string report;
    std::string graph;
    std::string fdt;
    std::string network;
    std::string domain;
    tools::KeyArguments key{KOS_DEVELOPMENT_KEY};
    std::vector<std::string> parameters;  // DOMAIN.NAME=VALUE
};

extern const char kUsage[];

// Throws tools::Error if the command line makes no sense.
Options parse_options(int argc, char** argv);

}  // namespace kos::compiler

#endif
