// Tests of manifest.h on trees made with libfdt's sequential writer: one for everything that a good manifest may have,
// one for each mistake. Damaged trees: damaged_test.cpp.
#include <gtest/gtest.h>
#include <kos/manifest/manifest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "test_tree.h"

namespace kos::manifest {
namespace {

struct Read {
    std::unique_ptr<Manifest> manifest = std::make_unique<Manifest>();
    Buffer tree;
    Status status;
};

Read read_tree(Buffer tree) {
    Read result;
    result.tree = std::move(tree);
    result.status = read(result.tree.data(), result.tree.size(), *result.manifest);
    return result;
}

TEST(Manifest, EverythingOfAGoodOne) {
    const Read result = read_tree(flatten(good()));
    ASSERT_TRUE(result.status.ok()) << result.status.error().path << ": " << result.status.error().text;
    const Manifest& manifest = *result.manifest;
    EXPECT_STREQ(manifest.system, "pump-station");
    EXPECT_STREQ(manifest.board, "qemu_virt");
    EXPECT_EQ(manifest.generation, 0x100000002u);
    ASSERT_EQ(manifest.mode_count, 2u);
    EXPECT_STREQ(manifest.modes[1], "reserve");
    EXPECT_EQ(manifest.domain_count, 3u);
    EXPECT_EQ(manifest.domains[3].name, nullptr);

    const Domain& sensor = manifest.domains[find_domain(manifest, "sensor")];
    EXPECT_EQ(sensor.number, 1u);
    EXPECT_EQ(sensor.program[31], 1);
    EXPECT_EQ(sensor.memory_bits, 18u);
    EXPECT_EQ(sensor.priority, 100u);
    EXPECT_EQ(sensor.stack_bytes, 16384u);
    EXPECT_EQ(sensor.budget_us, 500u);
    EXPECT_EQ(sensor.period_us, 10000u);
    EXPECT_EQ(sensor.request_budget_us, 7000u);
    EXPECT_EQ(sensor.core, 1u);
    EXPECT_EQ(sensor.threads, 1u);
    EXPECT_EQ(sensor.replies, 1u);
    EXPECT_EQ(sensor.watchdog_ms, 2000u);
    EXPECT_EQ(sensor.persistent_bytes, 8192u);
    EXPECT_EQ(sensor.kernel_objects, 0x6000u);
    EXPECT_EQ(sensor.program_priority, 50u);
    ASSERT_EQ(sensor.images.count, 1u);
    EXPECT_STREQ(manifest.images[sensor.images.first].name, "root");
    EXPECT_EQ(manifest.images[sensor.images.first].file[31], 9);
    EXPECT_EQ(sensor.shutdown_ms, 300u);
    EXPECT_EQ(sensor.mode_mask, 3u);
    EXPECT_EQ(sensor.rights, kRightTime | kRightManifest);
    EXPECT_EQ(sensor.restart, Restart::kTransient);
    EXPECT_TRUE(sensor.passive);
    ASSERT_EQ(sensor.arguments.count, 2u);
    EXPECT_STREQ(manifest.texts[sensor.arguments.first], "--fast");
    EXPECT_STREQ(manifest.texts[sensor.arguments.first + 1], "");
    ASSERT_EQ(sensor.environment.count, 1u);
    EXPECT_STREQ(manifest.texts[sensor.environment.first], "TZ=UTC");
    ASSERT_EQ(sensor.devices.count, 1u);
    EXPECT_EQ(manifest.devices[sensor.devices.first].address, 0x09030000u);
    EXPECT_EQ(manifest.devices[sensor.devices.first].bytes, 0x1000u);
    EXPECT_TRUE(manifest.devices[sensor.devices.first].shared);
    ASSERT_EQ(sensor.interrupts.count, 2u);
    EXPECT_STREQ(manifest.interrupts[sensor.interrupts.first + 1].name, "adc-1");
    EXPECT_EQ(manifest.interrupts[sensor.interrupts.first + 1].number, 40u);
    EXPECT_TRUE(manifest.interrupts[sensor.interrupts.first + 1].edge);
    EXPECT_FALSE(manifest.interrupts[sensor.interrupts.first].edge);
    ASSERT_EQ(sensor.dma.count, 1u);
    EXPECT_EQ(manifest.dma[sensor.dma.first].bytes, 0x10000u);
    EXPECT_STREQ(find_parameter(manifest, sensor, "interval_ms"), "100");
    EXPECT_STREQ(find_parameter(manifest, sensor, "name"), "");
    EXPECT_EQ(find_parameter(manifest, sensor, "absent"), nullptr);

    const Port& port = manifest.ports[find_port(manifest, "sensor")];
    EXPECT_EQ(port.number, 3u);
    EXPECT_EQ(port.server, 1u);
    EXPECT_EQ(port.payload, 4096u);
    EXPECT_STREQ(port.interface, "");
    EXPECT_TRUE(port.tokens && !port.queue);
    ASSERT_EQ(manifest.connection_count, 2u);
    EXPECT_EQ(manifest.connections[0].client, 5u);
    EXPECT_FALSE(manifest.connections[0].early || manifest.connections[0].send_only);
    EXPECT_TRUE(manifest.connections[1].early && manifest.connections[1].send_only);
    ASSERT_EQ(manifest.ring_count, 5u);
    EXPECT_TRUE(manifest.rings[0].dma);
    EXPECT_FALSE(manifest.rings[1].dma);
    EXPECT_EQ(manifest.rings[0].consumer, 5u);
    EXPECT_EQ(manifest.rings[0].bytes, 16384u);

    ASSERT_EQ(manifest.group_count, 2u);
    const Group& field = manifest.groups[0];
    EXPECT_EQ(field.strategy, Strategy::kRestForOne);
    EXPECT_EQ(field.escalation, Escalation::kMode);
    EXPECT_EQ(field.escalation_mode, 1);
    EXPECT_EQ(field.parent, 1);
    EXPECT_EQ(field.back_off_count, 3u);
    EXPECT_EQ(field.back_off_ms[2], 100u);
    ASSERT_EQ(field.members.count, 2u);
    EXPECT_EQ(manifest.members[field.members.first].number, 1);
    EXPECT_EQ(sensor.group, 0);
    const Group& all = manifest.groups[1];
    EXPECT_EQ(all.parent, kNoGroup);
    EXPECT_EQ(all.escalation, Escalation::kReboot);
    EXPECT_TRUE(manifest.members[all.members.first + 1].is_group);
    EXPECT_EQ(manifest.start_order[0], 2);
    EXPECT_EQ(manifest.start_order[2], 5);
    EXPECT_EQ(find_mode(manifest, "absent"), -1);
}

TEST(Manifest, NetworkOfAGoodOne) {
    const Read result = read_tree(flatten(good()));
    ASSERT_TRUE(result.status.ok()) << result.status.error().path << ": " << result.status.error().text;
    const Manifest& manifest = *result.manifest;
    const Network& network = manifest.network;
    EXPECT_EQ(network.router, 2);
    EXPECT_EQ(network.driver, 1);
    EXPECT_FALSE(network.is_dhcp);
    EXPECT_EQ(network.mode6, NetAddress6::kStatic);
    EXPECT_EQ(network.address4[3], 15);
    EXPECT_EQ(network.prefix4, 24);
    EXPECT_EQ(network.gateway4[3], 2);
    EXPECT_EQ(network.address6[0], 0xfe);
    EXPECT_EQ(network.prefix6, 64);
    EXPECT_EQ(network.gateway6[15], 2);
    ASSERT_EQ(network.dns_count, 2);
    EXPECT_EQ(network.dns[0].bytes[3], 3);
    EXPECT_TRUE(network.dns[1].is_v6 && !network.dns[0].is_v6);
    ASSERT_EQ(network.ntp_count, 2);
    EXPECT_STREQ(network.ntp[1], "10.0.2.9");

    ASSERT_EQ(manifest.net_link_count, 2u);
    const NetLink* pump = find_link(manifest, 5);
    ASSERT_NE(pump, nullptr);
    EXPECT_STREQ(manifest.rings[pump->out].name, "net_pump_out");
    EXPECT_STREQ(manifest.rings[pump->in].name, "net_pump_in");
    EXPECT_EQ(pump->address4[2], 5);
    EXPECT_EQ(pump->gateway4[3], 1);
    EXPECT_EQ(pump->address6[5], 5);
    EXPECT_EQ(pump->gateway6[15], 1);
    EXPECT_EQ(find_link(manifest, 2), nullptr);
    ASSERT_EQ(pump->rules.count, 5);
    const NetRule* rules = &manifest.net_rules[pump->rules.first];
    EXPECT_EQ(rules[0].protocol, NetProtocol::kTcp);
    EXPECT_FALSE(rules[0].is_inbound);
    EXPECT_EQ(rules[0].domain, 5);
    ASSERT_EQ(rules[0].ports.count, 2);
    EXPECT_EQ(manifest.net_ports[rules[0].ports.first + 1].last, 8010);
    const NetPeer& host = manifest.net_peers[rules[0].peers.first];
    EXPECT_EQ(host.kind, NetPeerKind::kHost);
    EXPECT_TRUE(host.is_wildcard);
    EXPECT_STREQ(host.host, "example.org");
    const NetPeer& subnet = manifest.net_peers[rules[1].peers.first];
    EXPECT_EQ(subnet.kind, NetPeerKind::kNetwork4);
    EXPECT_EQ(subnet.bytes[0], 10);
    EXPECT_EQ(subnet.prefix, 8);
    EXPECT_EQ(rules[1].rate, 50u);
    EXPECT_EQ(manifest.net_peers[rules[2].peers.first].domain, 1);
    EXPECT_TRUE(rules[3].is_inbound);
    EXPECT_EQ(rules[3].forward, 8080);
    ASSERT_EQ(rules[3].peers.count, 2);
    EXPECT_EQ(manifest.net_peers[rules[3].peers.first].kind, NetPeerKind::kAny);
    EXPECT_EQ(manifest.net_peers[rules[3].peers.first + 1].kind, NetPeerKind::kNetwork6);
    EXPECT_EQ(rules[4].protocol, NetProtocol::kIcmp);
    EXPECT_EQ(rules[4].ports.count, 0);
}

TEST(Manifest, NetworkWithDhcp) {
    Node root = good();
    root.child("network").child("uplink").properties = {{"slaac", {}}};
    const Read result = read_tree(flatten(root));
    ASSERT_TRUE(result.status.ok()) << result.status.error().path << ": " << result.status.error().text;
    EXPECT_TRUE(result.manifest->network.is_dhcp);
    EXPECT_EQ(result.manifest->network.mode6, NetAddress6::kAuto);
}

TEST(Manifest, TheSmallest) {
    Node root = good();
    root.children.clear();
    root.set("start-order", cells({1}));
    root.child("domains").children = {domain("only", 1)};
    const Read result = read_tree(flatten(root));
    ASSERT_TRUE(result.status.ok()) << result.status.error().path << ": " << result.status.error().text;
    EXPECT_EQ(result.manifest->domains[1].group, kNoGroup);
    EXPECT_EQ(result.manifest->domains[1].restart, Restart::kPermanent);
}

struct Mistake {
    const char* path;
    const char* text;
    std::function<void(Node&)> make;
};

Node& domain_of(Node& root, const char* name) { return root.child("domains").child(name); }

// Each with the place and the text that it is refused with.
const Mistake kMistakes[] = {
    {"/:compatible", "\"kos,manifest-1\" is expected", [](Node& r) { r.set("compatible", text("kos,manifest-2")); }},
    {"/:compatible", "this property is missing", [](Node& r) { r.remove("compatible"); }},
    {"/:system", "a name is expected", [](Node& r) { r.set("system", text("Pump")); }},
    {"/:system", "one text of at most 255 bytes is expected", [](Node& r) { r.set("system", {'a'}); }},
    {"/:system", "one text of at most 255 bytes is expected",
     [](Node& r) {
         r.set("system", texts({"a", "b"}));
     }},
    {"/:generation", "the number is out of its range", [](Node& r) { r.set("generation", u64(0)); }},
    {"/:generation", "8 bytes are expected", [](Node& r) { r.set("generation", u32(1)); }},
    {"/:modes", "at most 16 different names are expected",
     [](Node& r) {
         r.set("modes", texts({"a", "a"}));
     }},
    {"/:modes", "a list of texts is expected", [](Node& r) { r.set("modes", {}); }},
    {"/:surprise", "this property is not known", [](Node& r) { r.set("surprise", {}); }},
    {"/:board", "a property is expected once", [](Node& r) { r.properties.emplace_back("board", text("x")); }},
    {"/surprise", "this node is not known here, or there twice", [](Node& r) { r.child("surprise"); }},
    {"/ports", "this node is not known here, or there twice",
     [](Node& r) {
         r.children.push_back({"ports", {}, {}});
     }},
    {"/:start-order", "each domain is expected once",
     [](Node& r) {
         r.set("start-order", cells({1, 2}));
     }},
    {"/:start-order", "each domain is expected once",
     [](Node& r) {
         r.set("start-order", cells({1, 2, 2}));
     }},
    {"/:start-order", "each domain is expected once",
     [](Node& r) {
         r.set("start-order", cells({1, 2, 64}));
     }},
    {"/:start-order", "another number of cells is expected",
     [](Node& r) {
         r.set("start-order", {0, 0});
     }},
    {"/domains", "no properties are expected in this node", [](Node& r) { r.child("domains").set("x", {}); }},
    {"/domains/sensor:number", "the number is out of its range",
     [](Node& r) { domain_of(r, "sensor").set("number", u32(64)); }},
    {"/domains/log:number", "another domain has the number",
     [](Node& r) { domain_of(r, "log").set("number", u32(1)); }},
    {"/domains/log", "another domain has the name",
     [](Node& r) { r.child("domains").children.push_back(domain("log", 9)); }},
    {"/domains/Log", "a name: [a-z][a-z0-9_]*, at most 31 characters, is expected",
     [](Node& r) { domain_of(r, "log").name = "Log"; }},
    {"/domains/log@1", "a name: [a-z][a-z0-9_]*, at most 31 characters, is expected",
     [](Node& r) { domain_of(r, "log").name = "log@1"; }},
    {"/domains/log:program", "32 bytes are expected", [](Node& r) { domain_of(r, "log").set("program", Buffer(31)); }},
    {"/domains/log:program", "this property is missing", [](Node& r) { domain_of(r, "log").remove("program"); }},
    {"/domains/log:memory-bits", "the number is out of its range",
     [](Node& r) { domain_of(r, "log").set("memory-bits", u32(15)); }},
    {"/domains/log:priority", "the number is out of its range",
     [](Node& r) { domain_of(r, "log").set("priority", u32(251)); }},
    {"/domains/log:stack-bytes", "a number of whole pages is expected",
     [](Node& r) { domain_of(r, "log").set("stack-bytes", u32(5000)); }},
    {"/domains/log:budget-us", "less than period-us is expected",
     [](Node& r) { domain_of(r, "log").set("budget-us", u32(10000)); }},
    {"/domains/log:core", "4 bytes are expected", [](Node& r) { domain_of(r, "log").set("core", {1}); }},
    {"/domains/log:threads", "this property is missing", [](Node& r) { domain_of(r, "log").remove("threads"); }},
    {"/domains/log:replies", "the number is out of its range",
     [](Node& r) { domain_of(r, "log").set("replies", u32(33)); }},
    {"/domains/log:mode-mask", "a bit for a mode is expected",
     [](Node& r) { domain_of(r, "log").set("mode-mask", u32(4)); }},
    {"/domains/log:restart", "one of the known words is expected",
     [](Node& r) { domain_of(r, "log").set("restart", text("never")); }},
    {"/domains/log:rights", "known words are expected, each once",
     [](Node& r) {
         domain_of(r, "log").set("rights", texts({"control", "control"}));
     }},
    {"/domains/log:rights", "known words are expected, each once",
     [](Node& r) { domain_of(r, "log").set("rights", text("all")); }},
    {"/domains/log:passive", "a property without value is expected",
     [](Node& r) { domain_of(r, "log").set("passive", u32(1)); }},
    {"/domains/log:arguments", "a list of texts is expected",
     [](Node& r) { domain_of(r, "log").set("arguments", {'x'}); }},
    {"/domains/log:arguments", "texts of at most 255 bytes are expected",
     [](Node& r) { domain_of(r, "log").set("arguments", text(std::string(256, 'x'))); }},
    {"/domains/log:arguments", "at most 512 arguments and environment entries are expected in all",
     [](Node& r) { domain_of(r, "log").set("arguments", Buffer(513, 0)); }},
    {"/domains/log:environment", "NAME=VALUE is expected",
     [](Node& r) { domain_of(r, "log").set("environment", text("TZ")); }},
    {"/domains/log:kernel-objects", "less than the quota is expected",
     [](Node& r) { domain_of(r, "log").set("kernel-objects", u64(1 << 18)); }},
    {"/domains/log:program-priority", "with kernel-objects, and below priority, is expected",
     [](Node& r) { domain_of(r, "log").set("kernel-objects", u64(1 << 12)); }},
    {"/domains/log:program-priority", "with kernel-objects, and below priority, is expected",
     [](Node& r) { domain_of(r, "log").set("program-priority", u32(1)); }},
    {"/domains/sensor:program-priority", "with kernel-objects, and below priority, is expected",
     [](Node& r) { domain_of(r, "sensor").set("program-priority", u32(250)); }},
    {"/domains/log:images", "a domain with kernel-objects is expected",
     [](Node& r) { domain_of(r, "log").child("images").child("root").set("file", Buffer(32, 9)); }},
    {"/domains/sensor/images/root:file", "32 bytes are expected",
     [](Node& r) { domain_of(r, "sensor").child("images").child("root").set("file", Buffer(31, 9)); }},
    {"/domains/log/other", "this node is not known here, or there twice",
     [](Node& r) { domain_of(r, "log").child("other"); }},
    {"/domains/sensor/devices/adc:reg", "16 bytes are expected",
     [](Node& r) { domain_of(r, "sensor").child("devices").child("adc").set("reg", u64(0x1000)); }},
    {"/domains/sensor/devices/adc:reg", "a range of whole pages is expected",
     [](Node& r) {
         domain_of(r, "sensor").child("devices").child("adc").set("reg", cells({0, 0x1000, 0, 0x800}));
     }},
    {"/domains/sensor/devices/adc:reg", "a range of whole pages is expected",
     [](Node& r) {
         domain_of(r, "sensor").child("devices").child("adc").set("reg", cells({~0u, 0xfffff000, 0, 0x2000}));
     }},
    {"/domains/sensor/devices/adc/x", "this node is not known here, or there twice",
     [](Node& r) { domain_of(r, "sensor").child("devices").child("adc").child("x"); }},
    {"/domains/pump", "device pages of no other domain are expected",
     [](Node& r) { domain_of(r, "pump").child("devices").child("same").remove("shared"); }},
    {"/domains/sensor", "device pages of no other domain are expected",
     [](Node& r) {
         domain_of(r, "sensor").child("devices").child("adc2").set("reg", cells({0, 0x09030000, 0, 0x1000}));
     }},
    {"/domains/sensor", "devices with different names are expected",
     [](Node& r) {
         domain_of(r, "sensor")
             .child("devices")
             .children.push_back({"adc", {{"reg", cells({0, 0x09040000, 0, 0x1000})}}, {}});
     }},
    {"/domains/sensor/interrupts/adc:number", "the number is out of its range",
     [](Node& r) { domain_of(r, "sensor").child("interrupts").child("adc").set("number", u32(15)); }},
    {"/domains/sensor", "an interrupt of no other domain is expected",
     [](Node& r) { domain_of(r, "sensor").child("interrupts").child("adc").set("number", u32(40)); }},
    {"/domains/pump", "an interrupt of no other domain is expected",
     [](Node& r) { domain_of(r, "pump").child("interrupts").child("x").set("number", u32(40)); }},
    {"/domains/log", "at most 16 interrupts are expected",
     [](Node& r) {
         for (uint32_t i = 0; i < 17; ++i) {
             domain_of(r, "log").child("interrupts").child("i" + std::to_string(i)).set("number", u32(100 + i));
         }
     }},
    {"/domains/sensor/dma/buffers:bytes", "a number of whole pages is expected",
     [](Node& r) { domain_of(r, "sensor").child("dma").child("buffers").set("bytes", u64(4097)); }},
    {"/domains/sensor", "DMA areas with different names are expected",
     [](Node& r) {
         domain_of(r, "sensor").child("dma").children.push_back({"buffers", {{"bytes", u64(4096)}}, {}});
     }},
    {"/domains/sensor/parameters:Interval", "a name is expected",
     [](Node& r) { domain_of(r, "sensor").child("parameters").set("Interval", text("1")); }},
    {"/domains/sensor/parameters:name", "a parameter is expected once",
     [](Node& r) { domain_of(r, "sensor").child("parameters").properties.emplace_back("name", text("1")); }},
    {"/domains/sensor/parameters:name", "one text of at most 255 bytes is expected",
     [](Node& r) { domain_of(r, "sensor").child("parameters").set("name", u32(1)); }},
    {"/ports/log", "another port has the name or the number",
     [](Node& r) { r.child("ports").child("log").set("number", u32(3)); }},
    {"/ports/log:number", "the number is out of its range",
     [](Node& r) { r.child("ports").child("log").set("number", u32(128)); }},
    {"/ports/log:server", "the number of a domain is expected",
     [](Node& r) { r.child("ports").child("log").set("server", u32(4)); }},
    {"/ports/log:payload", "the number is out of its range",
     [](Node& r) { r.child("ports").child("log").set("payload", u32(4097)); }},
    {"/connections/connection-0:client", "the number of a domain is expected",
     [](Node& r) { r.child("connections").child("connection-0").set("client", u32(6)); }},
    {"/connections/connection-0:port", "the number of another domain's port is expected",
     [](Node& r) { r.child("connections").child("connection-0").set("port", u32(9)); }},
    {"/connections/connection-0:port", "the number of another domain's port is expected",
     [](Node& r) { r.child("connections").child("connection-0").set("client", u32(1)); }},
    {"/connections/connection-0:send-only", "a port with a queue is expected",
     [](Node& r) { r.child("connections").child("connection-0").set("send-only", {}); }},
    {"/connections/connection-1", "one connection of a client to a port is expected",
     [](Node& r) {
         r.child("connections").child("connection-1").set("port", u32(3));
         r.child("connections").child("connection-1").remove("send-only");
     }},
    {"/rings/samples", "the numbers of two domains are expected",
     [](Node& r) { r.child("rings").child("samples").set("consumer", u32(1)); }},
    {"/rings/samples:bytes", "a number of whole pages is expected",
     [](Node& r) { r.child("rings").child("samples").set("bytes", u32(4097)); }},
    {"/rings/samples", "another ring has the name",
     [](Node& r) { r.child("rings").children.push_back(r.child("rings").child("samples")); }},
    {"/domains/sensor", "at most 160 rings are expected",
     [](Node& r) {
         for (uint32_t i = 0; i < 160; ++i) {
             Node ring = r.child("rings").child("samples");
             ring.name = "ring" + std::to_string(i);
             r.child("rings").children.push_back(ring);
         }
     }},
    {"/network", "the numbers of two domains are expected", [](Node& r) { r.child("network").set("router", u32(1)); }},
    {"/network:driver", "this property is missing", [](Node& r) { r.child("network").remove("driver"); }},
    {"/network", "a node uplink is expected",
     [](Node& r) { r.child("network").children.erase(r.child("network").children.begin()); }},
    {"/network/x", "this node is not known here, or there twice", [](Node& r) { r.child("network").child("x"); }},
    {"/network/uplink:address4", "an address and the length of its prefix are expected",
     [](Node& r) {
         r.child("network").child("uplink").set("address4", cells({1, 33}));
     }},
    {"/network/uplink:gateway4", "none is expected without address4",
     [](Node& r) { r.child("network").child("uplink").remove("address4"); }},
    {"/network/uplink:address6", "an address and the length of its prefix are expected",
     [](Node& r) { r.child("network").child("uplink").set("slaac", {}); }},
    {"/network/uplink:gateway6", "none is expected without address6",
     [](Node& r) { r.child("network").child("uplink").remove("address6"); }},
    {"/network/uplink:dns6", "at most 4 addresses of name servers are expected",
     [](Node& r) { r.child("network").child("uplink").set("dns6", cells({1})); }},
    {"/network/uplink:ntp", "at most 4 names of time servers are expected",
     [](Node& r) {
         r.child("network").child("uplink").set("ntp", texts({"a", "b", "c", "d", "e"}));
     }},
    {"/network/links/web", "the name of a domain is expected, not the router's, and each once",
     [](Node& r) { r.child("network").child("links").child("pump").name = "web"; }},
    {"/network/links/log", "the name of a domain is expected, not the router's, and each once",
     [](Node& r) { r.child("network").child("links").child("pump").name = "log"; }},
    {"/network/links/sensor", "addresses of no other link are expected",
     [](Node& r) { r.child("network").child("links").child("sensor").set("gateway4", u32(0x0a4e0502)); }},
    {"/network/links/pump", "addresses of no other link are expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").set("gateway6", cells({kPrefix6, 5 << 16, 0, 2}));
     }},
    {"/network/links/pump", "rings net_DOMAIN_out to the router and net_DOMAIN_in from it are expected",
     [](Node& r) { r.child("rings").child("net_pump_in").set("producer", u32(1)); }},
    {"/network/links/pump/allow/rule-0:protocol", "this property is missing",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-0").remove("protocol");
     }},
    {"/network/links/pump/allow/rule-0:host", "the name of a host in lower case is expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-0").set("host",
                                                                                            text("Example.org"));
     }},
    {"/network/links/pump/allow/rule-0:host", "the name of a host in lower case is expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-0").set("host", text("*."));
     }},
    {"/network/links/pump/allow/rule-0:ports", "pairs of the first and the last port are expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-0").set("ports", cells({443}));
     }},
    {"/network/links/pump/allow/rule-0:ports", "pairs of the first and the last port are expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-0").set("ports",
                                                                                            cells({443, 65536}));
     }},
    {"/network/links/pump/allow/rule-1:networks4", "a network without bits behind its prefix is expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-1").set("networks4",
                                                                                            cells({0x0a000001, 8}));
     }},
    {"/network/links/pump/allow/rule-1:networks4", "a network without bits behind its prefix is expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-1").set("networks4",
                                                                                            cells({0, 33}));
     }},
    {"/network/links/pump/allow/rule-1:networks4", "addresses with the lengths of their prefixes are expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-1").set("networks4", cells({0}));
     }},
    {"/network/links/pump/allow/rule-1:ports", "none are expected without TCP or UDP",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-1").set("ports", cells({1, 1}));
     }},
    {"/network/links/pump/allow/rule-1", "one peer of a rule is expected, in listen at least one",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-1").remove("networks4");
     }},
    {"/network/links/pump/allow/rule-1:forward", "only in listen is it expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-1").set("forward", u32(1));
     }},
    {"/network/links/pump/allow/rule-2:domains", "numbers of other domains with network are expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-2").set("domains", u32(5));
     }},
    {"/network/links/pump/allow/rule-2:domains", "numbers of other domains with network are expected",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("allow").child("rule-2").set("domains", u32(2));
     }},
    {"/network/links/pump/listen/rule-0", "one protocol, one port and no host are expected in listen",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("listen").child("rule-0").set("ports", cells({80, 81}));
     }},
    {"/network/links/pump/listen/rule-0", "one protocol, one port and no host are expected in listen",
     [](Node& r) { r.child("network").child("links").child("pump").child("listen").child("rule-0").remove("ports"); }},
    {"/network/links/pump/listen/rule-1", "one protocol, one port and no host are expected in listen",
     [](Node& r) {
         r.child("network").child("links").child("pump").child("listen").child("rule-1").set("forward", u32(80));
     }},
    {"/network/links/sensor/listen/rule-0:forward", "a port that nobody else has is expected",
     [](Node& r) {
         Node& rule = r.child("network").child("links").child("sensor").child("listen").child("rule-0");
         rule.set("protocol", text("tcp"));
         rule.set("forward", u32(8080));
     }},
    {"/groups/field:strategy", "one of the known words is expected",
     [](Node& r) { r.child("groups").child("field").set("strategy", text("best_effort")); }},
    {"/groups/field:escalate", "\"parent\", \"reboot\" or \"mode:\" and a mode is expected",
     [](Node& r) { r.child("groups").child("field").set("escalate", text("mode:x")); }},
    {"/groups/field:members", "names of domains and other groups are expected",
     [](Node& r) { r.child("groups").child("field").set("members", text("nobody")); }},
    {"/groups/field:members", "names of domains and other groups are expected",
     [](Node& r) { r.child("groups").child("field").set("members", text("field")); }},
    {"/groups/all:members", "a member of no other group is expected",
     [](Node& r) {
         r.child("groups").child("all").set("members", texts({"log", "field", "pump"}));
     }},
    {"/groups/field:members", "no group is expected to be a member of itself",
     [](Node& r) {
         r.child("groups").child("field").set("members", texts({"sensor", "pump", "all"}));
     }},
    {"/groups/field:back-off-ms", "at most an hour is expected",
     [](Node& r) { r.child("groups").child("field").set("back-off-ms", u32(3600001)); }},
    {"/groups/field:back-off-ms", "another number of cells is expected",
     [](Node& r) { r.child("groups").child("field").set("back-off-ms", Buffer(36)); }},
    {"/groups/log", "a domain or another group has the name",
     [](Node& r) { r.child("groups").child("field").name = "log"; }},
};

