// See load.h. system.toml; app.toml is read by load_app.cpp.
#include "load.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "board.h"
#include "checks.h"
#include "files.h"
#include "load_app.h"
#include "load_network.h"
#include "table.h"

namespace kos::compiler {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kMaxGeneration = INT64_MAX;
constexpr uint64_t kMaxCoreBudgetPercent = 10000;

class SystemLoader {
public:
    SystemLoader(const std::string& path, const Folders& folders, Diagnostics& diagnostics)
        : path_(path), folders_(folders), diagnostics_(diagnostics), services_(folders.services) {}

    System run() {
        TomlFile file = read_toml(path_, diagnostics_);
        if (!file.good) {
            return std::move(system_);
        }
        Table top{&file.values, file.name, "the top level", {file.name, 1, 1}, {}};
        read_system(top);
        if (!for_each_table(diagnostics_, top, "app", [&](Table& table) { read_app(table); })) {
            diagnostics_.error(top.place, "there is no [[app]]", "at least one");
        }
        for_each_table(diagnostics_, top, "group", [&](Table& table) { read_group(table); });
        for_each_table(diagnostics_, top, "deny", [&](Table& table) { read_deny(table); });
        for_each_table(diagnostics_, top, "share", [&](Table& table) { read_share(table); });
        read_system_network(diagnostics_, top, system_);
        refuse_unknown(diagnostics_, top);
        return std::move(system_);
    }

private:
    void read_system(Table& top) {
        Table table = child_table(diagnostics_, top, "system");
        if (table.values == nullptr) {
            diagnostics_.error(top.place, "there is no [system]", "[system] with a name");
        }
        Section section(diagnostics_, table);
        if (table.values != nullptr) {
            system_.name = system_name(section);
        }
        system_.generation = section.number("generation", 1, 1, kMaxGeneration);
        system_.board = section.choice("board", KOS_BOARD_NAME, {KOS_BOARD_NAME});
        system_.core_budget_percent =
            section.number("core_budget_percent", 100 - kRootCorePercent, 1, kMaxCoreBudgetPercent);
        read_modes(section);
        refuse_unknown(diagnostics_, table);
    }

    // As other names, but dashes are allowed: it is no node of the device tree.
    Text system_name(Section& section) {
        if (!section.has("name")) {
            diagnostics_.error(section.place(), "[system] has no name",
                               "a name: [a-z][a-z0-9_-]*, at most 31 characters");
            return {};
        }
        const Text name = section.text("name", "");
        std::string plain = name.value;
        std::replace(plain.begin() + (plain.empty() ? 0 : 1), plain.end(), '-', '_');
        if (!name.value.empty() && !is_name(plain)) {
            diagnostics_.error(name.place, "name is " + in_quotes(name.value),
                               "a name: [a-z][a-z0-9_-]*, at most 31 characters");
        } else if (name.value.empty() && section.find("name").node->is_string()) {
            diagnostics_.error(name.place, "name is \"\"", "a name: [a-z][a-z0-9_-]*, at most 31 characters");
        }
        return name;
    }

    void read_modes(Section& section) {
        for (const Text& mode : section.texts("modes")) {
            if (!is_name(mode.value)) {
                diagnostics_.error(mode.place, "a mode is " + in_quotes(mode.value), kNameExpected);
            } else if (mode_index(mode.value) >= 0) {
                diagnostics_.error(mode.place, "the mode " + in_quotes(mode.value) + " is there twice",
                                   "different modes");
            } else if (system_.modes.size() == manifest::kMaxModes) {
                diagnostics_.error(mode.place, "there are more than " + std::to_string(manifest::kMaxModes) + " modes",
                                   "at most " + std::to_string(manifest::kMaxModes));
                break;
            } else {
                system_.modes.push_back(mode);
            }
        }
        if (system_.modes.empty()) {
            if (section.has("modes") && section.find("modes").node->is_array() &&
                section.find("modes").node->as_array()->empty()) {
                diagnostics_.error(place_of(section.find("modes").table->file, section.find("modes").node->source()),
                                   "modes is empty", "at least one mode");
            }
            system_.modes.push_back({"normal", section.place()});
        }
    }

    int mode_index(const std::string& name) const {
        for (size_t i = 0; i < system_.modes.size(); ++i) {
            if (system_.modes[i].value == name) {
                return static_cast<int>(i);
            }
        }
        return -1;
    }

