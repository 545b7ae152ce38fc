// Names and time, and what the status and the log say.
#include <gtest/gtest.h>

#include <set>

#include "report.h"
#include "status.h"
#include "test_names.h"

namespace kos::netrouter {
namespace {

using NamesTest = NamesBench;

TEST_F(NamesTest, AnAllowedNameOpensItsAddresses) {
    EXPECT_FALSE(passes(kServer));
    ask(0, query(0x1234, "API.example.org"));
    const Bytes question = upstream();
    ASSERT_FALSE(question.empty());
    EXPECT_GE(asked_port, 49152);
    respond(answer_to(question, {kServer}));
    const Bytes got = answered();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(load16(&got[0]), 0x1234);
    EXPECT_TRUE(passes(kServer));
    EXPECT_FALSE(passes(kServer, 80));
    EXPECT_FALSE(passes(ip4(kServer.v4() ^ 1)));
    EXPECT_EQ(bench.router->names().count(0, bench.now), 1u);
    bench.restart();
    bench.make_ready();
    EXPECT_TRUE(passes(kServer));
    bench.at(bench.now + 301 * kSecond);
    EXPECT_FALSE(passes(kServer));
}

TEST_F(NamesTest, Wildcards) {
    ask(0, query(1, "a.b.example.net"));
    EXPECT_FALSE(upstream().empty());
    ask(0, query(2, "example.net"));
    EXPECT_TRUE(upstream().empty());
    ask(0, query(3, "badexample.net"));
    EXPECT_TRUE(upstream().empty());
}

TEST_F(NamesTest, OtherNamesAreRefusedAndRecorded) {
    ask(0, query(7, "evil.example.com"));
    EXPECT_TRUE(upstream().empty());
    const Bytes got = answered();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got[3] & 15, kDnsRefused);
    ASSERT_EQ(bench.router->denial_count(), 1u);
    EXPECT_EQ(bench.router->denial(0)->reason, Reason::kName);
    EXPECT_STREQ(bench.router->denial(0)->name, "evil.example.com");
    EXPECT_EQ(bench.router->denial(0)->domain, 5);
    // A link that may talk to any address may ask for any name.
    ask(1, query(7, "evil.example.com"));
    EXPECT_FALSE(upstream().empty());
}

TEST_F(NamesTest, AliasesCount) {
    ask(0, query(1, "api.example.org"));
    Bytes answer = upstream();
    answer[2] |= 0x80;
    store16(&answer[6], 3);
    answer.insert(answer.end(), {0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 0});
    Bytes alias;
    append_name(alias, "cdn.example.com");
    answer.insert(answer.end(), {0, static_cast<uint8_t>(alias.size())});
    answer.insert(answer.end(), alias.begin(), alias.end());
    append_name(answer, "cdn.example.com");
    append_address(answer, kServer, 100);
    append_name(answer, "stray.example.com");  // of nobody in the chain
    append_address(answer, kStranger, 100);
    respond(answer);
    EXPECT_FALSE(answered().empty());
    EXPECT_TRUE(passes(kServer));
    EXPECT_FALSE(passes(kStranger));
}

TEST_F(NamesTest, ForgedAnswersAreNotBelieved) {
    ask(0, query(1, "api.example.org"));
    const Bytes question = upstream();
    const Bytes good = answer_to(question, {kServer});
    Bytes bad = good;
    bad[0] ^= 1;
    respond(bad);  // another number
    bad = good;
    bad[14] ^= 0x01;
    respond(bad);  // another name
    bench.outside(make_udp(asked_server, 53, kOwn4, asked_port ^ 1, good));
    bench.outside(make_udp(asked_server, 54, kOwn4, asked_port, good));
    bench.outside(make_udp(kStranger, 53, kOwn4, asked_port, good));
    for (size_t size = 0; size < good.size(); ++size)
        respond(Bytes(good.begin(), good.begin() + static_cast<long>(size)));
    EXPECT_TRUE(answered().empty());
    EXPECT_FALSE(passes(kServer));
    respond(good);
    EXPECT_FALSE(answered().empty());
    EXPECT_TRUE(passes(kServer));
}

// Letters are as they were in the question, or the answer is somebody's who has not seen it.
TEST_F(NamesTest, QuestionsComeBackAsTheyWere) {
    unsigned capitals = 0;
    Bytes bad;
    for (uint16_t i = 0; i < 8; ++i) {
        ask(0, query(i, "api.example.org"));
        Bytes good = answer_to(upstream(), {kServer});
        EXPECT_TRUE(had_options);
        for (size_t at = 13; at < 28; ++at) {
            if (good[at] >= 'A' && good[at] <= 'Z') ++capitals;
        }
        bad = good;
        bad[13] ^= 0x20;
        respond(bad);
        EXPECT_TRUE(answered().empty());
        respond(good);
        // The asker sees his own letters.
        const Bytes got = answered();
        ASSERT_GT(got.size(), 30u);
        const Bytes asked = query(i, "api.example.org");
        EXPECT_EQ(Bytes(got.begin() + 12, got.begin() + 29), Bytes(asked.begin() + 12, asked.begin() + 29));
    }
    EXPECT_GT(capitals, 20u);
    EXPECT_LT(capitals, 90u);
}

// The last try is plain, for servers that keep neither letters nor to EDNS; one that says so gets it at once.
TEST_F(NamesTest, ServersOfBefore) {
    ask(0, query(1, "api.example.org"));
    Bytes question = upstream();
    EXPECT_TRUE(had_options);
    Bytes refusal = answer_to(question, {});
    refusal[3] |= kDnsFormat;
    respond(refusal);
    EXPECT_TRUE(answered().empty());
    question = upstream();
    ASSERT_FALSE(question.empty());
    EXPECT_FALSE(had_options);
    EXPECT_EQ(Bytes(question.begin() + 12, question.end()).front(), 3);
    for (size_t at = 13; at < 28; ++at) EXPECT_FALSE(question[at] >= 'A' && question[at] <= 'Z');
    respond(answer_to(question, {kServer}));
    EXPECT_FALSE(answered().empty());
    EXPECT_TRUE(passes(kServer));
    ask(0, query(2, "api.example.org"));
    for (unsigned i = 0; i < 3; ++i) {
        question = upstream();
        EXPECT_EQ(had_options, i < 2);
        bench.at(bench.now + 2 * kSecond);
    }
}

// Who takes 512 bytes gets the addresses that fit, is told that there are more, and gets no EDNS that he has not asked
// for.
TEST_F(NamesTest, LargeAnswersBecomeShort) {
    std::vector<Ip> many;
    for (uint8_t i = 0; i < 60; ++i) many.push_back(ip4(203, 0, 113, i));
    const auto append_options = [](Bytes& answer) {
        answer.insert(answer.end(), {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0});
        store16(&answer[10], 1);
    };
    const auto take = [&](Bytes& answer, Bytes asked) {
        ask(0, asked);
        const Bytes question = upstream();
        std::copy(question.begin(), question.begin() + 2, answer.begin());
        std::copy(question.begin() + 12, question.end(), answer.begin() + 12);
        respond(answer);
        return answered();
    };
    Bytes answer = answer_to(query(0, "api.example.org"), many);
    append_options(answer);
    Bytes got = take(answer, query(1, "api.example.org"));
    ASSERT_FALSE(got.empty());
    EXPECT_LE(got.size(), 512u);
    EXPECT_EQ(got[2] & 2, 2);
    EXPECT_EQ(load16(&got[10]), 0);
    EXPECT_GE(load16(&got[6]), 25);
    DnsAnswer read;
    ASSERT_EQ(read_answer(got.data(), got.size(), read), DnsError::kNone);
    EXPECT_EQ(read.count, load16(&got[6]));
    EXPECT_TRUE(read.addresses[0].ip == many[0]);
    EXPECT_TRUE(passes(many[0]));
    EXPECT_TRUE(passes(many[59]));
    // Who takes more gets it as it came.
    Bytes larger = query(2, "api.example.org");
    larger.insert(larger.end(), {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0});
    store16(&larger[10], 1);
    got = take(answer, larger);
    EXPECT_EQ(got.size(), answer.size());
    // Cut off by the server: what has come of it counts.
    Bytes cut = answer_to(query(0, "api.example.org"), {kServer});
    cut[2] |= 2;
    got = take(cut, query(3, "api.example.org"));
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got[2] & 2, 2);
    EXPECT_EQ(load16(&got[6]), 1);
    cut = answer_to(query(0, "api.example.org"), {});
    cut[2] |= 2;
    got = take(cut, query(4, "api.example.org"));
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got[2] & 2, 2);
    // Small ones lose the EDNS record only.
    Bytes small = answer_to(query(0, "api.example.org"), {kServer});
    const size_t size = small.size();
    append_options(small);
    EXPECT_EQ(take(small, query(5, "api.example.org")).size(), size);
    // More than was asked for is nobody's answer.
    Bytes huge = answer_to(query(0, "api.example.org"), std::vector<Ip>(64, kServer));
    huge.resize(1233);
    EXPECT_TRUE(take(huge, query(6, "api.example.org")).empty());
}

