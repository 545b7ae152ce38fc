// See load_app.h.
#include "load_app.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "board.h"
#include "files.h"
#include "load_network.h"

namespace kos::compiler {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kPage = KOS_PAGE_BYTES;
constexpr uint64_t kMaxTomlBytes = 1 << 20;

uint64_t page_up(uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

uint32_t bits_of(uint64_t bytes) {
    uint32_t bits = 0;
    while (bits < 63 && uint64_t{1} << bits < bytes) {
        ++bits;
    }
    return bits;
}

std::string hex(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof(text), "0x%08llx", static_cast<unsigned long long>(value));
    return text;
}

// The line at which toml++ gives up without saying where: the last of the shortest beginning that it gives up on.
uint32_t assertion_line(const std::string& text) {
    uint32_t line = 1;
    for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', end + 1), ++line) {
        try {
            static_cast<void>(toml::parse(text.substr(0, end + 1)));
        } catch (const toml::parse_error&) {
            // Something that the lines below complete.
        } catch (const TomlAssertion&) {
            break;
        }
    }
    return line;
}

template <typename T, typename Name>
bool is_new(const std::vector<T>& others, const std::string& name, Name name_of) {
    return std::none_of(others.begin(), others.end(), [&](const T& other) { return name_of(other) == name; });
}

}  // namespace

TomlFile read_toml(const std::string& path, Diagnostics& diagnostics) {
    TomlFile file;
    tools::Buffer bytes;
    try {
        bytes = tools::read_file(path);
    } catch (const tools::Error& error) {
        diagnostics.error({}, error.what(), "a TOML file");
        return file;
    }
    const std::string text(bytes.begin(), bytes.end());
    file.name = diagnostics.add_file(path, text);
    if (text.size() > kMaxTomlBytes) {
        diagnostics.error({file.name, 0, 0}, "the file has " + std::to_string(text.size()) + " bytes",
                          "at most " + std::to_string(kMaxTomlBytes));
        return file;
    }
    try {
        file.values = toml::parse(text, path);
        file.good = true;
    } catch (const toml::parse_error& error) {
        std::string what(error.description());
        what.erase(std::remove(what.begin(), what.end(), '\n'), what.end());
        diagnostics.error(place_of(file.name, error.source()), what, "valid TOML");
    } catch (const TomlAssertion&) {
        diagnostics.error({file.name, assertion_line(text), 1}, "the line makes no sense", "valid TOML");
    }
    return file;
}

Table child_table(Diagnostics& diagnostics, Table& parent, const std::string& key) {
    parent.known.insert(key);
    Table table{nullptr, parent.file, "[" + key + "]", parent.place, {}};
    const toml::node* node = parent.values != nullptr ? parent.values->get(key) : nullptr;
    if (node == nullptr) {
        return table;
    }
    table.place = place_of(parent.file, node->source());
    table.values = node->as_table();
    if (table.values == nullptr) {
        diagnostics.error(table.place, key + " is " + type_name(*node), "a table");
    }
    return table;
}

Services::Services(const std::vector<std::string>& folders) {
    constexpr int kDepth = 3;
    for (const std::string& folder : folders) {
        std::error_code code;
        for (fs::recursive_directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
            if (it.depth() >= kDepth) {
                it.disable_recursion_pending();
            }
            if (it->path().filename() == "app.toml") {
                folders_.push_back(it->path().parent_path().lexically_normal().string());
            }
        }
    }
    std::sort(folders_.begin(), folders_.end());
}

std::vector<std::string> Services::find(const std::string& name) const {
    std::vector<std::string> found;
    for (const std::string& folder : folders_) {
        if (fs::path(folder).filename() == name) {
            found.push_back(folder);
        }
    }
    if (!found.empty()) {
        return found;
    }
    for (const std::string& folder : folders_) {
        try {
            const toml::table values = toml::parse_file((fs::path(folder) / "app.toml").string());
            if (values["app"]["name"].value_or(std::string()) == name) {
                found.push_back(folder);
            }
        } catch (const std::exception&) {
            // Not the one that is wanted; whoever wants it is told what is wrong with it.
        }
    }
    return found;
}

std::set<std::string> app_keys() {
    return {"binary",
            "priority",
            "memory",
            "stack",
            "budget_us",
            "period_us",
            "request_budget_us",
            "core",
            "passive",
            "threads",
            "replies",
            "arguments",
            "environment",
            "rights",
            "persistent",
            "staging",
            "watchdog_ms",
            "kernel_objects",
            "program_priority",
            "parameters",
            "restart",
            "serves",
            "uses",
            "device",
            "dma",
            "ring",
            "stream",
            "image",
            "network"};
}