    void read_app(Table& table) {
        Section section(diagnostics_, table);
        table.known = app_keys();
        table.known.insert({"path", "name", "modes"});
        if (!section.has("path")) {
            diagnostics_.error(table.place, "[[app]] has no path", "path = \"FOLDER\" or \"core:NAME\"");
            system_.is_incomplete = true;
            return;
        }
        const Text path = section.text("path", "");
        const uint32_t modes = read_mode_mask(section);
        Domain domain;
        if (!find_folder(path, domain)) {
            system_.is_incomplete = true;
            return;
        }
        TomlFile file = read_toml((fs::path(domain.folder) / "app.toml").lexically_normal().string(), diagnostics_);
        if (!file.good) {
            system_.is_incomplete = true;
            return;
        }
        AppLoader(diagnostics_, file, table, folders_).read(domain);
        domain.mode_mask = modes;
        system_.is_incomplete |= domain.is_incomplete;
        if (domain.name.value.empty()) {
            return;
        }
        add(std::move(domain), table.place);
    }

    uint32_t read_mode_mask(Section& section) {
        if (!section.has("modes")) {
            return (1u << system_.modes.size()) - 1;
        }
        uint32_t mask = 0;
        for (const Text& mode : section.texts("modes")) {
            const int index = mode_index(mode.value);
            if (index < 0) {
                std::vector<std::string> names;
                for (const Text& known : system_.modes) {
                    names.push_back(known.value);
                }
                diagnostics_.error(mode.place, "the mode " + in_quotes(mode.value) + " is unknown",
                                   "one of " + joined(names));
            } else if ((mask >> index & 1) != 0) {
                diagnostics_.error(mode.place, "the mode " + in_quotes(mode.value) + " is there twice",
                                   "different modes");
            } else {
                mask |= 1u << index;
            }
        }
        const Section::Found found = section.find("modes");
        if (mask == 0 && found.node->is_array() && found.node->as_array()->empty()) {
            diagnostics_.error(place_of(found.table->file, found.node->source()), "modes is empty",
                               "at least one mode, or no such line for all");
        }
        return mask == 0 ? 1 : mask;
    }

    bool find_folder(const Text& path, Domain& domain) {
        const std::string core = "core:";
        if (path.value.rfind(core, 0) == 0) {
            const std::string name = path.value.substr(core.size());
            const std::vector<std::string> found = services_.find(name);
            if (found.size() != 1) {
                diagnostics_.error(
                    path.place,
                    found.empty() ? "there is no app " + in_quotes(name)
                                  : "there are several apps " + in_quotes(name) + ": " + joined(found),
                    (found.empty() ? "a folder with app.toml below " : "one below ") + joined(folders_.services));
                return false;
            }
            domain.folder = found[0];
            domain.is_core = true;
            return true;
        }
        const fs::path folder = (fs::path(path_).parent_path() / path.value).lexically_normal();
        std::error_code code;
        if (path.value.empty() || !fs::is_regular_file(folder / "app.toml", code)) {
            diagnostics_.error(path.place, "path is " + in_quotes(path.value),
                               "a folder with app.toml, or \"core:NAME\"");
            return false;
        }
        domain.folder = folder.string();
        return true;
    }

    void add(Domain domain, const Place& place) {
        for (const Domain& other : system_.domains) {
            if (other.name.value == domain.name.value) {
                diagnostics_.error(place, "two apps have the name " + in_quotes(domain.name.value),
                                   "different names (name = ... in [[app]])");
                return;
            }
        }
        if (system_.domains.size() + 1 >= KOS_MAX_DOMAINS) {
            if (!too_many_) {
                diagnostics_.error(place, "there are more than " + std::to_string(KOS_MAX_DOMAINS - 1) + " apps",
                                   "at most " + std::to_string(KOS_MAX_DOMAINS - 1));
            }
            too_many_ = true;
            return;
        }
        domain.number = static_cast<uint32_t>(system_.domains.size()) + 1;
        system_.domains.push_back(std::move(domain));
    }

    void read_group(Table& table) {
        Section section(diagnostics_, table);
        Group group;
        group.name = section.required_name("name");
        group.strategy = section.choice("strategy", "one_for_one", {"one_for_one", "one_for_all", "rest_for_one"});
        group.members = section.texts("members");
        if (!section.has("members")) {
            diagnostics_.error(table.place, "[[group]] has no members", "members = [\"NAME\", ...]");
        } else if (const auto found = section.find("members");
                   found.node->is_array() && found.node->as_array()->empty()) {
            diagnostics_.error(place_of(found.table->file, found.node->source()), "members is empty",
                               "at least one domain or group");
        }
        group.intensity = section.number("intensity", 5, 0, 1000);
        group.period_s = section.number("period_s", 10, 1, manifest::kMaxTimeMs / 1000);
        group.escalate = section.text("escalate", "parent");
        check_escalation(group.escalate);
        read_back_off(section, group);
        system_.groups.push_back(std::move(group));
    }