TEST_F(NamesTest, AnswersCannotOpenTheInside) {
    ask(0, query(1, "api.example.org"));
    respond(answer_to(upstream(), {bench.address4(1), ip4(127, 0, 0, 1), kOwn4, ip4(224, 0, 0, 1)}));
    EXPECT_FALSE(answered().empty());
    EXPECT_EQ(bench.router->names().count(0, bench.now), 0u);
    EXPECT_FALSE(passes(bench.address4(1), 443));
}

TEST_F(NamesTest, TimeToLiveIsBounded) {
    ask(0, query(1, "api.example.org"));
    respond(answer_to(upstream(), {kServer}, 0));
    EXPECT_TRUE(passes(kServer));
    bench.at(bench.now + 61 * kSecond);
    EXPECT_FALSE(passes(kServer));
    ask(0, query(2, "api.example.org"));
    respond(answer_to(upstream(), {kServer}, 0x7fffffff));
    bench.at(bench.now + 3599 * kSecond);
    EXPECT_TRUE(passes(kServer));
    bench.at(bench.now + 2 * kSecond);
    EXPECT_FALSE(passes(kServer));
}

TEST_F(NamesTest, SilentServersAndFullTables) {
    ask(0, query(9, "api.example.org"));
    unsigned questions = 0;
    std::set<uint16_t> ports;
    for (unsigned i = 0; i < 8; ++i) {
        while (!upstream().empty()) {
            ++questions;
            ports.insert(asked_port);
        }
        bench.at(bench.now + kSecond);
    }
    EXPECT_EQ(questions, 3u);
    EXPECT_EQ(ports.size(), 3u);
    Bytes got = answered();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got[3] & 15, kDnsFailure);
    for (uint16_t i = 0; i < 40; ++i) ask(0, query(i, "api.example.org"));
    EXPECT_EQ(bench.refused(1, Reason::kFull), 24u);
    ask(1, query(9, "x.example.com"));
    unsigned sent = 0;
    while (!upstream().empty()) ++sent;
    EXPECT_EQ(sent, 17u);
}

