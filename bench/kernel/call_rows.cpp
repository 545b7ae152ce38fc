// Call and ReplyRecv round trips, by server, message length and address space.
#include "partner.h"

namespace kos::bench {

using namespace sel4;

namespace {

constexpr Word kBadge = 7;
constexpr Word kAnswerLabel = 5;
constexpr Word kRequestLabel = 3;
constexpr Word kFirstWord = 1000;

struct CallRow {
    const char* name;
    Word words;
    PartnerState server;
};

constexpr PartnerState kPassive{.schedule = Schedule::kPassive};
constexpr PartnerState kPassiveOther{.schedule = Schedule::kPassive, .where = Where::kOtherVspace};
constexpr PartnerState kPassiveOtherFpuOff{
    .schedule = Schedule::kPassive, .fpu = Fpu::kOff, .where = Where::kOtherVspace};
constexpr PartnerState kPassiveOtherAbove{
    .schedule = Schedule::kPassive, .where = Where::kOtherVspace, .priority = kPriority + 1};
constexpr PartnerState kActive{.schedule = Schedule::kActive};
constexpr PartnerState kActiveOther{.schedule = Schedule::kActive, .where = Where::kOtherVspace};
constexpr PartnerState kActiveOtherFpuOff{
    .schedule = Schedule::kActive, .fpu = Fpu::kOff, .where = Where::kOtherVspace};

constexpr CallRow kRows[] = {
    {"call/passive/same_vspace/0_words", 0, kPassive},
    {"call/passive/same_vspace/4_words", 4, kPassive},
    {"call/passive/same_vspace/20_words", 20, kPassive},
    {"call/passive/other_vspace/0_words", 0, kPassiveOther},
    {"call/passive/other_vspace/4_words", 4, kPassiveOther},
    {"call/passive/other_vspace/5_words", 5, kPassiveOther},
    {"call/passive/other_vspace/20_words", 20, kPassiveOther},
    {"call/passive/other_vspace/120_words", 120, kPassiveOther},
    {"call/passive/server_fpu_off/0_words", 0, kPassiveOtherFpuOff},
    {"call/passive/server_fpu_off/4_words", 4, kPassiveOtherFpuOff},
    {"call/passive/server_fpu_off/20_words", 20, kPassiveOtherFpuOff},
    {"call/passive/server_above/0_words", 0, kPassiveOtherAbove},
    {"call/passive/server_above/4_words", 4, kPassiveOtherAbove},
    {"call/active/same_vspace/0_words", 0, kActive},
    {"call/active/other_vspace/0_words", 0, kActiveOther},
    {"call/active/other_vspace/4_words", 4, kActiveOther},
    {"call/active/other_vspace/20_words", 20, kActiveOther},
    {"call/active/server_fpu_off/0_words", 0, kActiveOtherFpuOff},
    {"call/active/server_fpu_off/4_words", 4, kActiveOtherFpuOff},
};

// What came back must be what the server made of what was sent, every time.
void check_answers(Row& row, const CallRow& spec, const OneCall& client, const CallServer& server) {
    const Word n = row.passes();
    row.check(client.or_tag == Tag::make(kAnswerLabel, spec.words).word, "every answer has the server's tag");
    const Word word0 = spec.words > 0 ? kFirstWord + 1 : kFirstWord;
    row.check(client.sum_word0 == n * word0, "every answer has word 0 of the request plus one");
    row.check(server.sum_badges == n * kBadge, "the server saw the badge once per call");
    row.check(server.or_tags == Tag::make(kRequestLabel, spec.words).word, "every request has the client's tag");
    if (spec.words > kRegisterWords) {
        row.check(ipc_buffer()->msg[spec.words - 1] == n, "the last word went there and back with each call");
        for (Word i = kRegisterWords; i + 1 < spec.words; ++i) {
            row.check(ipc_buffer()->msg[i] == 77 * i, "the other words came back unchanged");
        }
    }
}

void run(Bench& bench, Row& row, const CallRow& spec) {
    const CPtr endpoint = row.make(seL4_EndpointObject);
    CallServer server{.endpoint = endpoint, .reply = row.make(seL4_ReplyObject)};
    server.answer_tag = Tag::make(kAnswerLabel, spec.words).word;

    Word unused = 0;
    Partner partner;
    // The server adds to the last word in its buffer; the client sends back what it received.
    const auto body = [&server, &unused, words = spec.words] {
        server.counted_word = words > kRegisterWords ? &ipc_buffer()->msg[words - 1] : &unused;
        kos_serve_calls(&server);
    };
    if (!partner.start(bench, row, spec.server, body)) {
        return;
    }
    OneCall client{.in = {.x0 = row.arena().mint(endpoint, kBadge),
                          .tag = Tag::make(kRequestLabel, spec.words).word,
                          .words = {kFirstWord, 2, 3, 4}},
                   .x7 = number(seL4_SysCall),
                   .passes = row.passes()};
    // After the last invocation, which uses the buffer too.
    for (Word i = kRegisterWords; i < spec.words; ++i) {
        ipc_buffer()->msg[i] = i + 1 < spec.words ? 77 * i : 0;
    }
    kos_loop_one(&client);
    check_answers(row, spec, client, server);
    row.result(client.ticks, client.passes, kos_loop_one_instructions + kos_serve_calls_instructions);
}

}  // namespace

void call_rows(Bench& bench) {
    for (const CallRow& spec : kRows) {
        bench.row(spec.name, [&](Row& row) { run(bench, row, spec); });
    }
}

}  // namespace kos::bench
