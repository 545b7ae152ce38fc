/*
 * Requests, queue messages, time and restarts in any order against the directory.
 */
#include <kos/ports.h>

#include "fuzz.h"
#include "request.h"

#include <memory>

#include "test_directory.h"

namespace kos::fuzz {
namespace {

using namespace directory;

enum Step : uint8_t { kCall, kQueued, kTime, kRestart, kNoRoom, kSteps };

struct Target {
    Target() : memory(512) { restart(); }
    void restart() {
        saved = SavedState();
        require(saved.open(memory.data(), memory.size() * sizeof memory[0]), "the memory does not suffice");
        callers.kept.clear();
        directory = std::make_unique<Directory>(introductions, saved, callers);
    }
    void step(Reader& input) {
        switch (input.below(kSteps)) {
            case kCall: call(Request(input)); break;
            case kQueued: {
                const Request request(input);
                (void)directory->queued(request.caller, request.message.label, request.message.payload,
                                        request.message.payload_bytes);
                break;
            }
            case kTime: {
                const uint64_t by = input.value();
                now = by > UINT64_MAX - now ? UINT64_MAX : now + by;
                directory->expire(now);
                require(now == UINT64_MAX || directory->next_deadline() > now, "somebody waits beyond the deadline");
                break;
            }
            case kRestart: restart(); break;
            default: callers.no_room = !callers.no_room; break;
        }
    }
    void call(const Request& request) {
        const size_t before = callers.kept.size();
        kos_msg_t answer = {};
        const kos_status_t status = directory->call(request.caller, request.message, now, answer);
        require_answer(status, answer, true);
        require(status != KOS_STATUS_NO_REPLY || callers.kept.size() <= before + 1, "more callers kept than called");
        const bool may_have_token = request.caller.domain == kClient || request.caller.domain == kOther;
        require(answer.token == 0 || may_have_token, "a connection for somebody without a right to it");
    }

    std::vector<uint64_t> memory;
    std::vector<kos_startup_introduction_t> introductions = test_introductions();
    SavedState saved;
    FakeCallers callers;
    std::unique_ptr<Directory> directory;
    uint64_t now = 1000;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target;
    while (!reader.empty()) target.step(reader);
}

std::vector<Buffer> seeds() {
    Writer waits;
    Request::put_words(waits.number(kCall), kClient, KOS_DIR_REQUEST, kPort, UINT64_MAX, 0);
    Request::put_words(waits.number(kCall), kClient, KOS_DIR_REQUEST, kPort, 2000, 0);
    waits.number(kTime).value(2000);
    Request::put(waits.number(kQueued), kServer, KOS_DIR_BIND, 0, std::string_view("\2\0\0\0\1\0\0\0", 8));
    Writer changes;
    Request::put_words(changes.number(kCall), kServer, KOS_DIR_BIND, kSecondPort, 1, 0);
    Request::put(changes.number(kCall), kOther, KOS_DIR_QUERY, kSecondPort);
    Request::put_words(changes.number(kCall), kOther, KOS_DIR_SUBSCRIBE, kSecondPort, 1, 0);
    changes.number(kRestart);
    Request::put(changes.number(kQueued), kAppman, KOS_DIR_DOMAIN_DOWN, 0, std::string_view("\2\0\0\0\1\0\0\0", 8));
    Request::put(changes.number(kCall), kServer, KOS_DIR_UNBIND, kSecondPort);
    return {waits.result(), changes.result()};
}

}  // namespace kos::fuzz
