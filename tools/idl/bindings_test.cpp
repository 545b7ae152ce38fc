/*
 * Every method of every interface: round trips through the C and C++ bindings, and damaged messages against the
 * decoders.
 *
 * What a valid message is says trace::check, which is written by hand over tables; the generated decoders, dispatchers
 * and client functions must agree with it on every message. KOS_TEST_SEED=n (./kos test --seed n) repeats a failure.
 */
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "probe.h"
#include "trace.h"

namespace kos::idl::testing {
namespace {

constexpr int kRounds = 60;
constexpr int kMutations = 20;  // of each message

uint64_t seed() {
    const char* const value = std::getenv("KOS_TEST_SEED");
    return value ? std::strtoull(value, nullptr, 0) : 1;
}

struct Case {
    const MethodProbe* probe;
    const trace::Method* method;
    const trace::Interface* interface;

    std::string name() const { return std::string(probe->interface) + "." + probe->method; }
};

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    for (std::span<const MethodProbe> schema : all_probes()) {
        for (const MethodProbe& probe : schema) {
            const trace::Interface* const interface = trace::find_interface(probe.interface);
            EXPECT_NE(interface, nullptr) << probe.interface;
            for (const trace::Method& method : interface->methods) {
                if (std::string(method.name) == probe.method) cases.push_back({&probe, &method, interface});
            }
        }
    }
    return cases;
}

// A valid message and then one change to it that a broken or hostile peer could make.
class Mutator {
public:
    explicit Mutator(RandomValues& random) : random_(random) {}

    kos_msg_t change(const kos_msg_t& message, bool words_matter) {
        kos_msg_t result = message;
        bytes_.assign(static_cast<const uint8_t*>(message.payload),
                      static_cast<const uint8_t*>(message.payload) + message.payload_bytes);
        switch (random_.below(words_matter ? 11 : 9)) {
            case 0: break;  // valid
            case 1: result.param ^= uint64_t{1} << random_.below(64); break;
            case 2: flip_word(result); break;
            case 3: result.token = result.token ? 0 : 9; break;
            case 4: bytes_.resize(random_.below(bytes_.size() + 1)); break;
            case 5: extend(1 + random_.below(9)); break;
            case 6: extend(KOS_PAYLOAD_MAX); break;
            case 7:
                if (!bytes_.empty()) bytes_[random_.below(bytes_.size())] ^= uint8_t(1u << random_.below(8));
                break;
            case 8:
                if (!bytes_.empty()) bytes_[random_.below(bytes_.size())] = static_cast<uint8_t>(random_.up_to(255));
                break;
            case 9: result.has_words = !result.has_words; break;
            default: result.own = {2, 3, 4}; result.token = 0;
        }
        bytes_.resize(std::min<size_t>(bytes_.size(), KOS_PAYLOAD_MAX));
        result.payload = bytes_.empty() ? nullptr : bytes_.data();
        result.payload_bytes = static_cast<uint32_t>(bytes_.size());
        return result;
    }

private:
    void flip_word(kos_msg_t& message) {
        message.words[random_.below(2)] ^= uint64_t{1} << random_.below(64);
        message.has_words = 1;
    }
    void extend(size_t by) {
        for (size_t i = 0; i < by; ++i) bytes_.push_back(static_cast<uint8_t>(random_.up_to(255)));
    }

