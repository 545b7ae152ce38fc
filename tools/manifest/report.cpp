// See report.h.
#include "report.h"

#include <kos/abi.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "board.h"
#include "checks.h"
#include "closure.h"
#include "table.h"

namespace kos::compiler {
namespace {

// By its name: what must not be read by whoever reads a report.
bool is_secret(std::string_view name) {
    for (const std::string_view end : {"KEY", "KEY_BASE", "SECRET", "PASSWORD", "TOKEN", "COOKIE"}) {
        if (name.ends_with(end)) return true;
    }
    return false;
}

std::string hex(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof(text), "0x%08llx", static_cast<unsigned long long>(value));
    return text;
}

std::string hex_bytes(const std::array<uint8_t, 32>& bytes) {
    std::string text;
    for (const uint8_t byte : bytes) {
        char digits[3];
        std::snprintf(digits, sizeof(digits), "%02x", byte);
        text += digits;
    }
    return text;
}

std::string percent(uint64_t ppm) {
    char text[24];
    std::snprintf(text, sizeof(text), "%llu.%02llu %%", static_cast<unsigned long long>(ppm / 10000),
                  static_cast<unsigned long long>(ppm / 100 % 100));
    return text;
}

std::string yes(bool value) { return value ? "yes" : "no"; }

std::string texts_of(const std::vector<Text>& texts) {
    std::vector<std::string> values;
    for (const Text& text : texts) {
        values.push_back(text.value);
    }
    return joined(values);
}

// A text inside a cell must not end it.
std::string cell(std::string text) {
    for (size_t at = 0; (at = text.find_first_of("|\n\r", at)) != std::string::npos; ++at) {
        text[at] = text[at] == '|' ? '/' : ' ';
    }
    return text;
}

class Reporter {
public:
    explicit Reporter(const System& system) : system_(system) {}

    std::string run() {
        write_system();
        for (const Domain& domain : system_.domains) {
            write_domain(domain);
        }
        write_connections();
        write_rings();
        write_network();
        write_devices();
        write_closure();
        write_time();
        write_memory();
        write_groups();
        write_start_order();
        return out_.str();
    }

private:
    void table(const std::string& head) {
        out_ << "\n| " << head << " |\n|";
        const auto columns = std::count(head.begin(), head.end(), '|') + 1;
        for (long i = 0; i < columns; ++i) {
            out_ << " --- |";
        }
        out_ << '\n';
    }
    template <typename... Values>
    void row(const Values&... values) {
        out_ << "|";
        ((out_ << " " << values << " |"), ...);
        out_ << '\n';
    }

    void write_system() {
        out_ << "# " << system_.name.value << ", generation " << system_.generation.value << "\n";
        table("What | Value");
        row("board", system_.board.value);
        std::vector<std::string> modes;
        for (const Text& mode : system_.modes) {
            modes.push_back(mode.value);
        }
        row("modes", joined(modes));
        row("domains", system_.domains.size());
        row("connections", system_.connections.size());
    }

