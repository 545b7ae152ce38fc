/*
 * Requests, queue messages, time and restarts in any order against the timer.
 */
#include <kos/ports.h>

#include "fuzz.h"
#include "request.h"

#include <memory>

#include "test_host.h"

namespace kos::fuzz {
namespace {

using namespace timer;

enum Step : uint8_t { kCall, kQueued, kTime, kRestart, kNoRoom, kSteps };
constexpr size_t kSavedBytes = 256;

struct Target {
    Target() : memory((kSavedBytes + Alarms::kBytes) / sizeof(uint64_t)) { restart(); }
    void restart() {
        host.kept.clear();
        saved = SavedWall();
        require(saved.open(memory.data(), kSavedBytes) &&
                    alarms.open(memory.data() + kSavedBytes / sizeof(uint64_t), Alarms::kBytes),
                "the memory does not suffice");
        service = std::make_unique<Service>(alarms, saved, host, kHz, 1u << kSetter);
        service->expire(now);
    }
    void step(Reader& input) {
        switch (input.below(kSteps)) {
            case kCall: call(Request(input)); break;
            case kQueued: {
                const Request request(input);
                (void)service->queued(request.caller, request.message.label, request.message.payload,
                                      request.message.payload_bytes, now);
                break;
            }
            case kTime: {
                const uint64_t by = input.value();
                now = by > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + by;
                service->expire(now);
                break;
            }
            case kRestart: restart(); break;
            default: host.no_room = !host.no_room; break;
        }
        for (unsigned domain : host.signalled)
            require(domain < KOS_MAX_DOMAINS, "a domain that does not exist is signalled");
        host.signalled.clear();
        host.woken.clear();
    }
    void call(const Request& request) {
        const size_t before = host.kept.size();
        kos_msg_t answer = {};
        const kos_status_t status = service->call(request.caller, request.message, now, answer);
        require_answer(status, answer, true);
        require(status != KOS_STATUS_NO_REPLY || host.kept.size() <= before + 1, "more callers kept than called");
        require(host.armed > now, "the device is not armed for what is next");
    }

    std::vector<uint64_t> memory;
    Alarms alarms;
    SavedWall saved;
    FakeHost host;
    std::unique_ptr<Service> service;
    uint64_t now = 1000;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target;
    while (!reader.empty()) target.step(reader);
}

std::vector<Buffer> seeds() {
    Writer alarms;
    Request::put_words(alarms.number(kCall), kClient, KOS_TIMER_ALARM, 3, 2000, 0);
    Request::put(alarms.number(kQueued), kClient, KOS_TIMER_ALARM, 0,
                 std::string_view("\4\0\0\0\0\0\0\0\0\x20\0\0\0\0\0\0", 16));
    alarms.number(kTime).value(1000).number(kRestart).number(kTime).value(10000);
    Writer sleepers;
    Request::put(sleepers.number(kCall), kClient, KOS_TIMER_SLEEP, 5000);
    Request::put(sleepers.number(kCall), kClient, KOS_TIMER_SLEEP, 3000);
    Request::put(sleepers.number(kCall), kClient, KOS_TIMER_STATUS, 0);
    sleepers.number(kTime).value(3000);
    Writer wall;
    Request::put_words(wall.number(kCall), kSetter, KOS_TIMER_SET_WALL, uint64_t{1} << 60, 900, 0);
    Request::put(wall.number(kCall), kClient, KOS_TIMER_WALL, 0);
    return {alarms.result(), sleepers.result(), wall.result()};
}

}  // namespace kos::fuzz