void AppLoader::each(Table& top, const char* key, void (AppLoader::*read_one)(Table&, Domain&), Domain& domain) {
    const auto call = [&](Table& table) { (this->*read_one)(table, domain); };
    if (for_each_table(diagnostics_, replacement_, key, call)) {
        top.known.insert(key);
        return;
    }
    for_each_table(diagnostics_, top, key, call);
}

void AppLoader::read(Domain& domain) {
    Table top{&file_.values, file_.name, "the top level", {file_.name, 1, 1}, {}};
    read_app(top, domain);
    read_parameters(top, domain);
    read_restart(top, domain);
    each(top, "serves", &AppLoader::read_port, domain);
    each(top, "uses", &AppLoader::read_use, domain);
    each(top, "device", &AppLoader::read_device, domain);
    each(top, "dma", &AppLoader::read_dma, domain);
    each(top, "ring", &AppLoader::read_ring, domain);
    each(top, "stream", &AppLoader::read_stream, domain);
    each(top, "image", &AppLoader::read_image, domain);
    read_app_network(diagnostics_, top, replacement_, domain);
    refuse_unknown(diagnostics_, top);
}

void AppLoader::read_app(Table& top, Domain& domain) {
    Table app = child_table(diagnostics_, top, "app");
    domain.app = app.place;
    if (app.values == nullptr) {
        diagnostics_.error(top.place, "there is no [app]", "[app] with a name");
    }
    // The app's own name is checked even if the instance has another.
    Section own(diagnostics_, app);
    domain.name = app.values != nullptr ? own.required_name("name") : Text{"", app.place};
    const std::string app_name = domain.name.value;
    domain.is_incomplete |= app_name.empty();
    Section instance(diagnostics_, replacement_);
    if (instance.has("name")) {
        domain.name = instance.required_name("name");
        domain.is_incomplete |= domain.name.value.empty();
    }
    Section section(diagnostics_, app, &replacement_);
    domain.binary = section.text("binary", app_name.empty() ? "" : app_name + ".elf");
    if (domain.binary.value.find('/') != std::string::npos || (domain.binary.value.empty() && !app_name.empty())) {
        diagnostics_.error(domain.binary.place, "binary is " + in_quotes(domain.binary.value), "the name of a file");
        domain.binary.value.clear();
    }
    read_numbers(section, domain);
    read_rights(section, domain);
    read_arguments(section, domain);
    read_environment(app, domain);
    refuse_unknown(diagnostics_, app);
}

void AppLoader::read_numbers(Section& section, Domain& domain) {
    using namespace manifest;
    domain.priority = section.number("priority", 100, 1, kMaxPriority);
    domain.memory = section.size("memory", 256 << 10, uint64_t{1} << kMinMemoryBits, KOS_BOARD_RAM_SIZE_BYTES);
    domain.memory_bits = bits_of(domain.memory.value);
    domain.stack = section.size("stack", 16 << 10, 1, 64 << 20);
    domain.stack.value = page_up(domain.stack.value);
    domain.budget_us = section.number("budget_us", 500, kMinBudgetUs, kMaxPeriodUs);
    domain.period_us = section.number("period_us", 10000, kMinBudgetUs, kMaxPeriodUs);
    domain.request_budget_us = section.number("request_budget_us", 10000, kMinBudgetUs, kMaxPeriodUs);
    domain.core = section.number("core", 0, 0, KOS_BOARD_MAX_CORES - 1);
    domain.passive = section.flag("passive", false);
    domain.threads = section.number("threads", 1, 1, KOS_MAX_THREADS);
    domain.replies = section.number("replies", 1, 1, KOS_MAX_REPLIES);
    domain.persistent = section.size("persistent", 0, 0, kMaxAreaBytes);
    domain.persistent.value = page_up(domain.persistent.value);
    domain.staging = section.size("staging", 0, 0, kMaxAreaBytes);
    domain.staging.value = page_up(domain.staging.value);
    domain.watchdog_ms = section.number("watchdog_ms", 0, 0, kMaxTimeMs);
    domain.kernel_objects = section.size("kernel_objects", 0, 0, KOS_BOARD_RAM_SIZE_BYTES);
    domain.kernel_objects.value = page_up(domain.kernel_objects.value);
    domain.program_priority = section.number("program_priority", 50, 1, kMaxPriority);
}