    void check_escalation(const Text& escalate) {
        const std::string& value = escalate.value;
        if (value == "parent" || value == "reboot") {
            return;
        }
        if (value.rfind("mode:", 0) != 0) {
            diagnostics_.error(escalate.place, "escalate is " + in_quotes(value),
                               "\"parent\", \"reboot\" or \"mode:NAME\"");
        } else if (mode_index(value.substr(5)) < 0) {
            diagnostics_.error(escalate.place, "the mode " + in_quotes(value.substr(5)) + " is unknown",
                               "a mode of [system]");
        }
    }

    void read_back_off(Section& section, Group& group) {
        const Section::Found found = section.find("back_off_ms");
        if (found.node == nullptr) {
            group.back_off_ms = {{0, section.place()}};
            return;
        }
        const Place place = place_of(found.table->file, found.node->source());
        const toml::array* list = found.node->as_array();
        if (list == nullptr || list->empty() || list->size() > manifest::kMaxBackOff) {
            diagnostics_.error(place,
                               "back_off_ms is " + (list == nullptr ? std::string(type_name(*found.node))
                                                                    : "an array of " + std::to_string(list->size())),
                               "an array of 1 to " + std::to_string(manifest::kMaxBackOff) + " integers");
            return;
        }
        for (const toml::node& element : *list) {
            const Place at = place_of(found.table->file, element.source());
            const auto value = element.value_exact<int64_t>();
            if (!value || *value < 0 || *value > int64_t{manifest::kMaxTimeMs}) {
                diagnostics_.error(at,
                                   "an element of back_off_ms is " +
                                       (value ? std::to_string(*value) : std::string(type_name(element))),
                                   "0 to " + std::to_string(manifest::kMaxTimeMs));
                continue;
            }
            group.back_off_ms.push_back({static_cast<uint64_t>(*value), at});
        }
    }

    void read_deny(Table& table) {
        Section section(diagnostics_, table);
        Deny deny;
        deny.from = section.required_name("from");
        deny.to = section.required_name("to");
        system_.denies.push_back(std::move(deny));
    }

    void read_share(Table& table) {
        Section section(diagnostics_, table);
        Share share;
        if (!section.has("device")) {
            diagnostics_.error(table.place, "[[share]] has no device", "device = ADDRESS");
        }
        share.device = section.number("device", 0, 0, manifest_max_address());
        share.domains = section.texts("domains");
        if (share.domains.size() < 2) {
            diagnostics_.error(table.place,
                               "[[share]] has " + std::to_string(share.domains.size()) +
                                   (share.domains.size() == 1 ? " domain" : " domains"),
                               "at least two");
        }
        system_.shares.push_back(std::move(share));
    }

    static uint64_t manifest_max_address() { return kMaxDeviceAddress; }

    std::string path_;
    const Folders& folders_;
    Diagnostics& diagnostics_;
    Services services_;
    System system_;
    bool too_many_ = false;
};

}  // namespace

System load_system(const std::string& path, const Folders& folders, Diagnostics& diagnostics) {
    return SystemLoader(path, folders, diagnostics).run();
}

void replace_parameter(System& system, const std::string& replacement) {
    constexpr size_t kMostBytes = 255;
    const size_t equals = replacement.find('=');
    const size_t dot = replacement.find('.');
    if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
        throw tools::Error("--parameter " + replacement + ": expected DOMAIN.NAME=VALUE");
    }
    const std::string name = replacement.substr(dot + 1, equals - dot - 1);
    const std::string value = replacement.substr(equals + 1);
    const auto is_printable = [](unsigned char c) { return c >= ' ' && c <= '~'; };
    if (value.size() > kMostBytes || !std::all_of(value.begin(), value.end(), is_printable)) {
        throw tools::Error("--parameter " + replacement + ": expected a value of at most 255 printable characters");
    }
    for (Domain& domain : system.domains) {
        if (domain.name.value != replacement.substr(0, dot)) {
            continue;
        }
        const auto found = domain.parameters.find(name);
        if (found == domain.parameters.end()) {
            throw tools::Error("--parameter " + replacement + ": the domain has no such parameter");
        }
        found->second.value = value;
        return;
    }
    throw tools::Error("--parameter " + replacement + ": the system has no such domain");
}

}  // namespace kos::compiler
