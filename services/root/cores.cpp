// A passive server runs on the core of whoever it works for. One that answers a caller of this core and finds the next,
// of another, in its queue belongs to that core from then on, and that core has to be told. A kernel that forgets to
// (seL4 16.0.0; its project knows, issue 941) leaves the server in the queue of a core that goes on with what it runs,
// or with nothing, until something else makes it choose. That is tried here, with threads of root's own, before anybody
// depends on it; a kernel that passes costs some microseconds.
#include "cores.h"

#include "console.h"
#include "threads.h"

namespace root {

using namespace kos::sel4;

namespace {

constexpr size_t kStackBytes = 2048;  // these call nothing
constexpr size_t kCoresMax = 8;
constexpr Word kHere = 0, kThere = 1;  // cores
constexpr Word kServerPriority = 100, kClientPriority = 90, kQuietPriority = 80;
// Much more than the interrupt of another core takes, and little of a start.
constexpr Word kPatienceMs = 20;
// Once a millisecond is what such a system waits at most where two cores meet at a server.
constexpr SchedContextParams kNudge{.budget_us = 100, .period_us = 1000};

alignas(16) uint8_t stacks[kCoresMax][kStackBytes];

// The trial.
CPtr endpoint, answer_object;
CPtr server_waits, here_is_served, go_on, there_waits, here_has_answer;
bool has_moved;

void run_server() {
    (void)nb_send_recv(server_waits, Tag{}, {}, endpoint, answer_object);
    (void)nb_send_wait(here_is_served, Tag{}, {}, go_on);  // on the caller's time, which stays here
    (void)reply_recv(endpoint, answer_object, Tag{});
    __atomic_store_n(&has_moved, true, __ATOMIC_RELEASE);
    wait(go_on);
}

void run_here() {
    (void)call(endpoint, Tag{});
    (void)nb_send_wait(here_has_answer, Tag{}, {}, go_on);
}

void run_there() { (void)call(endpoint, Tag{}); }

// Below the one that calls there: runs once that one waits, and leaves nothing to run behind it.
void run_quiet() { (void)nb_send_wait(there_waits, Tag{}, {}, go_on); }

OwnThread make(void (*run)(), unsigned stack, Word core, Word priority) {
    constexpr SchedContextParams kTime{.budget_us = 10000, .period_us = 10000};
    return make_own_thread(run, stacks[stack], nullptr, {core, priority, kTime, kNullCap});
}

bool servers_get_across() {
    endpoint = new_object(seL4_EndpointObject);
    answer_object = new_object(seL4_ReplyObject);
    for (CPtr* const made : {&server_waits, &here_is_served, &go_on, &there_waits, &here_has_answer}) {
        *made = new_object(seL4_NotificationObject);
    }
    OwnThread const server = make(run_server, 0, kHere, kServerPriority);
    OwnThread const here = make(run_here, 1, kHere, kClientPriority);
    OwnThread const there = make(run_there, 2, kThere, kClientPriority);
    OwnThread const quiet = make(run_quiet, 3, kThere, kQuietPriority);

    tcb_resume(server.tcb);
    wait(server_waits);
    sched_context_unbind(server.sched_context);
    tcb_resume(here.tcb);
    wait(here_is_served);
    tcb_resume(there.tcb);
    tcb_resume(quiet.tcb);
    wait(there_waits);
    signal(go_on);
    wait(here_has_answer);

    uint64_t const end = ticks() + ticks_per_second() / 1000 * kPatienceMs;
    while (!__atomic_load_n(&has_moved, __ATOMIC_ACQUIRE) && ticks() < end) {
    }
    for (const OwnThread& thread : {server, here, there, quiet}) tcb_suspend(thread.tcb);
    return has_moved;
}

// Its time coming back is what makes the core choose.
void run_nudge() {
    for (;;) yield();
}

}  // namespace

void prepare_cores() {
    Word const cores = static_cast<Word>(boot_info->numNodes);
    if (cores == 1 || servers_get_across()) return;
    log(Level::kWarning,
        Text().add("this kernel leaves servers behind that go to another core: looked after, each ms"));
    for (Word core = 0; core < cores && core < kCoresMax; ++core) {
        tcb_resume(make_own_thread(run_nudge, stacks[core], nullptr, {core, kKeeperPriority, kNudge, kNullCap}).tcb);
    }
}

}  // namespace root
