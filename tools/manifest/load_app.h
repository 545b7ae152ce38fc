// Reads app.toml, with the replacements that system.toml's [[app]] makes. Used by load.cpp only.
#ifndef KOS_TOOLS_MANIFEST_LOAD_APP_H_
#define KOS_TOOLS_MANIFEST_LOAD_APP_H_

#include <kos/manifest/manifest.h>

#include <set>
#include <string>
#include <vector>

#include "load.h"
#include "table.h"

namespace kos::compiler {

constexpr uint64_t kMaxDeviceAddress = (uint64_t{1} << 40) - 1;  // physical addresses of the kernel's configuration

// A parsed file; not good: an error has been reported.
struct TomlFile {
    toml::table values;
    const std::string* name = nullptr;
    bool good = false;
};
TomlFile read_toml(const std::string& path, Diagnostics& diagnostics);

// The table `key` of `parent`; without values if it is absent or, with an error, no table.
Table child_table(Diagnostics& diagnostics, Table& parent, const std::string& key);

// Finds the folders of core services: FOLDER/NAME, FOLDER/CLASS/NAME, or the one whose app.toml says name = NAME.
class Services {
public:
    explicit Services(const std::vector<std::string>& folders);
    std::vector<std::string> find(const std::string& name) const;

private:
    std::vector<std::string> folders_;  // with app.toml, sorted
};

// Keys that [[app]] may have besides path, name and modes.
std::set<std::string> app_keys();

class AppLoader {
public:
    AppLoader(Diagnostics& diagnostics, TomlFile& file, Table& replacement, const Folders& folders)
        : diagnostics_(diagnostics), file_(file), replacement_(replacement), folders_(folders) {}

    void read(Domain& domain);

private:
    void read_app(Table& top, Domain& domain);
    void read_numbers(Section& section, Domain& domain);
    void read_rights(Section& section, Domain& domain);
    void read_arguments(Section& section, Domain& domain);
    void read_environment(Table& app, Domain& domain);
    void read_parameters(Table& top, Domain& domain);
    void read_restart(Table& top, Domain& domain);
    void read_port(Table& table, Domain& domain);
    void read_use(Table& table, Domain& domain);
    void read_device(Table& table, Domain& domain);
    void read_interrupts(Section& section, Device& device);
    void read_dma(Table& table, Domain& domain);
    void read_ring(Table& table, Domain& domain);
    void read_stream(Table& table, Domain& domain);
    void read_image(Table& table, Domain& domain);
    void check_text(const Text& text, const char* what);
    bool parameter_text(const toml::node& node, std::string& text);
    // The arrays of tables of app.toml, or those that [[app]] has in their place.
    void each(Table& top, const char* key, void (AppLoader::*read)(Table&, Domain&), Domain& domain);

    Diagnostics& diagnostics_;
    TomlFile& file_;
    Table& replacement_;
    const Folders& folders_;
};

}  // namespace kos::compiler

#endif
