// The back end of `capnp compile` for KOS: reads a CodeGeneratorRequest from standard input and writes bindings into
// the working directory (idl/README.md). Called by cmake/kos_interface.cmake.
//
// KOS_IDL_EMIT names what to write: some of c,cpp,rust,elixir,markdown,trace,probe; default c,cpp. KOS_IDL_MODULE: what
// the modules in Elixir are below; default Kos.Idl.
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "emit.h"
#include "loader.h"

namespace {

using namespace kos::idl;

struct Output {
    const char* name;    // in KOS_IDL_EMIT
    const char* before;  // of the file's name
    const char* after;
    std::string (*emit)(const Schema&);
};

constexpr Output kOutputs[] = {
    {"c", "include/kos/idl/", ".h", emit_c_header},
    {"c", "", ".c", emit_c_source},
    {"cpp", "include/kos/idl/", ".hpp", emit_cpp_header},
    {"rust", "", ".rs", emit_rust},
    {"elixir", "", ".ex", emit_elixir},
    {"markdown", "", ".md", emit_markdown},
    {"trace", "", "_trace.cpp", emit_trace},
    {"probe", "", "_probe.cpp", emit_probe},
};

std::set<std::string> chosen_outputs() {
    const char* const value = std::getenv("KOS_IDL_EMIT");
    std::set<std::string> known;
    for (const Output& output : kOutputs) known.insert(output.name);
    std::istringstream list(value ? value : "c,cpp");
    std::set<std::string> result;
    for (std::string name; std::getline(list, name, ',');) {
        if (!known.count(name)) {
            throw std::runtime_error("KOS_IDL_EMIT: found `" + name +
                                     "`; expected some of c,cpp,rust,elixir,markdown,trace,probe");
        }
        result.insert(name);
    }
    return result;
}

// A file that stays as it is keeps its time, and what was built from it need not be built again.
bool has_text(const std::filesystem::path& path, const std::string& text) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream old;
    old << file.rdbuf();
    return file.is_open() && old.str() == text;
}

void write(const std::string& name, const std::string& text) {
    const std::filesystem::path path(name);
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
    if (has_text(path, text)) return;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) throw std::runtime_error(name + ": cannot be written");
}

int run() {
    const std::set<std::string> chosen = chosen_outputs();
    capnp::ReaderOptions options;
    options.traversalLimitInWords = uint64_t{64} << 20;
    capnp::StreamFdMessageReader message(0, options);
    const Model model = load(message.getRoot<capnp::schema::CodeGeneratorRequest>());
    for (const std::string& error : model.errors) std::cerr << error << '\n';
    if (!model.errors.empty()) return 1;
    for (const Schema& schema : model.schemas) {
        for (const Output& output : kOutputs) {
            if (chosen.count(output.name)) write(output.before + schema.file + output.after, output.emit(schema));
        }
    }
    return 0;
}

}  // namespace

int main() {
    try {
        return run();
    } catch (const kj::Exception& exception) {
        std::cerr << "idl: " << exception.getDescription().cStr() << '\n';
    } catch (const std::exception& exception) {
        std::cerr << "idl: " << exception.what() << '\n';
    }
    return 1;
}