void AppLoader::read_rights(Section& section, Domain& domain) {
    const std::vector<std::string> known = {"manifest", "control", "time", "entropy", "development"};
    for (const Text& right : section.texts("rights")) {
        if (std::find(known.begin(), known.end(), right.value) == known.end()) {
            diagnostics_.error(right.place, "the right " + in_quotes(right.value) + " is unknown",
                               "some of " + joined(known));
        } else if (domain.has_right(right.value.c_str())) {
            diagnostics_.error(right.place, "the right " + in_quotes(right.value) + " is there twice", "each once");
        } else {
            domain.rights.push_back(right);
        }
    }
}

void AppLoader::check_text(const Text& text, const char* what) {
    if (text.value.size() > manifest::kMaxTextBytes) {
        diagnostics_.error(text.place, std::string(what) + " has " + std::to_string(text.value.size()) + " bytes",
                           "at most " + std::to_string(manifest::kMaxTextBytes));
    }
}

void AppLoader::read_arguments(Section& section, Domain& domain) {
    domain.arguments = section.texts("arguments");
    for (const Text& argument : domain.arguments) {
        check_text(argument, "an argument");
    }
}

// Replacements add to the app's environment, variable by variable.
void AppLoader::read_environment(Table& app, Domain& domain) {
    for (Table* parent : {&app, &replacement_}) {
        Table table = child_table(diagnostics_, *parent, "environment");
        if (table.values == nullptr) {
            continue;
        }
        for (const auto& [key, node] : *table.values) {
            const std::string name(key.str());
            Text value{"", place_of(table.file, node.source())};
            if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos) {
                diagnostics_.error(value.place, "a variable of environment is called " + in_quotes(name),
                                   "a name without \"=\"");
                continue;
            }
            const auto text = node.value_exact<std::string>();
            if (!text || text->find('\0') != std::string::npos) {
                diagnostics_.error(value.place, name + " is " + (text ? "a text with a zero byte" : type_name(node)),
                                   "a string");
                continue;
            }
            value.value = *text;
            check_text({name + "=" + *text, value.place}, "an environment entry");
            domain.environment[name] = value;
        }
    }
}

bool AppLoader::parameter_text(const toml::node& node, std::string& text) {
    if (const auto value = node.value_exact<std::string>()) {
        text = *value;
        return text.find('\0') == std::string::npos;
    }
    if (const auto value = node.value_exact<int64_t>()) {
        text = std::to_string(*value);
        return true;
    }
    if (const auto value = node.value_exact<bool>()) {
        text = *value ? "true" : "false";
        return true;
    }
    if (const auto value = node.value_exact<double>()) {
        char buffer[64];
        const std::to_chars_result result = std::to_chars(buffer, buffer + sizeof(buffer), *value);
        text.assign(buffer, result.ptr);
        return true;
    }
    return false;
}

// Replacements must name a parameter that the app declares: anything else is a slip of the pen. Core services cannot
// declare all of theirs, because some have the names of domains in them.
void AppLoader::read_parameters(Table& top, Domain& domain) {
    for (Table* parent : {&top, &replacement_}) {
        const bool is_replacement = parent == &replacement_;
        Table table = child_table(diagnostics_, *parent, "parameters");
        if (table.values == nullptr) {
            continue;
        }
        std::vector<std::string> known;
        for (const auto& [name, value] : domain.parameters) {
            known.push_back(name);
        }
        for (const auto& [key, node] : *table.values) {
            const std::string name(key.str());
            Text value{"", place_of(table.file, node.source())};
            if (is_replacement && !domain.is_core && domain.parameters.count(name) == 0) {
                diagnostics_.error(place_of(table.file, key.source()), "the app has no parameter " + in_quotes(name),
                                   "one of " + joined(known));
            } else if (!is_name(name)) {
                diagnostics_.error(place_of(table.file, key.source()), "a parameter is called " + in_quotes(name),
                                   kNameExpected);
            } else if (!parameter_text(node, value.value)) {
                diagnostics_.error(value.place, "the parameter " + name + " is " + type_name(node),
                                   "a string, number or boolean");
                domain.parameters[name] = {"", value.place};
            } else {
                check_text(value, "a parameter");
                domain.parameters[name] = value;
            }
        }
    }
}