TEST_F(NamesTest, NamesOfDomains) {
    const auto address = [&](const std::string& name, uint16_t type = kDnsA) {
        ask(0, query(1, name, type));
        EXPECT_TRUE(upstream().empty()) << name;
        const Bytes got = answered();
        if (got.empty() || (got[3] & 15) != 0 || load16(&got[6]) == 0) return Ip{};
        return type == kDnsA ? load_ip4(&got[got.size() - 4]) : load_ip6(&got[got.size() - 16]);
    };
    EXPECT_EQ(address("other"), bench.address4(1));
    EXPECT_EQ(address("OTHER.internal"), bench.address4(1));
    EXPECT_EQ(address("other", kDnsAaaa), bench.address6(1));
    EXPECT_EQ(address("web-app"), bench.address4(0));
    EXPECT_EQ(address("unknown.internal"), Ip{});
    EXPECT_EQ(bench.router->denial_count(), 0u);
    ask(1, query(1, "web-app.internal"));  // it may not talk to that one, so it is not told about it
    const Bytes got = answered(2);
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got[3] & 15, kDnsNoName);
}

TEST_F(NamesTest, MalformedQueries) {
    const Bytes good = query(1, "api.example.org");
    for (size_t size = 0; size < good.size(); ++size)
        ask(0, Bytes(good.begin(), good.begin() + static_cast<long>(size)));
    Bytes bad = good;
    bad[12] = 0xc0;
    bad[13] = 12;  // a pointer to itself
    ask(0, bad);
    bad = good;
    bad[12] = 0x40;
    ask(0, bad);
    bad = good;
    bad[13] = '.';  // a dot inside of a label
    ask(0, bad);
    bad = good;
    store16(&bad[4], 2);
    ask(0, bad);
    EXPECT_TRUE(upstream().empty());
    EXPECT_EQ(bench.refused(1, Reason::kMalformed), good.size() + 4);
}

