// See emit.h.
#include "emit.h"

#include <kos/manifest/manifest.h>

#include <memory>
#include <set>

#include "emit_network.h"
#include "fdt_writer.h"

namespace kos::compiler {
namespace {

using tools::Buffer;
using tools::Error;
using Writer = FdtWriter;

std::vector<std::string> values_of(const std::vector<Text>& texts) {
    std::vector<std::string> values;
    for (const Text& text : texts) {
        values.push_back(text.value);
    }
    return values;
}

void emit_devices(Writer& writer, const Domain& domain) {
    bool has_interrupts = false;
    bool has_registers = false;
    for (const Device& device : domain.devices) {
        has_interrupts |= !device.interrupts.empty();
        has_registers |= device.size.value != 0;
    }
    if (has_registers) {
        writer.begin("devices");
        for (const Device& device : domain.devices) {
            if (device.size.value == 0) continue;  // a part of the core, only interrupts
            writer.begin(device.name.value);
            writer.cells("reg", {device.address.value >> 32, device.address.value & UINT32_MAX, device.size.value >> 32,
                                 device.size.value & UINT32_MAX});
            writer.flag("shared", device.shared);
            writer.end();
        }
        writer.end();
    }
    if (has_interrupts) {
        writer.begin("interrupts");
        for (const Device& device : domain.devices) {
            for (const InterruptLine& line : device.interrupts) {
                writer.begin(line.name);
                writer.u32("number", line.number.value);
                writer.flag("edge", line.edge);
                writer.end();
            }
        }
        writer.end();
    }
    if (!domain.images.empty()) {
        writer.begin("images");
        for (const ImageFile& image : domain.images) {
            writer.begin(image.name.value);
            writer.bytes("file", image.sha256.data(), image.sha256.size());
            writer.end();
        }
        writer.end();
    }
    if (!domain.dma.empty()) {
        writer.begin("dma");
        for (const DmaArea& area : domain.dma) {
            writer.begin(area.name.value);
            writer.u64("bytes", area.size.value);
            writer.end();
        }
        writer.end();
    }
}

void emit_domain(Writer& writer, const Domain& domain) {
    writer.begin(domain.name.value);
    writer.u32("number", domain.number);
    writer.bytes("program", domain.program->sha256.data(), domain.program->sha256.size());
    writer.u32("memory-bits", domain.memory_bits);
    writer.u32("priority", domain.priority.value);
    writer.u32("stack-bytes", domain.stack.value);
    writer.u32("budget-us", domain.budget_us.value);
    writer.u32("period-us", domain.period_us.value);
    writer.u32("request-budget-us", domain.request_budget_us.value);
    writer.u32_unless_zero("core", domain.core.value);
    writer.u32("threads", domain.threads.value);
    writer.u32("replies", domain.replies.value);
    writer.u32_unless_zero("watchdog-ms", domain.watchdog_ms.value);
    writer.u32_unless_zero("persistent-bytes", domain.persistent.value);
    writer.u32_unless_zero("staging-bytes", domain.staging.value);
    if (domain.kernel_objects.value != 0) {
        writer.u64("kernel-objects", domain.kernel_objects.value);
        writer.u32("program-priority", domain.program_priority.value);
    }
    writer.u32_unless_zero("shutdown-ms", domain.shutdown_ms.value);
    writer.u32("mode-mask", domain.mode_mask);
    writer.text("restart", domain.restart.value);
    writer.flag("passive", domain.passive.value);
    writer.texts("rights", values_of(domain.rights));
    writer.texts("arguments", values_of(domain.arguments));
    std::vector<std::string> environment;
    for (const auto& [name, value] : domain.environment) {
        environment.push_back(name + "=" + value.value);
    }
    writer.texts("environment", environment);
    emit_devices(writer, domain);
    if (!domain.parameters.empty()) {
        writer.begin("parameters");
        for (const auto& [name, value] : domain.parameters) {
            writer.text(name.c_str(), value.value);
        }
        writer.end();
    }
    writer.end();
}

void emit_ports(Writer& writer, const System& system) {
    writer.begin("ports");
    for (const Domain& domain : system.domains) {
        for (const ServedPort& port : domain.serves) {
            writer.begin(port.name.value);
            writer.u32("number", port.number);
            writer.u32("server", domain.number);
            if (!port.interface.value.empty()) {
                writer.text("interface", port.interface.value);
            }
            writer.u32_unless_zero("payload", port.payload.value);
            writer.flag("queue", port.queue);
            writer.flag("tokens", port.tokens);
            writer.end();
        }
    }
    writer.end();
    writer.begin("connections");
    for (size_t i = 0; i < system.connections.size(); ++i) {
        const Connection& connection = system.connections[i];
        const Domain& client = system.domains[connection.client];
        writer.begin("connection-" + std::to_string(i));
        writer.u32("client", client.number);
        writer.u32("port", system.domains[connection.server].serves[connection.port].number);
        writer.flag("early", connection.early);
        writer.flag("send-only", client.uses[connection.use].send_only);
        writer.end();
    }
    writer.end();
}

uint32_t number_of(const System& system, const std::string& name) {
    for (const Domain& domain : system.domains) {
        if (domain.name.value == name) {
            return domain.number;
        }
    }
    throw Error("no domain " + name);
}

void emit_rings_and_groups(Writer& writer, const System& system) {
    writer.begin("rings");
    for (const Domain& domain : system.domains) {
        for (const RingTo& ring : domain.rings) {
            writer.begin(ring.name.value);
            writer.u32("producer", domain.number);
            writer.u32("consumer", number_of(system, ring.to.value));
            writer.u32("bytes", ring.size.value);
            writer.flag("dma", ring.dma.value);
            writer.flag("stream", ring.is_stream);
            writer.end();
        }
    }
    writer.end();
    writer.begin("groups");
    for (const Group& group : system.groups) {
        writer.begin(group.name.value);
        writer.text("strategy", group.strategy.value);
        writer.texts("members", values_of(group.members));
        writer.u32("intensity", group.intensity.value);
        writer.u32("period-s", group.period_s.value);
        writer.text("escalate", group.escalate.value);
        std::vector<uint64_t> back_off;
        for (const Number& number : group.back_off_ms) {
            back_off.push_back(number.value);
        }
        writer.cells("back-off-ms", back_off);
        writer.end();
    }
    writer.end();
}

// Root must not be the first to find a mistake of this compiler.
void check_as_root(const Buffer& tree) {
    const auto manifest = std::make_unique<manifest::Manifest>();
    // An allocation is aligned to 16 bytes, as the decoder needs it.
    const manifest::Status status = manifest::read(tree.data(), tree.size(), *manifest);
    if (!status.ok()) {
        throw Error("root would refuse the manifest: " + std::string(status.error().path) + ": " + status.error().text +
                    " (found " + std::to_string(status.error().found) + ")");
    }
}

}  // namespace

tools::Buffer emit_manifest(const System& system) {
    Writer writer;
    writer.begin("");
    writer.text("compatible", "kos,manifest-1");
    writer.text("system", system.name.value);
    writer.text("board", system.board.value);
    writer.u64("generation", system.generation.value);
    writer.texts("modes", values_of(system.modes));
    std::vector<uint64_t> order;
    for (const uint32_t index : system.start_order) {
        order.push_back(system.domains[index].number);
    }
    writer.cells("start-order", order);
    writer.begin("domains");
    for (const Domain& domain : system.domains) {
        emit_domain(writer, domain);
    }
    writer.end();
    emit_ports(writer, system);
    emit_rings_and_groups(writer, system);
    emit_network(writer, system);
    writer.end();
    Buffer tree = writer.finish();
    check_as_root(tree);
    return tree;
}

}  // namespace kos::compiler
