/*
 * The command line of mkimage.
 */
#ifndef KOS_TOOLS_MKIMAGE_OPTIONS_H_
#define KOS_TOOLS_MKIMAGE_OPTIONS_H_

#include <cstdint>
#include <string>

#include "arguments.h"
#include "image_format.h"

namespace kos::mkimage {

// Empty strings: not given. Either `resign` or the three inputs are given, and at least one output.
struct Options {
    std::string loader;
    std::string kernel;
    std::string root;
    std::string resign;
    std::string output;
    std::string raw;
    tools::KeyArguments key{KOS_DEVELOPMENT_KEY};
    std::string bootargs;
    uint32_t core_count = 1;
    boot::Slot slot = boot::Slot::kNone;
    bool unchecked = false;
    bool help = false;
};

extern const char kUsage[];

// Throws Error if the command line makes no sense.
Options parse_options(int argc, char** argv);

}  // namespace kos::mkimage

#endif