TEST(Dns, Addresses) {
    Ip ip;
    EXPECT_TRUE(read_ip("10.0.2.3", ip));
    EXPECT_EQ(ip, ip4(10, 0, 2, 3));
    EXPECT_TRUE(read_ip("fd00::7", ip));
    EXPECT_EQ(ip, (Ip{0xfd00000000000000, 7}));
    EXPECT_TRUE(read_ip("::1", ip));
    EXPECT_EQ(ip, (Ip{0, 1}));
    EXPECT_TRUE(read_ip("1:2:3:4:5:6:7:8", ip));
    EXPECT_EQ(ip, (Ip{0x0001000200030004, 0x0005000600070008}));
    for (const char* bad : {"", "10.0.2", "10.0.2.3.4", "10.0.2.256", "a.b.c.d", "1::2::3",
                            "12345::", "1:2:3:4:5:6:7:8:9", "1:", "pool.ntp.org"}) {
        EXPECT_FALSE(read_ip(bad, ip)) << bad;
    }
}

// --- Time

struct TimeTest : testing::Test {
    static Policy policy() {
        PolicyMaker made;
        made.policy.uplink.ntp[0] = "192.0.2.123";
        made.policy.uplink.ntp[1] = "time.example.org";
        made.policy.uplink.ntp_count = 2;
        made.link(5, "a");
        return made.policy;
    }
    TimeTest() : bench(policy()) {}
    // The next question; answers name queries meanwhile.
    bool wait_for_question(uint64_t until_us) {
        while (bench.now < until_us) {
            for (Bytes packet = bench.host.take(kWire); !packet.empty(); packet = bench.host.take(kWire)) {
                if (packet[0] >> 4 != 4 || packet[9] != kUdp || load16(&packet[22]) != 123) continue;
                question = packet;
                return true;
            }
            bench.at(bench.now + kSecond / 4);
        }
        return false;
    }
    void answer(uint64_t unix_s, uint8_t stratum = 2, uint8_t first = 0x24) {
        Bytes out(48);
        out[0] = first;
        out[1] = stratum;
        std::copy(question.begin() + 28 + 40, question.begin() + 28 + 48, out.begin() + 24);
        store32(&out[32], static_cast<uint32_t>(unix_s + 2208988800u));
        store32(&out[40], static_cast<uint32_t>(unix_s + 2208988800u));
        if (is_forged) out[24] ^= 1;
        bench.outside(make_udp(load_ip4(&question[16]), 123, kOwn4, load16(&question[20]), out));
    }
    Bench bench;
    Bytes question;
    bool is_forged = false;
};

TEST_F(TimeTest, SetsTheClock) {
    ASSERT_TRUE(wait_for_question(bench.now + 20 * kSecond));
    EXPECT_EQ(load_ip4(&question[16]), ip4(192, 0, 2, 123));
    answer(1800000000);
    ASSERT_EQ(bench.host.walls.size(), 1u);
    EXPECT_EQ(bench.host.walls[0].ns / 1000000000, 1800000000u);
    EXPECT_EQ(bench.host.walls[0].at_us, bench.now);
    // Once there is a time, one far from it is not believed.
    ASSERT_TRUE(wait_for_question(bench.now + 2000 * kSecond));
    answer(1800000000 + 90000);
    EXPECT_EQ(bench.host.walls.size(), 1u);
    EXPECT_EQ(bench.refused(kWire, Reason::kMalformed), 1u);
    ASSERT_TRUE(wait_for_question(bench.now + 2000 * kSecond));
    answer(bench.host.walls[0].ns / 1000000000 + (bench.now - bench.host.walls[0].at_us) / kSecond);
    EXPECT_EQ(bench.host.walls.size(), 2u);
}

TEST_F(TimeTest, RefusesWhatIsNoTime) {
    ASSERT_TRUE(wait_for_question(bench.now + 20 * kSecond));
    is_forged = true;
    answer(1800000000);
    is_forged = false;
    EXPECT_TRUE(bench.host.walls.empty());
    answer(1800000000, 2, 0xe4);  // not synchronised
    EXPECT_TRUE(bench.host.walls.empty());
    ASSERT_TRUE(wait_for_question(bench.now + 2000 * kSecond));
    answer(1800000000, 0);  // go away
    EXPECT_TRUE(bench.host.walls.empty());
    ASSERT_TRUE(wait_for_question(bench.now + 3000 * kSecond));
    answer(1800000000, 2, 0x23);  // a question
    EXPECT_TRUE(bench.host.walls.empty());
    answer(1800000000);
    EXPECT_EQ(bench.host.walls.size(), 1u);
}