    void write_domain(const Domain& domain) {
        out_ << "\n## Domain " << domain.number << ": " << domain.name.value << "\n";
        table("What | Value");
        row("app",
            domain.is_core ? "core:" + std::filesystem::path(domain.folder).filename().string() : cell(domain.folder));
        row("program", domain.binary.value + ", " + std::to_string(domain.program->contents.size()) + " bytes");
        row("SHA-256", hex_bytes(domain.program->sha256));
        row("addresses", hex(domain.program->start) + " to " + hex(domain.program->end) + ", read-only " +
                             size_text(domain.program->read_only_bytes) + ", writable " +
                             size_text(domain.program->writable_bytes));
        row("modes", mode_names(system_, domain.mode_mask));
        row("priority", std::to_string(domain.priority.value) + (domain.passive.value ? ", passive" : ""));
        row("budget", std::to_string(domain.budget_us.value) + " us of " + std::to_string(domain.period_us.value) +
                          " us on core " + std::to_string(domain.core.value) + " for each of " +
                          std::to_string(domain.threads.value) + (domain.threads.value == 1 ? " thread" : " threads"));
        row("request budget", std::to_string(domain.request_budget_us.value) + " us");
        row("memory", size_text(uint64_t{1} << domain.memory_bits) + ", of which at least " +
                          std::to_string(sum_of(least_memory(system_, domain))) + " bytes at the start");
        row("stack", size_text(domain.stack.value));
        row("persistent memory", size_text(domain.persistent.value));
        if (domain.staging.value != 0) {
            row("staging", size_text(domain.staging.value) + ", for what is pushed to the running device");
        }
        row("kernel objects",
            domain.kernel_objects.value == 0
                ? std::string("none")
                : size_text(domain.kernel_objects.value) + " of untyped memory, threads of priority " +
                      std::to_string(domain.program_priority.value) + " at most on time that others leave");
        for (const ImageFile& image : domain.images) {
            row("image", image.name.value + ": " + image.file.value + ", " + size_text(image.contents.size()) +
                             ", SHA-256 " + hex_bytes(image.sha256));
        }
        row("replies", domain.replies.value);
        row("capability slots", std::to_string(slots_used(system_, domain)));
        row("rights", texts_of(domain.rights));
        row("restart", domain.restart.value + ", " + std::to_string(domain.shutdown_ms.value) + " ms to stop");
        row("watchdog", domain.watchdog_ms.value == 0 ? "none" : std::to_string(domain.watchdog_ms.value) + " ms");
        for (const Text& argument : domain.arguments) {
            row("argument", "`" + cell(argument.value) + "`");
        }
        for (const auto& [name, value] : domain.environment) {
            // A report is for readers, and goes into repositories.
            const bool is_shown = !is_secret(name);
            row("environment " + cell(name),
                is_shown ? "`" + cell(value.value) + "`" : std::to_string(value.value.size()) + " bytes, not shown");
        }
        for (const auto& [name, value] : domain.parameters) {
            row("parameter " + name, "`" + cell(value.value) + "`");
        }
        write_ports(domain);
    }

    void write_ports(const Domain& domain) {
        if (!domain.serves.empty()) {
            table("Serves | Number | Interface | Payload | Queue | Tokens");
        }
        for (const ServedPort& port : domain.serves) {
            row(port.name.value, port.number, port.interface.value.empty() ? "-" : port.interface.value,
                port.payload.value, yes(port.queue), yes(port.tokens));
        }
        if (!domain.devices.empty()) {
            table("Device | Address | Bytes | Interrupts | Shared");
        }
        for (const Device& device : domain.devices) {
            std::vector<std::string> lines;
            for (const InterruptLine& line : device.interrupts) {
                lines.push_back(line.name + " " + std::to_string(line.number.value) + (line.edge ? " edge" : " level"));
            }
            row(device.name.value, hex(device.address.value), hex(device.size.value), joined(lines),
                yes(device.shared));
        }
        if (!domain.dma.empty()) {
            table("DMA memory | Bytes");
        }
        for (const DmaArea& area : domain.dma) {
            row(area.name.value, size_text(area.size.value));
        }
    }

    void write_connections() {
        out_ << "\n## Connections\n";
        table("Client | Server | Port | Calls | Window | Queue | Tokens | Early | Waits");
        for (const Connection& connection : system_.connections) {
            const Domain& client = system_.domains[connection.client];
            const Domain& server = system_.domains[connection.server];
            const UsedPort& use = client.uses[connection.use];
            const ServedPort& port = server.serves[connection.port];
            row(client.name.value, server.name.value, port.name.value + (use.is_implicit ? " (implicit)" : ""),
                yes(!use.send_only), port.payload.value == 0 ? "-" : size_text(KOS_PAYLOAD_MAX), yes(port.queue),
                yes(port.tokens && !use.send_only), yes(connection.early), yes(use.wait));
        }
    }

    void write_rings() {
        out_ << "\n## Rings\n";
        table("Ring | From | To | Bytes | For a device");
        for (const Domain& domain : system_.domains) {
            for (const RingTo& ring : domain.rings) {
                row(ring.name.value, domain.name.value, ring.to.value, size_text(ring.size.value), yes(ring.dma.value));
            }
        }
    }

