/*
 * Any description of a system against the manifest compiler: it reports mistakes, or root's decoder accepts what it
 * writes. An input has the form of a case of tests/bad_manifests, as far as it replaces files (===) or adds to them
 * (+++).
 */
#include <filesystem>
#include <map>
#include <string>

#include "checks.h"
#include "emit.h"
#include "fuzz.h"
#include "graph.h"
#include "program.h"
#include "report.h"
#include "test_support.h"

namespace kos::fuzz {
namespace {

namespace fs = std::filesystem;
namespace test = compiler::test;
using Files = std::map<std::string, std::string>;

const fs::path kBase = fs::path(KOS_BAD_MANIFESTS) / "base";

Files read_base() {
    Files files;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kBase)) {
        if (!entry.is_regular_file()) continue;
        files[fs::relative(entry.path(), kBase).string()] = test::text_of(entry.path().string());
    }
    require(files.count("system.toml") == 1, "the base has no system.toml");
    return files;
}

const Files& base() {
    static const Files kFiles = read_base();
    return kFiles;
}

// A folder with the base and its programs, for as long as the process lives.
void enter_workplace() {
    static const test::Workplace kWorkplace;
    static const bool kIsReady = [] {
        for (const auto& [name, text] : base()) test::put_file(name, text);
        for (const char* name : {"appman", "directory", "server", "client", "other", "netrouter", "net_virtio"}) {
            test::put_file(std::string("programs/") + name + ".elf", test::program_elf("good").file());
        }
        return true;
    }();
    require(kIsReady, "no base");
}

// The files of the base that an input changes.
Files changed_by(std::string_view text) {
    Files files;
    std::string* current = nullptr;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        const std::string line(text.substr(0, end));
        text.remove_prefix(end);
        const std::string mark = line.substr(0, 4);
        if (mark == "=== " || mark == "+++ ") {
            const std::string name = line.substr(4, line.find('\n') - 4);
            const auto known = base().find(name);
            current = known == base().end() ? nullptr : &files[name];
            if (current != nullptr && current->empty() && mark[0] == '+') *current = known->second;
            if (current != nullptr && mark[0] == '=') current->clear();
        } else if (mark[0] == '>' || mark[0] == '~' || mark[0] == '-' || mark[0] == '!') {
            if (mark.substr(0, 3) == std::string(3, mark[0])) current = nullptr;
            if (current != nullptr) *current += line;
        } else if (current != nullptr) {
            *current += line;
        }
    }
    return files;
}

}  // namespace

void run(Bytes input) {
    enter_workplace();
    const Files changed = changed_by({reinterpret_cast<const char*>(input.data()), input.size()});
    if (changed.empty()) return;
    for (const auto& [name, text] : changed) test::put_file(name, text);
    compiler::Diagnostics diagnostics;
    compiler::System system = compiler::load_system("system.toml", test::folders(), diagnostics);
    compiler::load_programs(system, test::folders(), diagnostics);
    compiler::check_system(system, diagnostics);
    if (diagnostics.has_errors()) {
        require(!diagnostics.lines().empty(), "an error that nobody is told");
    } else {
        // Throws, and so ends the process, if the decoder refuses the result.
        require(!compiler::emit_manifest(system).empty(), "an empty manifest");
        require(!compiler::report_of(system).empty() && !compiler::graph_of(system).empty(), "an empty report");
    }
    for (const auto& [name, text] : changed) test::put_file(name, base().at(name));
}

std::vector<Buffer> seeds() {
    std::string whole;
    for (const auto& [name, text] : base()) whole += "=== " + name + "\n" + text;
    std::vector<Buffer> result = {buffer_of(whole)};
    std::vector<fs::path> cases;
    for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(KOS_BAD_MANIFESTS) / "cases")) {
        if (entry.file_size() < 4096) cases.push_back(entry.path());
    }
    std::sort(cases.begin(), cases.end());
    for (const fs::path& path : cases) result.push_back(buffer_of(test::text_of(path.string())));
    return result;
}

}  // namespace kos::fuzz
