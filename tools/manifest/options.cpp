// See options.h.
#include "options.h"

#include <getopt.h>

#include <map>

#include "files.h"

namespace kos::compiler {
namespace {

using tools::Error;

Command command_of(const std::string& word) {
    const std::map<std::string, Command> commands = {{"check", Command::kCheck},
                                                     {"build", Command::kBuild},
                                                     {"sign", Command::kSign},
                                                     {"resign", Command::kSign},
                                                     {"verify", Command::kVerify}};
    const auto found = commands.find(word);
    if (found == commands.end()) {
        throw Error("no command '" + word + "'; expected check, build, sign or verify (kos-manifest --help)");
    }
    return found->second;
}

void check(const Options& options) {
    if (options.command == Command::kBuild && (options.root.empty() || options.output.empty())) {
        throw Error("build needs --root and --output (kos-manifest --help)");
    }
    if (options.command == Command::kSign && (options.key.empty() || options.output.empty())) {
        throw Error("sign needs --key and --output (kos-manifest --help)");
    }
    if (!options.key.empty() && options.development_key != KOS_DEVELOPMENT_KEY) {
        throw Error("--key and --development-key exclude each other");
    }
}

}  // namespace

const char kUsage[] = R"(usage: kos-manifest check SYSTEM.toml [options]
       kos-manifest build SYSTEM.toml --root ROOT.elf -o IMAGE.elf [options]
       kos-manifest sign IMAGE.elf --key FILE -o IMAGE.elf
       kos-manifest verify IMAGE.elf

Compiles a system description (docs/manifest.md), checks it, signs it, and puts it with its programs behind root.

  --root FILE        root (build/target/services/root/root.elf)
  -o, --output FILE  the system image, an ELF file for mkimage --root
  --programs DIR     where the apps' binaries are (default build/target/apps); may be repeated
  --images DIR       where the apps' images are; may be repeated
  --services DIR     where "core:NAME" is looked for (default services, drivers); may be repeated
  --interfaces DIR   where the schemas of interfaces are; without it they are not looked for; may be repeated
  --parameter DOMAIN.NAME=VALUE  replaces a parameter of a domain; may be repeated
  --report FILE      a report of every domain, object, right, address and byte (Markdown)
  --graph FILE       a picture of the domains and their connections (SVG, with graphviz's dot)
  --fdt FILE         the compiled manifest alone
  --key FILE         signing key: 32-byte Ed25519 seed, raw or hexadecimal
  --development-key FILE  the same, made if it does not exist; root will warn on every boot.
                     Without either: )" KOS_DEVELOPMENT_KEY R"(
  --help             this text

check reports mistakes only; with --report, --graph and --fdt it writes these too. Programs must be there for both.
sign (or resign) replaces signature and key of a finished image, on the machine that has the production key.
verify says who signed an image and whether it is whole. Exit status: 0, or 1 after errors.
)";

Options parse_options(int argc, char** argv) {
    enum {
        kRoot = 256,
        kPrograms,
        kImages,
        kServices,
        kInterfaces,
        kReport,
        kGraph,
        kFdt,
        kKey,
        kDevelopment,
        kParameter,
        kHelpOption
    };
    static const option kOptions[] = {
        {"root", required_argument, nullptr, kRoot},
        {"output", required_argument, nullptr, 'o'},
        {"programs", required_argument, nullptr, kPrograms},
        {"images", required_argument, nullptr, kImages},
        {"services", required_argument, nullptr, kServices},
        {"interfaces", required_argument, nullptr, kInterfaces},
        {"report", required_argument, nullptr, kReport},
        {"graph", required_argument, nullptr, kGraph},
        {"fdt", required_argument, nullptr, kFdt},
        {"key", required_argument, nullptr, kKey},
        {"development-key", required_argument, nullptr, kDevelopment},
        {"parameter", required_argument, nullptr, kParameter},
        {"help", no_argument, nullptr, kHelpOption},
        {nullptr, 0, nullptr, 0},
    };
    Options options;
    options.development_key = KOS_DEVELOPMENT_KEY;
    for (int choice = 0; (choice = getopt_long(argc, argv, "o:", kOptions, nullptr)) != -1;) {
        switch (choice) {
            case kRoot: options.root = optarg; break;
            case 'o': options.output = optarg; break;
            case kPrograms: options.folders.programs.emplace_back(optarg); break;
            case kImages: options.folders.images.emplace_back(optarg); break;
            case kServices: options.folders.services.emplace_back(optarg); break;
            case kInterfaces: options.folders.interfaces.emplace_back(optarg); break;
            case kReport: options.report = optarg; break;
            case kGraph: options.graph = optarg; break;
            case kFdt: options.fdt = optarg; break;
            case kKey: options.key = optarg; break;
            case kDevelopment: options.development_key = optarg; break;
            case kParameter: options.parameters.emplace_back(optarg); break;
            case kHelpOption: return options;
            default: throw Error("see kos-manifest --help");
        }
    }
    if (argc - optind != 2) {
        throw Error("expected a command and a file (kos-manifest --help)");
    }
    options.command = command_of(argv[optind]);
    options.input = argv[optind + 1];
    if (options.folders.services.empty()) {
        options.folders.services = {KOS_SOURCE_DIR "/services", KOS_SOURCE_DIR "/drivers"};
    }
    if (options.folders.programs.empty()) {
        options.folders.programs = {KOS_SOURCE_DIR "/build/target/apps"};
    }
    check(options);
    return options;
}

}  // namespace kos::compiler