TEST(Manifest, Mistakes) {
    for (const Mistake& mistake : kMistakes) {
        Node root = good();
        mistake.make(root);
        const Read result = read_tree(flatten(root));
        ASSERT_FALSE(result.status.ok()) << mistake.path << ": " << mistake.text;
        EXPECT_STREQ(result.status.error().path, mistake.path) << result.status.error().text;
        EXPECT_STREQ(result.status.error().text, mistake.text) << mistake.path;
    }
}

TEST(Manifest, TooMany) {
    Node root = good();
    std::vector<uint32_t> order;
    root.children.clear();
    for (uint32_t i = 1; i < KOS_MAX_DOMAINS; ++i) {
        root.child("domains").children.push_back(domain("d" + std::to_string(i), i));
        order.push_back(i);
    }
    root.set("start-order", cells(order));
    for (uint32_t i = 1; i < KOS_MAX_PORTS; ++i) {
        root.child("ports").children.push_back(
            {"p" + std::to_string(i), {{"number", u32(i)}, {"server", u32(1 + i % 4)}}, {}});
    }
    for (uint32_t i = 0; i < KOS_MAX_CONNECTIONS; ++i) {
        root.child("connections")
            .children.push_back(
                {"connection-" + std::to_string(i), {{"client", u32(10 + i % 5)}, {"port", u32(1 + i / 5)}}, {}});
    }
    const Read full = read_tree(flatten(root));
    EXPECT_TRUE(full.status.ok()) << full.status.error().path << ": " << full.status.error().text;
    root.child("connections").children.push_back({"one-more", {{"client", u32(20)}, {"port", u32(1)}}, {}});
    const Read result = read_tree(flatten(root));
    ASSERT_FALSE(result.status.ok());
    EXPECT_STREQ(result.status.error().text, "at most 512 connections are expected");
}

TEST(Manifest, WhatIsNoTree) {
    const Buffer tree = flatten(good());
    EXPECT_FALSE(read_tree({}).status.ok());
    EXPECT_FALSE(read_tree(Buffer(tree.begin(), tree.begin() + 39)).status.ok());
    EXPECT_FALSE(read_tree(Buffer(tree.begin(), tree.end() - 1)).status.ok());
    Buffer older = tree;  // a version of which libfdt's own check crashes
    older[23] = 15;
    EXPECT_STREQ(read_tree(older).status.error().text, "a device tree of version 17 and of this size is expected");
    Buffer longer = tree;
    longer.resize(longer.size() + 8);
    EXPECT_FALSE(read_tree(longer).status.ok());
    Buffer shifted(tree.size() + 8);
    std::copy(tree.begin(), tree.end(), shifted.begin() + 4);
    const auto manifest = std::make_unique<Manifest>();
    EXPECT_STREQ(read(shifted.data() + 4, tree.size(), *manifest).error().text,
                 "a device tree at a multiple of 8 is expected");
}

}  // namespace
}  // namespace kos::manifest
