/*
 * The wire, byte by byte: what idl/README.md says about layout, written out for messages of real and test interfaces.
 *
 * The other tests would not notice if both sides changed together; devices in the field and hand-written peers would.
 */
#include <gtest/gtest.h>
#include <kos/ports.h>
#include <kos/idl/appman.hpp>
#include <kos/idl/block.hpp>
#include <kos/idl/directory.hpp>
#include <kos/idl/everything.hpp>
#include <kos/idl/gpio.hpp>
#include <kos/idl/log.hpp>

#include <cstring>

#include "transport.h"

namespace kos::idl::testing {
namespace {

class Wire : public ::testing::Test {
protected:
    void SetUp() override {
        transport().reset();
        transport().answer_instead = [this](const kos_msg_t&, kos_msg_t& answer) {
            answer = answer_;
            return KOS_STATUS_OK;
        };
    }

    static const kos_msg_t& sent() { return transport().last_request.get(); }
    static std::vector<uint8_t> payload() {
        const auto* const bytes = static_cast<const uint8_t*>(sent().payload);
        return {bytes, bytes + sent().payload_bytes};
    }
    void answer(uint64_t param, uint64_t word0, uint64_t word1, const void* bytes = nullptr, uint32_t size = 0) {
        answer_ = {};
        answer_.param = param;
        answer_.words[0] = word0;
        answer_.words[1] = word1;
        answer_.has_words = 1;
        answer_.payload = bytes;
        answer_.payload_bytes = size;
    }