TEST_F(TimeTest, ASilentServerGivesWayToTheNext) {
    std::set<uint64_t> asked;
    for (int i = 0; i < 40; ++i) {
        bench.at(bench.now + kSecond);
        for (Bytes packet = bench.host.take(kWire); !packet.empty(); packet = bench.host.take(kWire)) {
            if (packet[9] != kUdp || packet[0] != 0x45) continue;
            if (load16(&packet[22]) == 53) {
                const Bytes dns = NamesBench::without_options({packet.begin() + 28, packet.end()});
                bench.outside(
                    make_udp(kGateway4, 53, kOwn4, load16(&packet[20]), NamesBench::answer_to(dns, {kServer})));
            }
            if (load16(&packet[22]) == 123) asked.insert(load32(&packet[16]));
        }
    }
    EXPECT_TRUE(asked.contains(kServer.v4()));
    EXPECT_TRUE(asked.contains(ip4(192, 0, 2, 123).v4()));
}

// --- Status

TEST(Status, Tells) {
    Bench bench(named_policy());
    Status status(*bench.router);
    for (int i = 0; i < 300; ++i)
        bench.link(0, make_udp(bench.address4(0), 1, kStranger, static_cast<uint16_t>(i + 1)));
    kos_msg_t request = {};
    kos_msg_t answer = {};
    request.label = 1;
    request.has_words = 1;
    ASSERT_EQ(status.call({9, 1, 0}, request, bench.now, answer), KOS_STATUS_OK);
    const auto uplink = status.uplink({});
    ASSERT_TRUE(uplink.ok());
    EXPECT_EQ(uplink->state, KOS_NET_UPLINK_STATE_UP);
    EXPECT_EQ(load_ip6(uplink->address4), kOwn4);
    const auto links = status.links({}, 0);
    ASSERT_TRUE(links.ok());
    ASSERT_EQ(links->entries.size(), 2u);
    EXPECT_EQ(links->next, 0u);
    EXPECT_STREQ(links->entries[0].name, "web_app");
    EXPECT_EQ(links->entries[0].denials, 300u);
    EXPECT_EQ(links->entries[0].packets_in, 300u);
    const auto rules = status.rules({}, 1);
    ASSERT_TRUE(rules.ok());
    EXPECT_EQ(rules->entries.size(), 4u);
    auto denials = status.denials({}, 0);
    ASSERT_TRUE(denials.ok());
    EXPECT_EQ(denials->lost, 44u);
    ASSERT_EQ(denials->entries.size(), 30u);
    EXPECT_EQ(denials->entries[0].destination_port, 45);
    EXPECT_EQ(denials->next, 74u);
    denials = status.denials({}, 299);
    ASSERT_EQ(denials->entries.size(), 1u);
    EXPECT_EQ(status.denials({}, 1000)->entries.size(), 0u);
    EXPECT_EQ((*status.counters({}, 1))[static_cast<unsigned>(Reason::kRule)], 300u);
    EXPECT_EQ(status.counters({}, 3).status(), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(status.links({}, 99)->entries.size(), 0u);
}

TEST(Report, Lines) {
    Denial denial;
    denial.reason = Reason::kRule;
    denial.protocol = kTcp;
    denial.source = ip4(10, 78, 5, 2);
    denial.destination = Ip{0x2001067c00000000, 0x0000000100000000};
    denial.source_port = 4000;
    denial.destination_port = 80;
    Line line;
    write_denial(denial, "web", 3, line);
    EXPECT_EQ(std::string(line.data(), line.size()),
              "denied: web out rule tcp 10.78.5.2:4000 -> [2001:67c::1:0:0]:80 (and 3 before)");
    line.clear();
    add_ip(line, Ip{0, 1});
    line.add(' ');
    add_ip(line, Ip{});
    line.add(' ');
    add_ip(line, Ip{0xfe80000000000000, 0});
    EXPECT_EQ(std::string(line.data(), line.size()), "::1 :: fe80::");
}

}  // namespace
}  // namespace kos::netrouter