void AppLoader::read_restart(Table& top, Domain& domain) {
    Table base = child_table(diagnostics_, top, "restart");
    Table replaced = child_table(diagnostics_, replacement_, "restart");
    Section section(diagnostics_, base, &replaced);
    domain.restart = section.choice("strategy", "permanent", {"permanent", "transient", "temporary"});
    domain.shutdown_ms = section.number("shutdown_ms", 1000, 0, manifest::kMaxTimeMs);
    refuse_unknown(diagnostics_, base);
    refuse_unknown(diagnostics_, replaced);
}

void AppLoader::read_port(Table& table, Domain& domain) {
    Section section(diagnostics_, table);
    ServedPort port;
    port.name = section.required_name("port");
    port.interface = section.name("interface", "");
    port.payload = section.number("payload", 0, 0, KOS_PAYLOAD_MAX);
    port.queue = section.flag("queue", false).value;
    port.tokens = section.flag("tokens", false).value;
    if (port.name.value.empty()) {
        domain.is_incomplete = true;
        return;
    }
    if (!is_new(domain.serves, port.name.value, [](const ServedPort& other) { return other.name.value; })) {
        diagnostics_.error(port.name.place, "the port " + in_quotes(port.name.value) + " is served twice", "once");
        return;
    }
    if (!port.interface.value.empty() && !folders_.interfaces.empty()) {
        const std::string file = port.interface.value + ".capnp";
        const auto exists = [&](const std::string& folder) { return fs::exists(fs::path(folder) / file); };
        if (std::none_of(folders_.interfaces.begin(), folders_.interfaces.end(), exists)) {
            diagnostics_.error(port.interface.place, "the interface " + in_quotes(port.interface.value) + " is unknown",
                               "a file " + file + " in " + joined(folders_.interfaces));
        }
    }
    domain.serves.push_back(std::move(port));
}

void AppLoader::read_use(Table& table, Domain& domain) {
    Section section(diagnostics_, table);
    UsedPort use;
    use.port = section.required_name("port");
    use.wait = section.flag("wait", true).value;
    use.send_only = section.flag("send_only", false).value;
    use.is_optional = section.flag("optional", false).value;
    if (section.has("early")) {
        use.early = section.flag("early", false).value;
    }
    if (use.port.value.empty()) {
        return;
    }
    if (!is_new(domain.uses, use.port.value, [](const UsedPort& other) { return other.port.value; })) {
        diagnostics_.error(use.port.place, "the port " + in_quotes(use.port.value) + " is used twice", "once");
        return;
    }
    domain.uses.push_back(std::move(use));
}

void AppLoader::read_device(Table& table, Domain& domain) {
    Section section(diagnostics_, table);
    Device device;
    device.name = section.required_name("name");
    read_interrupts(section, device);
    if (section.has("address")) {
        device.address = section.number("address", 0, 0, kMaxDeviceAddress);
        device.size = section.size("size", kPage, 1, manifest::kMaxAreaBytes);
    } else if (device.interrupts.empty() || section.has("size")) {
        diagnostics_.error(table.place, "[[device]] has no address",
                           "address = PHYSICAL ADDRESS, or interrupts and no size for a part of the core");
        domain.is_incomplete = true;
        return;
    }
    if (device.address.value % kPage != 0 || device.size.value % kPage != 0) {
        const bool address = device.address.value % kPage != 0;
        diagnostics_.error(
            address ? device.address.place : device.size.place,
            (address ? "address is " + hex(device.address.value) : "size is " + size_text(device.size.value)),
            "whole pages of 4K (all of a page goes to the domain)");
        domain.is_incomplete = true;
        return;
    }
    if (device.name.value.empty()) {
        domain.is_incomplete = true;
        return;
    }
    if (!is_new(domain.devices, device.name.value, [](const Device& other) { return other.name.value; })) {
        diagnostics_.error(device.name.place, "two devices have the name " + in_quotes(device.name.value),
                           "different names");
        return;
    }
    domain.devices.push_back(std::move(device));
}

