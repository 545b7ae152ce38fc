/*
 * See options.h.
 */
#include "options.h"

#include <cstdlib>

#include "board.h"
#include "files.h"

namespace kos::mkimage {
namespace {

using tools::Error;

boot::Slot parse_slot(const std::string& text) {
    if (text == "A") {
        return boot::Slot::kA;
    }
    if (text == "B") {
        return boot::Slot::kB;
    }
    throw Error("--slot is A or B, not '" + text + "'");
}

uint32_t parse_cores(const std::string& text) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(text.c_str(), &end, 10);
    if (text.empty() || *end != '\0' || value < 1 || value > KOS_BOARD_MAX_CORES) {
        throw Error("--cores is 1 to " + std::to_string(KOS_BOARD_MAX_CORES) + ", not '" + text + "'");
    }
    return static_cast<uint32_t>(value);
}

void check(const Options& options) {
    const bool pack = !options.loader.empty() || !options.kernel.empty() || !options.root.empty();
    if (pack && !options.resign.empty()) {
        throw Error("--resign takes a finished image, without --loader, --kernel and --root");
    }
    if (options.resign.empty() && (options.loader.empty() || options.kernel.empty() || options.root.empty())) {
        throw Error("--loader, --kernel and --root are all needed (mkimage --help)");
    }
    if (options.output.empty() && options.raw.empty()) {
        throw Error("--output or --raw is needed (mkimage --help)");
    }
    options.key.check();
}

}  // namespace

const char kUsage[] = R"(usage: mkimage --loader FILE --kernel FILE --root FILE -o FILE [options]
       mkimage --resign IMAGE --key FILE -o FILE [options]

Packs the loader, a kernel and a root task (ELF files) into one signed boot image, or signs a packed one with another key.

  --loader FILE    the loader (build/target/boot/loader.elf)
  --kernel FILE    a kernel with the seL4 ABI: Keel or a prebuilt seL4
  --root FILE      the root task
  --resign IMAGE   an image that mkimage wrote (the ELF file); its contents stay as they are
  -o, --output FILE  the image as an ELF file, for QEMU
  --raw FILE       the image as a raw arm64 Image, for firmware
  --cores N        cores that the kernel is built for and the loader starts (default 1)
  --bootargs TEXT  /chosen/bootargs for the root task, instead of the machine's
  --slot A|B       update slot that the image is made for (default: none)
  --key FILE       signing key: 32-byte Ed25519 seed, raw or hexadecimal
  --development-key FILE  the same, made if it does not exist; the loader will warn.
                   Without either: )" KOS_DEVELOPMENT_KEY R"(
  --unchecked      also write an image that the loader will refuse (for tests)
  --help           this text
)";

Options parse_options(int argc, char** argv) {
    using tools::Argument;
    using tools::into;
    Options options;
    std::vector<Argument> arguments = {
        {"loader", into(options.loader)},
        {"kernel", into(options.kernel)},
        {"root", into(options.root)},
        {"resign", into(options.resign)},
        {"output", into(options.output), Argument::Kind::kValue, 'o'},
        {"raw", into(options.raw)},
        {"cores", [&](const std::string& text) { options.core_count = parse_cores(text); }},
        {"bootargs", into(options.bootargs)},
        {"slot", [&](const std::string& text) { options.slot = parse_slot(text); }},
        {"unchecked", into(options.unchecked), Argument::Kind::kFlag},
        {"help", into(options.help), Argument::Kind::kFlag},
    };
    options.key.add(arguments);
    const std::vector<std::string> words = tools::parse_arguments(argc, argv, "mkimage", arguments);
    if (options.help) return options;
    if (!words.empty()) throw Error("unexpected argument '" + words.front() + "'");
    check(options);
    return options;
}

}  // namespace kos::mkimage