    RandomValues& random_;
    std::vector<uint8_t> bytes_;
};

bool same_bytes(const kos_msg_t& a, const kos_msg_t& b) {
    const uint64_t a_words[2] = {a.has_words ? a.words[0] : 0, a.has_words ? a.words[1] : 0};
    const uint64_t b_words[2] = {b.has_words ? b.words[0] : 0, b.has_words ? b.words[1] : 0};
    return a.param == b.param && std::memcmp(a_words, b_words, sizeof a_words) == 0 && a.token == b.token &&
           a.own.port == b.own.port && a.payload_bytes == b.payload_bytes &&
           (a.payload_bytes == 0 || std::memcmp(a.payload, b.payload, a.payload_bytes) == 0);
}

TEST(Bindings, EveryMethodHasAProbe) {
    size_t methods = 0;
    for (const trace::Interface* interface : trace::all_interfaces()) methods += interface->methods.size();
    EXPECT_EQ(all_cases().size(), methods);
    EXPECT_GT(methods, 70u);
}

TEST(Bindings, RoundTripsInC) {
    for (const Case& test : all_cases()) {
        RandomValues random(seed());
        for (int i = 0; i < kRounds; ++i) {
            const char* const problem = test.probe->round_trip_c(random);
            ASSERT_EQ(problem, nullptr) << test.name() << ": " << problem << ", round " << i
                                        << ", KOS_TEST_SEED=" << seed();
            ASSERT_TRUE(transport().deleted.empty()) << test.name();
        }
    }
}

TEST(Bindings, RoundTripsInCpp) {
    for (const Case& test : all_cases()) {
        RandomValues random(seed());
        for (int i = 0; i < kRounds; ++i) {
            const char* const problem = test.probe->round_trip_cpp(random);
            ASSERT_EQ(problem, nullptr) << test.name() << ": " << problem << ", round " << i
                                        << ", KOS_TEST_SEED=" << seed();
            ASSERT_TRUE(transport().deleted.empty()) << test.name();
        }
    }
}

// What is accepted is encoded to the same bytes again: there is one form of each message.
void check_decoder(const Case& test, const MessageProbe& message, const trace::Message& expected,
                   RandomValues& random) {
    alignas(8) static uint8_t buffer[KOS_PAYLOAD_MAX], again[KOS_PAYLOAD_MAX];
    Mutator mutator(random);
    for (int i = 0; i < kRounds; ++i) {
        kos_msg_t valid;
        message.make(random, valid, buffer);
        ASSERT_EQ(trace::check(expected, valid, test.method->one_way), "") << test.name();
        for (int j = 0; j < kMutations; ++j) {
            const Kept changed(mutator.change(valid, true));
            const std::string problem = trace::check(expected, changed.get(), test.method->one_way);
            kos_msg_t result;
            // The functions for queue messages see the bytes only.
            if (test.method->one_way && !problem.empty() && problem.find("unused") != std::string::npos) continue;
            if (test.method->one_way && (changed.get().token || changed.get().own.port)) continue;
            const bool accepted = message.recode(changed.get(), result, again);
            ASSERT_EQ(accepted, problem.empty())
                << test.name() << ": " << problem << ", round " << i << "." << j << ", KOS_TEST_SEED=" << seed();
            if (!accepted) continue;
            if (test.method->one_way) {
                ASSERT_EQ(changed.get().payload_bytes, result.payload_bytes) << test.name();
                continue;
            }
            ASSERT_TRUE(same_bytes(changed.get(), result)) << test.name() << ", KOS_TEST_SEED=" << seed();
        }
    }
}

TEST(Decoders, AgreeWithTheTables) {
    for (const Case& test : all_cases()) {
        RandomValues random(seed());
        check_decoder(test, test.probe->request, test.method->request, random);
        if (HasFatalFailure()) return;
        if (test.probe->answer.make) check_decoder(test, test.probe->answer, test.method->answer, random);
        if (HasFatalFailure()) return;
    }
}

TEST(Servers, RefuseDamagedRequestsAndDropTheirTokens) {
    alignas(8) static uint8_t buffer[KOS_PAYLOAD_MAX];
    for (const Case& test : all_cases()) {
        if (test.method->one_way) continue;
        RandomValues random(seed());
        Mutator mutator(random);
        for (int i = 0; i < kRounds * 5; ++i) {
            kos_msg_t valid;
            test.probe->request.make(random, valid, buffer);
            const Kept changed(mutator.change(valid, true));
            const std::string problem = trace::check(test.method->request, changed.get());
            const kos_status_t expected = problem.empty() ? KOS_STATUS_NOT_IMPLEMENTED : KOS_STATUS_BAD_REQUEST;
            for (auto* dispatch : {test.probe->dispatch_c, test.probe->dispatch_cpp}) {
                transport().reset();
                ASSERT_EQ(dispatch(changed.get()), expected)
                    << test.name() << (dispatch == test.probe->dispatch_c ? " (C): " : " (C++): ") << problem
                    << ", KOS_TEST_SEED=" << seed();
                ASSERT_EQ(transport().deleted.size(), changed.get().token ? 1u : 0u) << test.name();
            }
        }
    }
}

TEST(Servers, RefuseUnknownLabels) {
    for (const Case& test : all_cases()) {
        for (uint64_t label : {uint64_t{0}, uint64_t{60000}, uint64_t{0xfff0}, UINT64_MAX}) {
            kos_msg_t request = {};
            request.label = label;
            request.token = 3;
            transport().reset();
            EXPECT_EQ(test.probe->dispatch_c(request),
                      test.method->one_way ? KOS_STATUS_NOT_IMPLEMENTED : KOS_STATUS_BAD_REQUEST);
            EXPECT_EQ(test.probe->dispatch_cpp(request), KOS_STATUS_BAD_REQUEST);
        }
    }
}

TEST(Clients, RefuseDamagedAnswersAndDropTheirTokens) {
    alignas(8) static uint8_t buffer[KOS_PAYLOAD_MAX];
    for (const Case& test : all_cases()) {
        if (test.method->one_way) continue;
        RandomValues random(seed());
        Mutator mutator(random);
        for (int i = 0; i < kRounds * 5; ++i) {
            kos_msg_t valid;
            test.probe->answer.make(random, valid, buffer);
            Kept changed(mutator.change(valid, false));
            // Not equal to a token that the client sends (1..100).
            kos_msg_t with_token = changed.get();
            if (with_token.token) with_token.token = 500;
            changed.set(with_token);
            const std::string problem = trace::check(test.method->answer, changed.get());
            for (auto* call : {test.probe->call_c, test.probe->call_cpp}) {
                transport().reset();
                transport().answer_instead = [&](const kos_msg_t&, kos_msg_t& answer) {
                    answer = changed.get();
                    return KOS_STATUS_OK;
                };
                const kos_status_t status = call(random);
                ASSERT_EQ(status, problem.empty() ? KOS_STATUS_OK : KOS_STATUS_PEER_INVALID)
                    << test.name() << ": " << problem << ", KOS_TEST_SEED=" << seed();
                const bool dropped = !problem.empty() && changed.get().token && transport().words_calls == 0;
                ASSERT_EQ(transport().deleted.size(), dropped ? 1u : 0u) << test.name() << ": " << problem;
            }
        }
    }
}

TEST(Clients, PassStatusesOnAndRefuseNumbersThatAreNone) {
    for (const Case& test : all_cases()) {
        if (test.method->one_way) continue;
        RandomValues random(seed());
        for (kos_status_t status : {0u, 1u, 127u, 144u, 147u, 164u, 255u, 256u, 100000u}) {
            for (auto* call : {test.probe->call_c, test.probe->call_cpp}) {
                transport().reset();
                transport().answer_instead = [&](const kos_msg_t&, kos_msg_t& answer) {
                    answer.token = 500;
                    return status;
                };
                const bool known = status >= KOS_STATUS_BAD_REQUEST && status < 256;
                const kos_status_t result = call(random);
                // In registers, the token is refused by kos_msg_call_words itself.
                const bool in_registers = transport().words_calls != 0;
                EXPECT_EQ(result, in_registers || !known ? KOS_STATUS_PEER_INVALID : status) << test.name();
                EXPECT_EQ(transport().deleted.size(), in_registers ? 0u : 1u) << test.name();
            }
        }
    }
}

// The economy that small methods are promised: registers alone, and nothing copied.
TEST(Clients, CallInRegistersWhereEverythingFits) {
    for (const Case& test : all_cases()) {
        if (test.method->one_way) continue;
        bool registers = test.method->request.payload_max == 0 && test.method->answer.payload_max == 0;
        for (const trace::Message* message : {&test.method->request, &test.method->answer}) {
            for (const trace::Field& field : message->fields)
                registers = registers && field.kind != trace::Kind::kToken;
        }
        RandomValues random(seed());
        ASSERT_EQ(test.probe->round_trip_c(random), nullptr);
        EXPECT_EQ(transport().words_calls, registers ? 1u : 0u) << test.name();
        EXPECT_EQ(transport().words_served, registers ? 1u : 0u) << test.name();
        EXPECT_EQ(transport().calls, registers ? 0u : 1u) << test.name();
    }
}

}  // namespace
}  // namespace kos::idl::testing
