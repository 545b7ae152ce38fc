/*
 * See options.h.
 */
#include "options.h"

#include <getopt.h>

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
    if (!options.key.empty() && options.development_key != KOS_DEVELOPMENT_KEY) {
        throw Error("--key and --development-key exclude each other");
    }
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
    enum {
        kLoader = 256,
        kKernel,
        kRoot,
        kResign,
        kRaw,
        kCores,
        kBootargs,
        kSlot,
        kKey,
        kDevelopment,
        kUnchecked,
        kHelp
    };
    static const option kOptions[] = {
        {"loader", required_argument, nullptr, kLoader},
        {"kernel", required_argument, nullptr, kKernel},
        {"root", required_argument, nullptr, kRoot},
        {"resign", required_argument, nullptr, kResign},
        {"output", required_argument, nullptr, 'o'},
        {"raw", required_argument, nullptr, kRaw},
        {"cores", required_argument, nullptr, kCores},
        {"bootargs", required_argument, nullptr, kBootargs},
        {"slot", required_argument, nullptr, kSlot},
        {"key", required_argument, nullptr, kKey},
        {"development-key", required_argument, nullptr, kDevelopment},
        {"unchecked", no_argument, nullptr, kUnchecked},
        {"help", no_argument, nullptr, kHelp},
        {nullptr, 0, nullptr, 0},
    };
    Options options;
    options.development_key = KOS_DEVELOPMENT_KEY;
    for (int choice = 0; (choice = getopt_long(argc, argv, "o:", kOptions, nullptr)) != -1;) {
        switch (choice) {
            case kLoader: options.loader = optarg; break;
            case kKernel: options.kernel = optarg; break;
            case kRoot: options.root = optarg; break;
            case kResign: options.resign = optarg; break;
            case 'o': options.output = optarg; break;
            case kRaw: options.raw = optarg; break;
            case kCores: options.core_count = parse_cores(optarg); break;
            case kBootargs: options.bootargs = optarg; break;
            case kSlot: options.slot = parse_slot(optarg); break;
            case kKey: options.key = optarg; break;
            case kDevelopment: options.development_key = optarg; break;
            case kUnchecked: options.unchecked = true; break;
            case kHelp: options.help = true; return options;
            default: throw Error("see mkimage --help");
        }
    }
    if (optind != argc) {
        throw Error(std::string("unexpected argument '") + argv[optind] + "'");
    }
    check(options);
    return options;
}

}  // namespace kos::mkimage