    kos_msg_t answer_ = {};
};

void expect_registers(const kos_msg_t& message, uint64_t label, uint64_t param, uint64_t word0, uint64_t word1) {
    EXPECT_EQ(message.label, label);
    EXPECT_EQ(message.param, param);
    EXPECT_EQ(message.words[0], word0);
    EXPECT_EQ(message.words[1], word1);
}

TEST_F(Wire, TextTravelsWithoutAZeroAndScalarsInRegisters) {
    EXPECT_TRUE(log::Client(1).write(log::Level::kWarning, "hot").ok());
    expect_registers(sent(), KOS_LOG_WRITE, 2, 0, 0);
    EXPECT_EQ(sent().has_words, 0);
    EXPECT_EQ(payload(), (std::vector<uint8_t>{'h', 'o', 't'}));
}

TEST_F(Wire, ScalarsAreSortedByAlignment) {
    // i64; i32, i16, i8, only
    answer(0x1111111111111111, uint64_t{0x22222222} | uint64_t{0x3333} << 32 | uint64_t{0x44} << 48, 0);
    auto result =
        everything::Client(1).scalars(true, 0x12, 0x3456, 0x789abcde, 0x1122334455667788, everything::Color::kBlue);
    // u64; then u32, u16, and in order of declaration b, u8; then color
    expect_registers(sent(), 1, 0x1122334455667788, 0x12'01'3456'789abcde, 2);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->i64, 0x1111111111111111);
    EXPECT_EQ(result->i32, 0x22222222);
    EXPECT_EQ(result->i16, 0x3333);
    EXPECT_EQ(result->i8, 0x44);
    EXPECT_EQ(result->only, everything::Only::kOne);
}

TEST_F(Wire, OneByteMoreThanTheRegistersGoesIntoThePayload) {
    static const uint8_t reply[25] = {1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1};
    answer(0, 0, 0, reply, sizeof reply);
    answer_.has_words = 0;
    auto result = everything::Client(1).wide(0x0807060504030201, 2, 3, true);
    expect_registers(sent(), 5, 0, 0, 0);
    EXPECT_EQ(payload(),
              (std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1}));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->h, everything::Color::kGreen);
}

TEST_F(Wire, StructsAreLaidOutAsInC) {
    everything::Mixed mixed = {};
    std::strcpy(mixed.name, "ab");
    mixed.inner = {
        .flag = true, .reserved0_ = {}, .number = 0x04030201, .color = everything::Color::kBlue, .reserved1_ = {}};
    std::memcpy(mixed.hash, "\x10\x11\x12\x13\x14", 5);
    mixed.wide = 1.0;
    mixed.small = -1;
    EXPECT_EQ(everything::Client(1).in_payload(mixed, true).status(), KOS_STATUS_PEER_INVALID);  // nothing was answered
    const std::vector<uint8_t> expected = {'a',  'b',  0,    0,    0,    0, 0,    0,    0,    0, 0, 0,  //
                                           1,    0,    0,    0,    1,    2, 3,    4,    2,    0, 0, 0,  // inner
                                           0x10, 0x11, 0x12, 0x13, 0x14, 0, 0,    0,                    // hash
                                           0,    0,    0,    0,    0,    0, 0xf0, 0x3f, 0xff, 0, 0, 0,
                                           0,    0,    0,    0,  // wide, small
                                           1};                   // flag
    EXPECT_EQ(payload(), expected);
}

TEST_F(Wire, ListsBeginAtTheirAlignment) {
    everything::Mixed mixed = {};
    static const uint64_t numbers[] = {7, 8};
    (void)everything::Client(1).list_behind_payload(mixed, 5, numbers);
    ASSERT_EQ(payload().size(), 48u + 8 + 16);
    EXPECT_EQ(payload()[48], 5);
    EXPECT_EQ(payload()[49], 0);
    EXPECT_EQ(payload()[56], 7);
    EXPECT_EQ(payload()[64], 8);
}

TEST_F(Wire, QueueMessagesAreBytesOnly) {
    everything::Inner inner = {};
    inner.number = 9;
    EXPECT_TRUE(everything::Client(1).away(inner, "xy").ok());
    expect_registers(sent(), 18, 0, 0, 0);
    EXPECT_EQ(payload(), (std::vector<uint8_t>{0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 'x', 'y'}));
    EXPECT_EQ(transport().sends, 1u);
}

// The hand-written contract of the core services (kos/ports.h).
TEST_F(Wire, CoreServicesSpeakAsInPortsH) {
    EXPECT_EQ(KOS_DIRECTORY_LABEL_BIND, static_cast<int>(KOS_DIR_BIND));
    EXPECT_EQ(KOS_DIRECTORY_LABEL_REQUEST, static_cast<int>(KOS_DIR_REQUEST));
    EXPECT_EQ(KOS_DIRECTORY_LABEL_SUBSCRIBE, static_cast<int>(KOS_DIR_SUBSCRIBE));
    EXPECT_EQ(KOS_DIRECTORY_LABEL_DOMAIN_DOWN, static_cast<int>(KOS_DIR_DOMAIN_DOWN));
    EXPECT_EQ(KOS_LOG_LABEL_READ, static_cast<int>(KOS_LOG_READ));
    EXPECT_EQ(KOS_LOG_LABEL_QUEUE_ERROR, KOS_LOG_WRITE | 1 << 8);
    EXPECT_EQ(KOS_APPMAN_LABEL_MODE, static_cast<int>(KOS_APPMAN_MODE));

    answer(0, 0, 0);
    answer_.has_words = 0;
    answer_.token = 66;
    auto connection = directory::Client(1).request(17, UINT64_MAX);
    expect_registers(sent(), KOS_DIR_REQUEST, 17, UINT64_MAX, 0);
    ASSERT_TRUE(connection.ok());
    EXPECT_EQ(connection->slot(), 66u);

    static_assert(sizeof(kos_appman_entry_t) == sizeof(appman::Domain));
    static const kos_appman_entry_t entries[2] = {{"log", 2, ::KOS_APPMAN_READY, 0, 1, 3, 0},
                                                  {"timer", 5, ::KOS_APPMAN_WAITING, KOS_EXIT_HUNG, 4, 9, 0}};
    answer(0, 0, 0, entries, sizeof entries);
    auto list = appman::Client(1).list(0);
    ASSERT_TRUE(list.ok());
    ASSERT_EQ(list->entries.size(), 2u);
    EXPECT_STREQ(list->entries[1].name, "timer");
    EXPECT_EQ(list->entries[1].domain, 5);
    EXPECT_EQ(list->entries[1].state, appman::State::kWaiting);
    EXPECT_EQ(list->entries[1].last_reason, appman::Reason::kHung);
    EXPECT_EQ(list->entries[1].instance, 4u);
    EXPECT_EQ(list->entries[1].restarts, 9u);
}

TEST_F(Wire, BlockGeometryAsTheDriverAnswers) {
    answer(100, 512 | uint64_t{4096} << 32, 1);
    auto geometry = block::Client(1).geometry();
    ASSERT_TRUE(geometry.ok());
    EXPECT_EQ(geometry->sectors, 100u);
    EXPECT_EQ(geometry->block_bytes, 512u);
    EXPECT_EQ(geometry->request_bytes, 4096u);
    EXPECT_TRUE(geometry->read_only);
}

TEST_F(Wire, GpioAsTheDriverReads) {
    answer(0, 0, 0);
    EXPECT_TRUE(gpio::Client(1).set_direction(5, true, true).ok());
    expect_registers(sent(), 2, 0x010105, 0, 0);
    EXPECT_TRUE(gpio::Client(1).subscribe(7, gpio::Edges::kBoth).ok());
    expect_registers(sent(), 5, 0x0307, 0, 0);
    answer(0x8204, 0, 0);
    auto events = gpio::Client(1).events();
    ASSERT_TRUE(events.ok());
    EXPECT_EQ(events->lines, 4);
    EXPECT_EQ(events->levels, 0x82);
}

// --- What a sender gets wrong is INVALID_ARGUMENT, and nothing is sent.

TEST_F(Wire, SendersRefuseWhatIsTooLong) {
    const std::string long_text(241, 'x');
    EXPECT_EQ(log::Client(1).write(log::Level::kInfo, long_text).status(), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_TRUE(log::Client(1).write(log::Level::kInfo, long_text.substr(1)).ok());
    EXPECT_EQ(log::Client(1).queue_info(long_text.substr(0, 49)).status(), KOS_STATUS_INVALID_ARGUMENT);
    const everything::Inner inner = {};
    static const uint8_t tag[3] = {};
    EXPECT_EQ(everything::Client(1).in_registers(inner, tag, "12345678").status(), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(everything::Client(1).tokens(everything::Client()).status(), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(transport().calls, 1u);
    EXPECT_EQ(transport().sends, 0u);
}

// --- Servers whose handlers make mistakes

kos_status_t answer_no_reply(kos_everything_server_t*, const kos_caller_t*) { return KOS_STATUS_NO_REPLY; }
kos_status_t answer_nonsense(kos_everything_server_t*, const kos_caller_t*) { return 77; }
kos_status_t answer_too_long(kos_everything_server_t*, const kos_caller_t*, const char*, size_t, const char** back,
                             size_t* back_bytes) {
    *back = "too long";
    *back_bytes = 8;
    return KOS_STATUS_OK;
}
kos_status_t answer_without_token(kos_everything_server_t*, const kos_caller_t*, kos_everything_client_t,
                                  kos_token_t*) {
    return KOS_STATUS_OK;
}

TEST_F(Wire, MistakesOfHandlersAreInternalErrors) {
    transport().answer_instead = nullptr;
    static kos_everything_server_t server;
    server = {};
    ASSERT_EQ(kos_everything_server_run(&server), KOS_STATUS_OK);
    server.nothing = answer_no_reply;
    EXPECT_EQ(everything::Client(1).nothing().status(), KOS_STATUS_INTERNAL_ERROR);
    server.nothing = answer_nonsense;
    EXPECT_EQ(everything::Client(1).nothing().status(), KOS_STATUS_INTERNAL_ERROR);
    server.text = answer_too_long;
    EXPECT_EQ(everything::Client(1).text("x").status(), KOS_STATUS_INTERNAL_ERROR);
    server.tokens = answer_without_token;
    EXPECT_EQ(everything::Client(1).tokens(everything::Client(4)).status(), KOS_STATUS_INTERNAL_ERROR);
}

TEST(Tokens, AreMadeForTheirInterface) {
    transport().reset();
    kos_once_client_t once = {};
    EXPECT_EQ(kos_once_token_create("once", 7, 3, &once), KOS_STATUS_CREATED);
    EXPECT_EQ(transport().created_flags, static_cast<uint32_t>(KOS_TOKEN_SINGLE_USE));
    EXPECT_EQ(transport().created_number, 7u);
    {
        auto token = everything::create_token("everything", 8, 3);
        ASSERT_TRUE(token.ok());
        EXPECT_EQ(transport().created_flags, 0u);
        Owned<everything::Client> other = std::move(*token);
        EXPECT_EQ(other.slot(), 1008u);
        EXPECT_TRUE(transport().deleted.empty());
    }
    EXPECT_EQ(transport().deleted, std::vector<kos_token_t>{1008});
}

struct OwnSeen : everything::Server<OwnSeen> {
    Result<uint8_t> own(const Caller&, uint8_t n, Received<everything::Client> session) {
        if (session.own()) seen = *session.own();
        slot = session.slot();
        return n;
    }
    Caller seen = {};
    kos_slot_t slot = 0;
};

// What a server has made comes back as its number; everybody else's as a slot, which is given back at the end.
TEST(Tokens, OfTheServerItselfAreTold) {
    kos_msg_t request = {};
    request.label = KOS_EVERYTHING_LABEL_OWN;
    request.param = 5;
    kos_msg_t answer = {};
    OwnSeen server;
    transport().reset();
    EXPECT_EQ(server.dispatch({}, request, answer), KOS_STATUS_BAD_REQUEST);  // none
    request.own = {3, 7, 42};
    EXPECT_EQ(server.dispatch({}, request, answer), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 5u);
    EXPECT_EQ(server.seen.token, 42u);
    EXPECT_EQ(server.seen.port, 7u);
    EXPECT_EQ(server.seen.domain, 3u);
    EXPECT_EQ(server.slot, 0u);
    EXPECT_TRUE(transport().deleted.empty());
    server.seen = {};
    request.own = {};
    request.token = 9;
    EXPECT_EQ(server.dispatch({}, request, answer), KOS_STATUS_OK);
    EXPECT_EQ(server.seen.port, 0u);
    EXPECT_EQ(server.slot, 9u);
    EXPECT_EQ(transport().deleted, std::vector<kos_token_t>{9});
}

TEST(Tokens, OfTheServerItselfAreToldInC) {
    static uint64_t seen;
    kos_everything_server_t server = {};
    server.own = [](kos_everything_server_t*, const kos_caller_t*, uint8_t, kos_everything_client_t session,
                    const kos_caller_t* own, uint8_t*) {
        seen = own ? own->token : session.slot + 1000;
        return static_cast<kos_status_t>(KOS_STATUS_OK);
    };
    kos_msg_t request = {};
    request.label = KOS_EVERYTHING_LABEL_OWN;
    request.own = {3, 7, 42};
    kos_caller_t const caller = {};
    kos_msg_t answer = {};
    EXPECT_EQ(kos_everything_dispatch(&server, &caller, &request, &answer), KOS_STATUS_OK);
    EXPECT_EQ(seen, 42u);
    request.own = {};
    request.token = 9;
    EXPECT_EQ(kos_everything_dispatch(&server, &caller, &request, &answer), KOS_STATUS_OK);
    EXPECT_EQ(seen, 1009u);
    // A method that does not expect them.
    request.label = KOS_EVERYTHING_LABEL_TOKENS;
    request.token = 0;
    request.own = {3, 7, 42};
    EXPECT_EQ(kos_everything_dispatch(&server, &caller, &request, &answer), KOS_STATUS_BAD_REQUEST);
}

TEST(Connections, ComeFromTheDirectory) {
    transport().reset();
    auto client = log::Client::connect("log");
    ASSERT_TRUE(client.ok());
    EXPECT_EQ(client->slot(), 77u);
    EXPECT_EQ(transport().requested_port, "log");
}

// --- The shared checks

TEST(Text, IsUtf8WithoutZero) {
    const auto valid = [](std::string_view text) { return kos_idl_text_valid(text.data(), text.size()); };
    using namespace std::string_view_literals;
    for (std::string_view good : {""sv, "a"sv, "exactly8"sv, "longer than eight bytes"sv, "\xc2\x80"sv,
                                  "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv,
                                  "1234567\xc3\xbc"
                                  "1234567\xc3\xbc"sv}) {
        EXPECT_TRUE(valid(good)) << good;
    }
    for (std::string_view bad :
         {"\0"sv, "1234567\0"sv, "12345678\0"sv, "\x80"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc3"sv, "\xe0\x9f\xbf"sv,
          "\xed\xa0\x80"sv, "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv,
          "12345678\xe2\x82"sv, "\xe2\x28\xa1"sv, "\xf0\x90\x28\x80"sv, "\xf0\x90\x80\x28"sv}) {
        EXPECT_FALSE(valid(bad));
        std::string repaired(bad);
        kos_idl_text_repair(repaired.data(), repaired.size());
        EXPECT_TRUE(valid(repaired)) << repaired;
        EXPECT_EQ(repaired.size(), bad.size());
    }
    std::string mixed = "ok \xc3\xbc bad \xff\xfe end";
    kos_idl_text_repair(mixed.data(), mixed.size());
    EXPECT_EQ(mixed, "ok \xc3\xbc bad ?? end");
}

TEST(Text, OfFixedSizeIsFilledUpWithZeros) {
    char field[4] = {'x', 'x', 'x', 'x'};
    EXPECT_FALSE(kos_idl_fixed_text_put(field, 4, "1234"));
    EXPECT_EQ(field[0], 'x');
    EXPECT_FALSE(kos_idl_fixed_text_valid(field, 4));
    EXPECT_TRUE(kos_idl_fixed_text_put(field, 4, "123"));
    EXPECT_TRUE(kos_idl_fixed_text_valid(field, 4));
    EXPECT_TRUE(kos_idl_fixed_text_put(field, 4, ""));
    EXPECT_TRUE(kos_idl_fixed_text_valid(field, 4));
    field[2] = 'z';
    EXPECT_FALSE(kos_idl_fixed_text_valid(field, 4));
}

}  // namespace
}  // namespace kos::idl::testing