void AppLoader::read_interrupts(Section& section, Device& device) {
    const Section::Found found = section.find("interrupts");
    if (found.node == nullptr) {
        return;
    }
    const toml::array* list = found.node->as_array();
    if (list == nullptr) {
        diagnostics_.error(place_of(found.table->file, found.node->source()),
                           std::string("interrupts is ") + type_name(*found.node), "an array");
        return;
    }
    const std::string range =
        std::to_string(manifest::kFirstInterrupt) + " to " + std::to_string(manifest::kLastInterrupt);
    for (const toml::node& element : *list) {
        InterruptLine line;
        line.number.place = place_of(found.table->file, element.source());
        if (const toml::table* values = element.as_table()) {
            Table table{values, found.table->file, "an interrupt", line.number.place, {}};
            Section fields(diagnostics_, table);
            if (!fields.has("number")) {
                diagnostics_.error(table.place, "an interrupt has no number", "{ number = N, edge = true }");
                continue;
            }
            line.number = fields.number("number", 0, manifest::kFirstInterrupt, manifest::kLastInterrupt);
            line.edge = fields.flag("edge", false).value;
            refuse_unknown(diagnostics_, table);
        } else if (const auto value = element.value_exact<int64_t>()) {
            if (*value < int64_t{manifest::kFirstInterrupt} || *value > int64_t{manifest::kLastInterrupt}) {
                diagnostics_.error(line.number.place, "an interrupt is " + std::to_string(*value), range);
                continue;
            }
            line.number.value = static_cast<uint64_t>(*value);
        } else {
            diagnostics_.error(line.number.place, std::string("an interrupt is ") + type_name(element),
                               "a number or { number = N, edge = true }");
            continue;
        }
        if (line.number.value == 0) {
            continue;  // reported
        }
        const size_t count = device.interrupts.size();
        line.name = device.name.value + (count == 0 ? "" : "-" + std::to_string(count));
        device.interrupts.push_back(std::move(line));
    }
}

void AppLoader::read_dma(Table& table, Domain& domain) {
    Section section(diagnostics_, table);
    DmaArea area;
    area.name = section.required_name("name");
    if (!section.has("size")) {
        diagnostics_.error(table.place, "[[dma]] has no size", "size = \"64K\" or the like");
        return;
    }
    area.size = section.size("size", kPage, 1, manifest::kMaxAreaBytes);
    area.size.value = page_up(area.size.value);
    if (area.name.value.empty()) {
        return;
    }
    if (!is_new(domain.dma, area.name.value, [](const DmaArea& other) { return other.name.value; })) {
        diagnostics_.error(area.name.place, "two DMA areas have the name " + in_quotes(area.name.value),
                           "different names");
        return;
    }
    domain.dma.push_back(std::move(area));
}

void AppLoader::read_image(Table& table, Domain& domain) {
    Section section(diagnostics_, table);
    ImageFile image;
    image.name = section.required_name("name");
    if (!section.has("file")) {
        diagnostics_.error(table.place, "[[image]] has no file", "file = \"root.erofs\" or the like");
    }
    image.file = section.text("file", "");
    if (image.name.value.empty() || image.file.value.empty()) {
        domain.is_incomplete = true;
        return;
    }
    if (!is_new(domain.images, image.name.value, [](const ImageFile& other) { return other.name.value; })) {
        diagnostics_.error(image.name.place, "two images have the name " + in_quotes(image.name.value),
                           "different names");
        return;
    }
    domain.images.push_back(std::move(image));
}

void AppLoader::read_ring(Table& table, Domain& domain) {
    Section section(diagnostics_, table);
    RingTo ring;
    ring.name = section.required_name("name");
    ring.to = section.required_name("to");
    ring.size = section.size("size", kPage, 1, manifest::kMaxRingBytes);
    ring.size.value = page_up(ring.size.value);
    ring.dma = section.flag("dma", false);
    if (!section.has("size")) {
        diagnostics_.error(table.place, "[[ring]] has no size", "size = \"16K\" or the like");
    }
    if (!ring.name.value.empty() && !ring.to.value.empty()) {
        domain.rings.push_back(std::move(ring));
    }
}

void AppLoader::read_stream(Table& table, Domain& domain) {
    constexpr uint64_t kLeast = 16 << 10, kUsual = 128 << 10;
    Section section(diagnostics_, table);
    StreamTo stream;
    stream.to = section.required_name("to");
    stream.size = section.size("size", kUsual, kLeast, manifest::kMaxRingBytes);
    stream.size.value = page_up(stream.size.value);
    if (stream.to.value.empty()) {
        return;
    }
    if (!is_new(domain.streams, stream.to.value, [](const StreamTo& other) { return other.to.value; })) {
        diagnostics_.error(stream.to.place, "two [[stream]] go to " + in_quotes(stream.to.value),
                           "one: it carries many streams");
        return;
    }
    domain.streams.push_back(std::move(stream));
}

}  // namespace kos::compiler
