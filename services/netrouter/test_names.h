/*
 * For the tests of names: a router whose first domain may use some, messages of DNS, and the server's side of questions
 * by UDP.
 */
#ifndef KOS_SERVICES_NETROUTER_TEST_NAMES_H_
#define KOS_SERVICES_NETROUTER_TEST_NAMES_H_

#include <gtest/gtest.h>

#include "test_network.h"

namespace kos::netrouter {

struct NamesBench : testing::Test {
    NamesBench() : bench(named_policy()) {}
    static Bytes query(uint16_t id, const std::string& name, uint16_t type = kDnsA) {
        Bytes out{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
        store16(&out[0], id);
        append_name(out, name);
        out.insert(out.end(), {0, static_cast<uint8_t>(type), 0, 1});
        return out;
    }
    static void append_name(Bytes& out, std::string name) {
        while (!name.empty()) {
            const size_t dot = std::min(name.find('.'), name.size());
            out.push_back(static_cast<uint8_t>(dot));
            out.insert(out.end(), name.begin(), name.begin() + static_cast<long>(dot));
            name.erase(0, dot + 1);
        }
        out.push_back(0);
    }
    static void append_address(Bytes& out, const Ip& ip, uint32_t ttl_s) {
        out.insert(out.end(), {0, static_cast<uint8_t>(ip.is_v4() ? 1 : 28), 0, 1, 0, 0, 0, 0, 0,
                               static_cast<uint8_t>(ip.is_v4() ? 4 : 16)});
        store32(&out[out.size() - 6], ttl_s);
        append_ip(out, ip);
    }
    void ask(unsigned link, const Bytes& payload) {
        bench.link(link, make_udp(bench.address4(link), 3333, bench.policy->links[link].gateway4, 53, payload));
    }
    // EDNS is behind the question, which answers begin with.
    static Bytes without_options(Bytes question) {
        if (load16(&question[10]) == 0) return question;
        const Bytes expected{0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
        EXPECT_EQ(Bytes(question.end() - 11, question.end()), expected);
        question.resize(question.size() - 11);
        store16(&question[10], 0);
        return question;
    }
    // The question as it goes out; empty if it does not.
    Bytes upstream() {
        const Bytes packet = bench.host.take(kWire);
        if (packet.empty() || packet[9] != kUdp) return {};
        EXPECT_TRUE(has_right_sums(packet));
        asked_port = load16(&packet[20]);
        asked_server = load_ip4(&packet[16]);
        Bytes question(packet.begin() + 28, packet.end());
        had_options = load16(&question[10]) == 1;
        return without_options(question);
    }
    // An answer with these addresses.
    static Bytes answer_to(Bytes question, const std::vector<Ip>& ips, uint32_t ttl_s = 300) {
        question[2] |= 0x80;
        question[3] = 0x80;
        store16(&question[6], static_cast<uint16_t>(ips.size()));
        for (const Ip& ip : ips) {
            question.insert(question.end(), {0xc0, 12});
            append_address(question, ip, ttl_s);
        }
        return question;
    }
    void respond(const Bytes& payload) { bench.outside(make_udp(asked_server, 53, kOwn4, asked_port, payload)); }
    Bytes answered(Interface link = 1) {
        const Bytes packet = bench.host.take(link);
        if (packet.empty()) return {};
        EXPECT_TRUE(has_right_sums(packet));
        EXPECT_EQ(load16(&packet[22]), 3333);
        return Bytes(packet.begin() + 28, packet.end());
    }
    bool passes(const Ip& to, uint16_t to_port = 443) {
        bench.host.sent.clear();
        bench.link(0, make_tcp(bench.address4(0), next++, to, to_port, kSyn));
        const bool has_passed = !bench.host.take(kWire).empty();
        bench.host.sent.clear();
        return has_passed;
    }
    Bench bench;
    uint16_t asked_port = 0;
    bool had_options = false;  // of the last question
    uint16_t next = 2000;
    Ip asked_server;
};

}  // namespace kos::netrouter

#endif