    static std::string rule_text(const NetRule& rule) {
        std::vector<std::string> peers;
        for (const NetPeer& peer : rule.peers) {
            peers.push_back(peer.text.value);
        }
        std::vector<std::string> ports;
        for (const NetPorts& range : rule.ports) {
            ports.push_back(std::to_string(range.first) +
                            (range.first == range.last ? "" : "-" + std::to_string(range.last)));
        }
        return rule.protocol + (ports.empty() ? "" : " " + joined(ports)) + (rule.is_inbound ? " from " : " to ") +
               joined(peers) +
               (rule.forward.value == 0 ? "" : ", device's port " + std::to_string(rule.forward.value)) +
               (rule.rate.value == 0 ? "" : ", at most " + std::to_string(rule.rate.value) + " packets/s");
    }

    void write_network() {
        if (!system_.network) {
            return;
        }
        const Uplink& uplink = *system_.network;
        out_ << "\n## Network\n";
        table("What | Value");
        row("driver", uplink.driver.value);
        row("IPv4", uplink.address4 ? subnet_text(uplink.address4->value) : std::string("DHCP"));
        row("IPv6", uplink.address6 ? subnet_text(uplink.address6->value)
                                    : std::string(uplink.has_v6 ? "router advertisements" : "none"));
        for (const auto& gateway : {uplink.gateway4, uplink.gateway6}) {
            if (gateway) {
                row("gateway", address_text(gateway->value));
            }
        }
        for (const At<Address>& server : uplink.dns) {
            row("name server", address_text(server.value));
        }
        row("time servers", texts_of(uplink.ntp));
        table("Domain | Address | Router's end | Rule");
        for (const Domain& domain : system_.domains) {
            if (!domain.network) {
                continue;
            }
            const AppNetwork& network = *domain.network;
            row(domain.name.value, address_text(network.address4) + ", " + address_text(network.address6),
                address_text(network.gateway4) + ", " + address_text(network.gateway6),
                network.rules.empty() ? "nothing passes" : "");
            for (const NetRule& rule : network.rules) {
                row("", "", "", (rule.is_inbound ? "listen " : "allow ") + cell(rule_text(rule)));
            }
        }
    }

    // By address, so that a reader finds what touches what.
    void write_devices() {
        struct Entry {
            uint64_t address, bytes;
            std::string text;
        };
        std::vector<Entry> entries;
        for (const Domain& domain : system_.domains) {
            for (const Device& device : domain.devices) {
                entries.push_back(
                    {device.address.value, device.size.value, domain.name.value + " | " + device.name.value});
            }
        }
        std::stable_sort(entries.begin(), entries.end(),
                         [](const Entry& one, const Entry& two) { return one.address < two.address; });
        out_ << "\n## Device addresses\n";
        table("From | To | Domain | Device");
        for (const Entry& entry : entries) {
            row(hex(entry.address), hex(entry.address + entry.bytes), entry.text);
        }
    }

    void write_closure() {
        out_ << "\n## Who can reach whom\n\nDirectly, or by capabilities that others pass on. Everything that is not "
                "listed is "
                "out of reach.\n";
        table("From | To | How");
        const Closure closure = closure_of(system_);
        for (size_t from = 0; from < closure.size(); ++from) {
            for (size_t to = 0; to < closure.size(); ++to) {
                if (closure[from][to].reached) {
                    row(system_.domains[from].name.value, system_.domains[to].name.value, cell(closure[from][to].way));
                }
            }
        }
        out_ << "\nDomains that can pass on to each other whatever they hold:\n\n";
        const auto islands = token_islands(system_);
        for (const std::vector<uint32_t>& island : islands) {
            std::vector<std::string> names;
            for (const uint32_t member : island) {
                names.push_back(system_.domains[member].name.value);
            }
            out_ << "- " << joined(names) << '\n';
        }
        out_ << (islands.empty() ? "(none)\n" : "");
        out_ << "\nKept apart:\n\n";
        for (const Deny& deny : system_.denies) {
            out_ << "- " << deny.from.value << " from " << deny.to.value << '\n';
        }
        out_ << (system_.denies.empty() ? "(nothing asked for)\n" : "");
    }

