// See options.h.
#include "options.h"

#include <map>

#include "files.h"

namespace kos::compiler {
namespace {

using tools::Error;

Command command_of(const std::string& word) {
    const std::map<std::string, Command> commands = {{"check", Command::kCheck},   {"build", Command::kBuild},
                                                     {"sign", Command::kSign},     {"resign", Command::kSign},
                                                     {"verify", Command::kVerify}, {"package", Command::kPackage}};
    const auto found = commands.find(word);
    if (found == commands.end()) {
        throw Error("no command '" + word + "'; expected check, build, sign, verify or package (kos-manifest --help)");
    }
    return found->second;
}

void check(const Options& options) {
    if (options.command == Command::kBuild && (options.root.empty() || options.output.empty())) {
        throw Error("build needs --root and --output (kos-manifest --help)");
    }
    if (options.command == Command::kSign && (options.key.is_development() || options.output.empty())) {
        throw Error("sign needs --key and --output (kos-manifest --help)");
    }
    if (options.command == Command::kPackage && (options.domain.empty() || options.output.empty())) {
        throw Error("package needs --domain and --output (kos-manifest --help)");
    }
    if (options.command == Command::kPackage && !options.key.is_development()) {
        throw Error("package is signed with a development key; devices with another key take none");
    }
    options.key.check();
}

}  // namespace

const char kUsage[] = R"(usage: kos-manifest check SYSTEM.toml [options]
       kos-manifest build SYSTEM.toml --root ROOT.elf -o IMAGE.elf [options]
       kos-manifest sign IMAGE.elf --key FILE -o IMAGE.elf
       kos-manifest verify IMAGE.elf
       kos-manifest package SYSTEM.toml --domain NAME -o FILE [options]

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
  --network FILE     the ports that are forwarded, for whoever makes the network around the device (JSON)
  --domain NAME      of package: whose program and images
  --key FILE         signing key: 32-byte Ed25519 seed, raw or hexadecimal
  --development-key FILE  the same, made if it does not exist; root will warn on every boot.
                     Without either: )" KOS_DEVELOPMENT_KEY R"(
  --help             this text

check reports mistakes only; with --report, --graph and --fdt it writes these too. Programs must be there for both.
sign (or resign) replaces signature and key of a finished image, on the machine that has the production key.
package writes what replaces one application of a running device, signed with the development key.
verify says who signed an image and whether it is whole. Exit status: 0, or 1 after errors.
)";

Options parse_options(int argc, char** argv) {
    using tools::Argument;
    using tools::into;
    Options options;
    bool help = false;
    std::vector<Argument> arguments = {
        {"root", into(options.root)},
        {"output", into(options.output), Argument::Kind::kValue, 'o'},
        {"programs", into(options.folders.programs)},
        {"images", into(options.folders.images)},
        {"services", into(options.folders.services)},
        {"interfaces", into(options.folders.interfaces)},
        {"report", into(options.report)},
        {"graph", into(options.graph)},
        {"fdt", into(options.fdt)},
        {"network", into(options.network)},
        {"domain", into(options.domain)},
        {"parameter", into(options.parameters)},
        {"help", into(help), Argument::Kind::kFlag},
    };
    options.key.add(arguments);
    const std::vector<std::string> words = tools::parse_arguments(argc, argv, "kos-manifest", arguments);
    if (help) return options;
    if (words.size() != 2) throw Error("expected a command and a file (kos-manifest --help)");
    options.command = command_of(words[0]);
    options.input = words[1];
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
