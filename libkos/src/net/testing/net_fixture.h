// kos_net against itself over a link that the test controls (lib/lwip/testing), with a clock whose ticks are
// milliseconds: what its tests share.
#ifndef KOS_LIBKOS_SRC_NET_TESTING_NET_FIXTURE_H_
#define KOS_LIBKOS_SRC_NET_TESTING_NET_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "../network.h"
#include "testing/mirror_link.h"
#include "testing/test_stack.h"

namespace kos::net::testing {

class FakePlatform final : public Platform {
public:
    uint32_t now_ms() override { return clock; }
    void random(void* bytes, size_t count) override { surroundings_.random(bytes, count); }
    [[noreturn]] void failed(const char* what, const char* file, int line) override {
        surroundings_.failed(what, file, line);
    }
    uint64_t now() override { return clock; }
    uint64_t ticks_of_ms(uint32_t ms) override { return ms; }
    bool prepare_sleep(bool) override { return link->next_bytes() == 0; }
    void set_alarm(uint64_t deadline) override { alarm = deadline; }
    // A millisecond at a time; without an alarm or a packet under way nobody would ever wake it.
    bool sleep() override {
        if (link->queue.empty() && alarm == 0) return false;
        ++clock;
        if (alarm != 0 && alarm < clock) alarm = 0;
        return !stops;
    }
    uint64_t link_resets() override { return 0; }

    uint32_t clock = 5000;
    uint64_t alarm = 0;
    MirrorLink* link = nullptr;
    bool stops = false;

private:
    TestSurroundings surroundings_;
};

inline NetworkConfig test_network_config() {
    NetworkConfig config;
    config.interface = test_config();
    config.dns = peer4();
    config.has_dns = true;
    return config;
}

class KosNet : public ::testing::Test {
protected:
    explicit KosNet(const NetworkConfig& config = test_network_config())
        : link(platform.clock), net_memory_(std::make_unique<Network>(attach(), link, config)) {}

    Platform& attach() {
        platform.link = &link;
        return platform;
    }
    uint64_t after(uint32_t ms) const { return platform.clock + ms; }
    static kos_net_address_t address(const char* text, uint16_t port) {
        kos_net_address_t result{};
        EXPECT_EQ(kos_net_address_parse(text, port, &result), KOS_STATUS_OK);
        return result;
    }
    static kos_net_address_t any(uint16_t port) {
        kos_net_address_t result{};
        result.port = port;
        return result;
    }
    void run(uint32_t ms) {
        for (uint32_t i = 0; i < ms; ++i) {
            kos_net_work();
            ++platform.clock;
        }
        kos_net_work();
    }
    kos_net_socket_t* listen(uint16_t port, unsigned backlog = 10) {
        kos_net_socket_t* socket = nullptr;
        const kos_net_address_t at = any(port);
        EXPECT_EQ(kos_net_tcp_listen(&at, backlog, &socket), KOS_STATUS_OK);
        return socket;
    }
    kos_net_socket_t* connect(const char* to, uint16_t port) {
        kos_net_socket_t* socket = nullptr;
        const kos_net_address_t peer = address(to, port);
        EXPECT_EQ(kos_net_tcp_connect(&peer, &socket), KOS_STATUS_OK);
        return socket;
    }
    struct Pair {
        kos_net_socket_t* client;
        kos_net_socket_t* server;
    };
    Pair pair(kos_net_socket_t* listener, const char* to = "10.78.1.1") {
        Pair made{connect(to, 80), nullptr};
        EXPECT_EQ(kos_net_wait(made.client, KOS_NET_WRITABLE, after(1000)), KOS_STATUS_OK);
        EXPECT_EQ(kos_net_wait(listener, KOS_NET_READABLE, after(1000)), KOS_STATUS_OK);
        EXPECT_EQ(kos_net_tcp_accept(listener, &made.server), KOS_STATUS_OK);
        return made;
    }
    static kos_status_t send(kos_net_socket_t* socket, const std::string& text) {
        size_t done = 0;
        const kos_status_t status = kos_net_tcp_send(socket, text.data(), text.size(), &done);
        if (status == KOS_STATUS_OK) {
            EXPECT_EQ(done, text.size());
        }
        return status;
    }
    std::string receive(kos_net_socket_t* socket, size_t most = 4096) {
        std::string text(most, '\0');
        size_t done = 0;
        EXPECT_EQ(kos_net_wait(socket, KOS_NET_READABLE, after(10000)), KOS_STATUS_OK);
        const kos_status_t status = kos_net_tcp_receive(socket, text.data(), most, &done);
        EXPECT_EQ(status, KOS_STATUS_OK) << status;
        text.resize(done);
        return text;
    }

    FakePlatform platform;
    MirrorLink link;

private:
    std::unique_ptr<Network> net_memory_;
};

}  // namespace kos::net::testing

#endif
