/*
 * Requests, events of root and time in any order against appman's requests and the supervisor behind them.
 */
#include "fuzz.h"
#include "request.h"

#include "test_appman.h"

namespace kos::fuzz {
namespace {

using namespace appman;

enum Step : uint8_t { kCall, kReady, kEnded, kTime, kRootRefuses, kSteps };

struct Target : TestAppman {
    Target() { root.rules = rules.get(); }
    void step(Reader& input) {
        switch (input.below(kSteps)) {
            case kCall: {
                const Request request(input);
                answer = {};
                require_answer(requests->call(request.caller, request.message, now, answer), answer);
                break;
            }
            // Root tells only of domains that exist; their instance may be an old one.
            case kReady: {
                const unsigned domain = 1 + input.below(KOS_MAX_DOMAINS - 1);
                const auto instance = static_cast<uint32_t>(input.value());
                if (root.runs(domain) && instance == root.instances[domain]) root.states[domain] = KOS_DOMAIN_READY;
                supervisor->ready(domain, instance, now);
                break;
            }
            case kEnded: {
                const unsigned domain = 1 + input.below(KOS_MAX_DOMAINS - 1);
                const auto instance = static_cast<uint32_t>(input.value());
                if (instance == root.instances[domain]) root.states[domain] = KOS_DOMAIN_STOPPED;
                supervisor->ended(domain, instance, input.number(), now);
                break;
            }
            case kTime: {
                const uint64_t by = input.value();
                now += by > (uint64_t{1} << 40) ? uint64_t{1} << 40 : by;
                break;
            }
            default:
                root.start_status = input.below(2) ? KOS_STATUS_OK : KOS_STATUS_NOT_ENOUGH_MEMORY;
                root.kill_status = input.below(2) ? KOS_STATUS_OK : KOS_STATUS_UNAVAILABLE;
                break;
        }
        supervisor->run(now);
        require((requests->take_due() & ~bit(kAgent)) == 0, "somebody is told who may see nothing");
        require(supervisor->next_wake() > now, "what is due is not done");
        require(supervisor->mode() < manifest->mode_count, "no such mode");
        root.calls.clear();
        root.downs.clear();
        root.incidents.clear();
    }

    uint64_t now = 0;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target;
    while (!reader.empty()) target.step(reader);
}

std::vector<Buffer> seeds() {
    Writer requests;
    Request::put(requests.number(kCall), kAgent, KOS_APPMAN_LIST, 0);
    Request::put(requests.number(kCall), kAgent, KOS_APPMAN_STATUS, 0, "pump");
    Request::put(requests.number(kCall), kAgent, KOS_APPMAN_WATCH, 0);
    Request::put(requests.number(kCall), kAgent, KOS_APPMAN_STOP, 0, "pump");
    Request::put(requests.number(kCall), kAgent, KOS_APPMAN_START, 0, "pump");
    Request::put(requests.number(kCall), kAgent, KOS_APPMAN_MODE, 0, "reserve");
    Writer events;
    events.number(kReady).number<uint8_t>(kPump - 1).value(1);
    Request::put(events.number(kCall), kAgent, KOS_APPMAN_RESTART, 0, "pump");
    events.number(kTime).value(100).number(kEnded).number<uint8_t>(kPump - 1).value(1).number<uint8_t>(KOS_EXIT_DONE);
    events.number(kRootRefuses).number<uint8_t>(0).number<uint8_t>(0).number(kTime).value(5000);
    return {requests.result(), events.result()};
}

}  // namespace kos::fuzz
