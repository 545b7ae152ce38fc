// A system with network: what of it root and the router read, and what a reader sees.
#include <gtest/gtest.h>
#include <kos/manifest/manifest.h>

#include <cstring>
#include <memory>

#include "checks.h"
#include "emit.h"
#include "graph.h"
#include "program.h"
#include "report.h"
#include "test_support.h"

namespace kos::compiler {
namespace {

const std::map<std::string, std::string> kFiles = {
    {"system.toml", R"([system]
name = "networked"

[network]
address = "192.168.1.7/24"
gateway = "192.168.1.1"
address6 = "none"
dns = ["192.168.1.1", "fd00::1"]
ntp = ["pool.example.org"]

[[app]]
path = "core:netrouter"

[[app]]
path = "core:net_virtio"

[[app]]
path = "apps/web"

[[app.network.allow]]
to = "domain:data_base"
ports = [5432]

[[app]]
path = "apps/data_base"
network = { buffer = "16K" }
)"},
    {"core/netrouter/app.toml", R"([app]
name = "netrouter"
rights = ["manifest"]
)"},
    {"core/net_virtio/app.toml", R"([app]
name = "net_virtio"

[[device]]
name = "net"
address = 0x0a003000

[[ring]]
name = "net_frames"
to = "netrouter"
size = "800K"
dma = true
)"},
    {"apps/web/app.toml", R"([app]
name = "web"

[network]
buffer = "20K"

[[network.allow]]
to = "this is replaced"

[[network.listen]]
port = 8080
forward = 80
from = ["10.0.0.0/8", "fd00::/8"]
rate = 100

[[network.listen]]
protocol = "icmp"
)"},
    {"apps/data_base/app.toml", R"([app]
name = "data_base"

[network]
address = "10.9.0.1"

[[network.allow]]
to = "*.example.org"
ports = [443, "8000-8010"]

[[network.listen]]
port = 5432
from = ["domain:web"]
)"},
};

System load(Diagnostics& diagnostics) {
    for (const auto& [name, text] : kFiles) test::put_file(name, text);
    for (const char* name : {"netrouter", "net_virtio", "web", "data_base"}) {
        test::put_file(std::string("programs/") + name + ".elf", test::program_elf("good").file());
    }
    System system = load_system("system.toml", test::folders(), diagnostics);
    load_programs(system, test::folders(), diagnostics);
    check_system(system, diagnostics);
    return system;
}

TEST(Network, WhatTheRouterReads) {
    const test::Workplace workplace;
    Diagnostics diagnostics;
    const System system = load(diagnostics);
    ASSERT_EQ(joined(diagnostics.lines(), "\n"), "(none)");
    const tools::Buffer tree = emit_manifest(system);
    const auto manifest = std::make_unique<manifest::Manifest>();
    ASSERT_TRUE(manifest::read(tree.data(), tree.size(), *manifest).ok());

    const manifest::Network& network = manifest->network;
    EXPECT_STREQ(manifest->domains[network.router].name, "netrouter");
    EXPECT_STREQ(manifest->domains[network.driver].name, "net_virtio");
    EXPECT_FALSE(network.is_dhcp);
    EXPECT_EQ(memcmp(network.address4, "\xc0\xa8\x01\x07", 4), 0);
    EXPECT_EQ(network.prefix4, 24);
    EXPECT_EQ(network.gateway4[3], 1);
    EXPECT_EQ(network.mode6, manifest::NetAddress6::kNone);
    ASSERT_EQ(network.dns_count, 2);
    EXPECT_EQ(network.dns[1].bytes[0], 0xfd);
    ASSERT_EQ(network.ntp_count, 1);
    EXPECT_STREQ(network.ntp[0], "pool.example.org");

    const uint32_t web = manifest::find_domain(*manifest, "web");
    const manifest::NetLink* link = manifest::find_link(*manifest, web);
    ASSERT_NE(link, nullptr);
    EXPECT_EQ(link->address4[2], web);
    EXPECT_EQ(link->address4[3], 2);
    EXPECT_EQ(link->gateway4[3], 1);
    EXPECT_EQ(manifest->rings[link->out].bytes, 20u << 10);
    EXPECT_STREQ(manifest->rings[link->in].name, "net_web_in");
    ASSERT_EQ(link->rules.count, 3);
    const manifest::NetRule& allow = manifest->net_rules[link->rules.first];
    EXPECT_EQ(manifest->net_peers[allow.peers.first].kind, manifest::NetPeerKind::kDomain);
    EXPECT_EQ(manifest->net_ports[allow.ports.first].last, 5432);
    const manifest::NetRule& listen = manifest->net_rules[link->rules.first + 1];
    EXPECT_TRUE(listen.is_inbound);
    EXPECT_EQ(listen.forward, 80);
    EXPECT_EQ(listen.rate, 100u);
    EXPECT_EQ(listen.peers.count, 2);
    EXPECT_EQ(manifest->net_rules[link->rules.first + 2].protocol, manifest::NetProtocol::kIcmp);

    const manifest::NetLink* other = manifest::find_link(*manifest, manifest::find_domain(*manifest, "data_base"));
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(memcmp(other->address4, "\x0a\x09\x00\x01", 4), 0);
    EXPECT_EQ(memcmp(other->gateway4, "\x0a\x09\x00\x02", 4), 0);
    EXPECT_EQ(manifest->rings[other->in].bytes, 16u << 10);
    const manifest::NetPeer& host = manifest->net_peers[manifest->net_rules[other->rules.first].peers.first];
    EXPECT_TRUE(host.is_wildcard);
    EXPECT_STREQ(host.host, "example.org");

    for (uint32_t i = 0; i < manifest->ring_count; ++i) {
        EXPECT_EQ(manifest->rings[i].dma, strcmp(manifest->rings[i].name, "net_frames") == 0);
    }
}

TEST(Network, WhatTheDomainFinds) {
    const test::Workplace workplace;
    Diagnostics diagnostics;
    const System system = load(diagnostics);
    const Domain& domain = system.domains[3];
    ASSERT_EQ(domain.name.value, "data_base");
    const std::map<std::string, std::string> expected = {
        {"net_address4", "10.9.0.1"},       {"net_gateway4", "10.9.0.2"}, {"net_address6", "fd6b:6f73:4::2"},
        {"net_gateway6", "fd6b:6f73:4::1"}, {"net_dns4", "10.9.0.2"},     {"net_mtu", "1500"},
        {"net_hostname", "data-base"},
    };
    std::map<std::string, std::string> found;
    for (const auto& [name, text] : domain.parameters) found[name] = text.value;
    EXPECT_EQ(found, expected);
}

TEST(Network, WhatAReaderSees) {
    const test::Workplace workplace;
    Diagnostics diagnostics;
    const System system = load(diagnostics);
    const std::string report = report_of(system);
    for (const char* part :
         {"| web | 10.78.3.2, fd6b:6f73:3::2 | 10.78.3.1, fd6b:6f73:3::1 |", "allow tcp 5432 to domain:data_base",
          "listen tcp 8080 from 10.0.0.0/8, fd00::/8, device's port 80, at most 100 packets/s",
          "allow tcp 443, 8000-8010 to", "192.168.1.7/24", "| net_frames | net_virtio | netrouter | 800K | yes |",
          "web -> data_base (network, tcp)"}) {
        EXPECT_NE(report.find(part), std::string::npos) << part << "\n" << report;
    }
    EXPECT_NE(graph_of(system).find("\"web\" -> \"netrouter\" [label=\"network\""), std::string::npos);
    EXPECT_EQ(network_json(system),
              "{\"network\": true, \"forwards\": [{\"protocol\": \"tcp\", \"port\": 80, "
              "\"domain\": \"web\"}]}\n");
}

}  // namespace
}  // namespace kos::compiler
