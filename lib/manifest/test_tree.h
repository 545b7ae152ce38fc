// A manifest in a form that tests change before it becomes a device tree.
#ifndef KOS_LIB_MANIFEST_TEST_TREE_H_
#define KOS_LIB_MANIFEST_TEST_TREE_H_

#include <gtest/gtest.h>
#include <libfdt.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kos::manifest {

using Buffer = std::vector<uint8_t>;

// A tree in the test's own form, so that a test changes one thing and writes all.
struct Node {
    std::string name;
    std::vector<std::pair<std::string, Buffer>> properties;
    std::vector<Node> children;

    Node& child(const std::string& wanted) {
        for (Node& node : children) {
            if (node.name == wanted) {
                return node;
            }
        }
        children.push_back({wanted, {}, {}});
        return children.back();
    }
    void set(const std::string& property, const Buffer& value) {
        remove(property);
        properties.emplace_back(property, value);
    }
    void remove(const std::string& property) {
        std::erase_if(properties, [&](const auto& entry) { return entry.first == property; });
    }
};

inline Buffer u32(uint32_t value) {
    return {static_cast<uint8_t>(value >> 24), static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8),
            static_cast<uint8_t>(value)};
}
inline Buffer cells(const std::vector<uint32_t>& values) {
    Buffer result;
    for (const uint32_t value : values) {
        const Buffer bytes = u32(value);
        result.insert(result.end(), bytes.begin(), bytes.end());
    }
    return result;
}
inline Buffer u64(uint64_t value) { return cells({static_cast<uint32_t>(value >> 32), static_cast<uint32_t>(value)}); }
inline Buffer texts(const std::vector<std::string>& values) {
    Buffer result;
    for (const std::string& value : values) {
        result.insert(result.end(), value.begin(), value.end());
        result.push_back(0);
    }
    return result;
}
inline Buffer text(const std::string& value) { return texts({value}); }

inline void write_node(void* fdt, const Node& node) {
    ASSERT_EQ(fdt_begin_node(fdt, node.name.c_str()), 0);
    for (const auto& [name, value] : node.properties) {
        ASSERT_EQ(fdt_property(fdt, name.c_str(), value.data(), static_cast<int>(value.size())), 0);
    }
    for (const Node& child : node.children) {
        write_node(fdt, child);
    }
    ASSERT_EQ(fdt_end_node(fdt), 0);
}

// In storage aligned to 8 bytes, as the decoder wants it.
inline Buffer flatten(const Node& root) {
    Buffer tree(1 << 18);
    EXPECT_EQ(fdt_create(tree.data(), static_cast<int>(tree.size())), 0);
    EXPECT_EQ(fdt_finish_reservemap(tree.data()), 0);
    write_node(tree.data(), root);
    EXPECT_EQ(fdt_finish(tree.data()), 0);
    tree.resize(fdt_totalsize(tree.data()));
    return tree;
}

inline Node domain(const std::string& name, uint32_t number) {
    return {name,
            {{"number", u32(number)},
             {"program", Buffer(32, static_cast<uint8_t>(number))},
             {"memory-bits", u32(18)},
             {"priority", u32(100)},
             {"stack-bytes", u32(16384)},
             {"budget-us", u32(500)},
             {"period-us", u32(10000)},
             {"threads", u32(1)},
             {"replies", u32(1)},
             {"mode-mask", u32(3)}},
            {}};
}

constexpr uint32_t kPrefix6 = 0xfd6b6f73;

inline Node link(const std::string& domain, uint32_t number) {
    return {domain,
            {{"address4", u32(0x0a4e0002 | number << 8)},
             {"gateway4", u32(0x0a4e0001 | number << 8)},
             {"address6", cells({kPrefix6, number << 16, 0, 2})},
             {"gateway6", cells({kPrefix6, number << 16, 0, 1})}},
            {}};
}

// Domain 2 routes, 1 drives; pump and sensor have links.
inline Node network() {
    Node network{"network", {{"router", u32(2)}, {"driver", u32(1)}}, {}};
    network.child("uplink").properties = {{"address4", cells({0x0a00020f, 24})},
                                          {"gateway4", cells({0x0a000202})},
                                          {"address6", cells({0xfec00000, 0, 0, 15, 64})},
                                          {"gateway6", cells({0xfec00000, 0, 0, 2})},
                                          {"dns4", cells({0x0a000203})},
                                          {"dns6", cells({0xfec00000, 0, 0, 3})},
                                          {"ntp", texts({"ntp.example.org", "10.0.2.9"})}};
    Node pump = link("pump", 5);
    pump.child("allow").children = {
        {"rule-0",
         {{"protocol", text("tcp")}, {"host", text("*.example.org")}, {"ports", cells({443, 443, 8000, 8010})}},
         {}},
        {"rule-1", {{"protocol", text("any")}, {"networks4", cells({0x0a000000, 8})}, {"rate", u32(50)}}, {}},
        {"rule-2", {{"protocol", text("udp")}, {"domains", cells({1})}, {"ports", cells({53, 53})}}, {}}};
    pump.child("listen").children = {{"rule-0",
                                      {{"protocol", text("tcp")},
                                       {"any", {}},
                                       {"networks6", cells({0xfd000000, 0, 0, 0, 8})},
                                       {"ports", cells({80, 80})},
                                       {"forward", u32(8080)}},
                                      {}},
                                     {"rule-1", {{"protocol", text("icmp")}, {"any", {}}}, {}}};
    Node sensor = link("sensor", 1);
    sensor.child("listen").children = {
        {"rule-0", {{"protocol", text("udp")}, {"domains", cells({5})}, {"ports", cells({53, 53})}}, {}}};
    network.child("links").children = {pump, sensor};
    return network;
}

