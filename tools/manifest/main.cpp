// kos-manifest: compiles, checks and signs system descriptions. See README.md.
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "bundle.h"
#include "checks.h"
#include "emit.h"
#include "files.h"
#include "graph.h"
#include "keys.h"
#include "options.h"
#include "package.h"
#include "program.h"
#include "report.h"

namespace {

using namespace kos::compiler;
using kos::tools::Buffer;
using kos::tools::Error;
using kos::tools::read_file;
using kos::tools::SigningKey;
using kos::tools::write_file;

// Domains with the right "development" learn whose orders they obey. No other key than the development key signs for
// them.
void give_development_key(System& system, const Options& options) {
    for (Domain& domain : system.domains) {
        if (!domain.has_right("development")) continue;
        if (!options.key.is_development()) {
            throw Error(
                "the domain " + domain.name.value +
                " has the right \"development\"; expected a system without it (without core:devlink) for --key");
        }
        std::ostringstream text;
        for (const uint8_t byte : options.key.read().public_key()) {
            text << std::hex << std::setw(2) << std::setfill('0') << unsigned{byte};
        }
        domain.parameters["development_key"].value = text.str();
    }
}

// Microseconds since 1970: later packages have greater numbers.
uint64_t now_us() {
    using namespace std::chrono;
    return static_cast<uint64_t>(duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
}

// Returns false after errors, which have been printed.
bool compile(const Options& options) {
    Diagnostics diagnostics;
    System system = load_system(options.input, options.folders, diagnostics);
    for (const std::string& parameter : options.parameters) {
        replace_parameter(system, parameter);
    }
    load_programs(system, options.folders, diagnostics);
    load_images(system, options.folders, diagnostics);
    check_system(system, diagnostics);
    diagnostics.print(std::cerr);
    if (diagnostics.has_errors()) {
        std::cerr << "kos-manifest: " << diagnostics.errors() << (diagnostics.errors() == 1 ? " error" : " errors")
                  << " in " << options.input << '\n';
        return false;
    }
    give_development_key(system, options);
    const Buffer manifest = emit_manifest(system);
    if (!options.fdt.empty()) {
        write_file(options.fdt, manifest);
    }
    if (!options.report.empty()) {
        const std::string report = report_of(system);
        write_file(options.report, {reinterpret_cast<const uint8_t*>(report.data()), report.size()});
    }
    if (!options.network.empty()) {
        const std::string network = network_json(system);
        write_file(options.network, {reinterpret_cast<const uint8_t*>(network.data()), network.size()});
    }
    if (!options.graph.empty()) {
        draw_graph(graph_of(system), options.graph);
    }
    if (options.command == Command::kPackage) {
        const SigningKey key = options.key.read();
        write_file(options.output, make_package(manifest, system, options.domain, key, now_us()));
    }
    if (options.command == Command::kBuild) {
        const SigningKey key = options.key.read();
        const bool is_development = options.key.is_development();
        const Buffer bundle = make_bundle(manifest, system, key, is_development);
        write_file(options.output, attach_bundle(read_file(options.root), bundle, key, is_development));
    }
    return true;
}

void verify(const Options& options) {
    const Buffer image = read_file(options.input);
    verify_bundle(find_bundle(image), key_in_root(image));
    std::cout << options.input << ": the signature is good\n";
}

bool run(const Options& options) {
    switch (options.command) {
        case Command::kHelp: std::cout << kUsage; return true;
        case Command::kCheck:
        case Command::kBuild:
        case Command::kPackage: return compile(options);
        case Command::kSign:
            write_file(options.output, sign_again(read_file(options.input), options.key.read(), false));
            return true;
        case Command::kVerify: verify(options); return true;
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(parse_options(argc, argv)) ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << "kos-manifest: " << error.what() << '\n';
        return 1;
    }
}