    void write_time() {
        out_ << "\n## CPU time\n";
        table("Mode | Core | Domains | Sum | At most");
        for (size_t mode = 0; mode < system_.modes.size(); ++mode) {
            for (uint64_t core = 0; core < KOS_BOARD_MAX_CORES; ++core) {
                uint64_t sum = 0;
                std::vector<std::string> names;
                for (const Domain& domain : system_.domains) {
                    if (domain.core.value == core && (domain.mode_mask >> mode & 1) != 0) {
                        sum += utilisation_ppm(domain);
                        names.push_back(domain.name.value + " " + percent(utilisation_ppm(domain)));
                    }
                }
                if (!names.empty()) {
                    row(system_.modes[mode].value, core, joined(names), percent(sum),
                        percent(system_.core_budget_percent.value * 10000));
                }
            }
        }
    }

    void write_memory() {
        out_ << "\n## Memory\n";
        table("Domain | Quota | At the start | Parts | Persistent | DMA | Rings");
        uint64_t total = 0;
        for (const Domain& domain : system_.domains) {
            std::vector<std::string> parts;
            for (const MemoryPart& part : least_memory(system_, domain)) {
                if (part.bytes != 0) {
                    parts.push_back(std::string(part.what) + " " + std::to_string(part.bytes));
                }
            }
            uint64_t dma = 0;
            uint64_t rings = 0;
            for (const DmaArea& area : domain.dma) {
                dma += area.size.value;
            }
            for (const RingTo& ring : domain.rings) {
                rings += ring.size.value;
            }
            const uint64_t quota = uint64_t{1} << domain.memory_bits;
            total += quota + domain.persistent.value + domain.staging.value + dma + rings;
            row(domain.name.value, size_text(quota), sum_of(least_memory(system_, domain)), joined(parts),
                size_text(domain.persistent.value), size_text(dma), size_text(rings));
        }
        uint64_t windows = 0;
        for (const Connection& connection : system_.connections) {
            const ServedPort& port = system_.domains[connection.server].serves[connection.port];
            windows += (port.payload.value != 0 ? KOS_PAGE_BYTES : 0) + (port.queue ? KOS_PAGE_BYTES : 0);
        }
        out_ << "\nAll of these together " << total << " bytes, message windows and queues " << windows
             << " bytes, programs " << image_bytes() << " bytes in the image; " << size_text(KOS_BOARD_RAM_SIZE_BYTES)
             << " of RAM.\n";
    }

    uint64_t image_bytes() const {
        std::map<std::array<uint8_t, 32>, uint64_t> sizes;
        for (const Domain& domain : system_.domains) {
            sizes[domain.program->sha256] = domain.program->contents.size();
        }
        uint64_t sum = 0;
        for (const auto& [hash, size] : sizes) {
            sum += size;
        }
        return sum;
    }

    void write_groups() {
        out_ << "\n## Supervision\n";
        table("Group | Strategy | Members | Restarts | Then | Back-off");
        for (const Group& group : system_.groups) {
            std::vector<std::string> back_off;
            for (const Number& number : group.back_off_ms) {
                back_off.push_back(std::to_string(number.value));
            }
            row(group.name.value, group.strategy.value, texts_of(group.members),
                std::to_string(group.intensity.value) + " in " + std::to_string(group.period_s.value) + " s",
                group.escalate.value, joined(back_off) + " ms");
        }
    }

    void write_start_order() {
        out_ << "\n## Start order\n\n";
        for (const uint32_t index : system_.start_order) {
            out_ << "1. " << system_.domains[index].name.value << '\n';
        }
    }

    const System& system_;
    std::ostringstream out_;
};

}  // namespace

// Protocols and names are made of letters, digits and underscores; nothing needs an escape.
std::string network_json(const System& system) {
    std::string forwards;
    for (const Domain& domain : system.domains) {
        for (const NetRule& rule : domain.network ? domain.network->rules : std::vector<NetRule>()) {
            if (rule.forward.value != 0) {
                forwards += std::string(forwards.empty() ? "" : ", ") + "{\"protocol\": \"" + rule.protocol +
                            "\", \"port\": " + std::to_string(rule.forward.value) + ", \"domain\": \"" +
                            domain.name.value + "\"}";
            }
        }
    }
    return std::string("{\"network\": ") + (system.network ? "true" : "false") + ", \"forwards\": [" + forwards +
           "]}\n";
}

std::string report_of(const System& system) { return Reporter(system).run(); }

}  // namespace kos::compiler