inline Node good() {
    Node root{"",
              {{"compatible", text("kos,manifest-1")},
               {"system", text("pump-station")},
               {"board", text("qemu_virt")},
               {"generation", u64(0x100000002)},
               {"modes", texts({"normal", "reserve"})},
               {"start-order", cells({2, 1, 5})}},
              {}};
    Node sensor = domain("sensor", 1);
    sensor.set("restart", text("transient"));
    sensor.set("passive", {});
    sensor.set("rights", texts({"time", "manifest"}));
    sensor.set("arguments", texts({"--fast", ""}));
    sensor.set("environment", texts({"TZ=UTC"}));
    sensor.set("request-budget-us", u32(7000));
    sensor.set("watchdog-ms", u32(2000));
    sensor.set("persistent-bytes", u32(8192));
    sensor.set("kernel-objects", u64(0x6000));
    sensor.set("program-priority", u32(50));
    sensor.child("images").child("root").set("file", Buffer(32, 9));
    sensor.set("shutdown-ms", u32(300));
    sensor.set("core", u32(1));
    sensor.child("devices").children = {{"adc", {{"reg", cells({0, 0x09030000, 0, 0x1000})}, {"shared", {}}}, {}}};
    sensor.child("interrupts").children = {{"adc", {{"number", u32(39)}}, {}},
                                           {"adc-1", {{"number", u32(40)}, {"edge", {}}}, {}}};
    sensor.child("dma").children = {{"buffers", {{"bytes", u64(0x10000)}}, {}}};
    sensor.child("parameters").properties = {{"interval_ms", text("100")}, {"name", text("")}};
    Node pump = domain("pump", 5);
    pump.child("devices").children = {{"same", {{"reg", cells({0, 0x09030000, 0, 0x1000})}, {"shared", {}}}, {}}};
    root.child("domains").children = {sensor, domain("log", 2), pump};
    root.child("ports").children = {
        {"sensor", {{"number", u32(3)}, {"server", u32(1)}, {"payload", u32(4096)}, {"tokens", {}}}, {}},
        {"log", {{"number", u32(1)}, {"server", u32(2)}, {"interface", text("log")}, {"queue", {}}}, {}}};
    root.child("connections").children = {
        {"connection-0", {{"client", u32(5)}, {"port", u32(3)}}, {}},
        {"connection-1", {{"client", u32(5)}, {"port", u32(1)}, {"early", {}}, {"send-only", {}}}, {}}};
    root.child("rings").children = {
        {"samples", {{"producer", u32(1)}, {"consumer", u32(5)}, {"bytes", u32(16384)}, {"dma", {}}}, {}},
        {"net_pump_out", {{"producer", u32(5)}, {"consumer", u32(2)}, {"bytes", u32(65536)}}, {}},
        {"net_pump_in", {{"producer", u32(2)}, {"consumer", u32(5)}, {"bytes", u32(65536)}}, {}},
        {"net_sensor_out", {{"producer", u32(1)}, {"consumer", u32(2)}, {"bytes", u32(65536)}}, {}},
        {"net_sensor_in", {{"producer", u32(2)}, {"consumer", u32(1)}, {"bytes", u32(65536)}}, {}}};
    root.children.push_back(network());
    root.child("groups").children = {{"field",
                                      {{"strategy", text("rest_for_one")},
                                       {"members", texts({"sensor", "pump"})},
                                       {"intensity", u32(5)},
                                       {"period-s", u32(10)},
                                       {"escalate", text("mode:reserve")},
                                       {"back-off-ms", cells({0, 10, 100})}},
                                      {}},
                                     {"all",
                                      {{"strategy", text("one_for_one")},
                                       {"members", texts({"log", "field"})},
                                       {"intensity", u32(0)},
                                       {"period-s", u32(1)},
                                       {"escalate", text("reboot")}},
                                      {}}};
    return root;
}

}  // namespace kos::manifest

#endif
