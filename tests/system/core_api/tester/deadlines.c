// Deadlines of calls, and callers that are answered later.
#include "tester.h"

#include "../../common/faults.h"

#include <kos/thread.h>

static kos_status_t call_for(kos_slot_t target, uint64_t label, uint64_t param, uint64_t us) {
    kos_msg_t message = {.label = label, .param = param};
    return kos_msg_call_until(target, &message, kos_time_after_us(us));
}

static volatile kos_status_t deferred_status[2], busy_status, late_status;
static void wait_for_release(void* index) { deferred_status[(uintptr_t)index] = tell(active, kPeerDefer, 0); }
static void keep_busy(void* target) { busy_status = tell((kos_slot_t)(uintptr_t)target, kPeerSpin, 60000); }
static void call_late(void* target) { late_status = call_for((kos_slot_t)(uintptr_t)target, kPeerDefer, 0, 20000); }

static void run(kos_thread_fn_t fn, void* param, kos_thread_t** thread) {
    *thread = 0;
    check_status("make a thread", kos_thread_create(fn, param, 0, thread), KOS_STATUS_CREATED);
    if (*thread) check_status("start it", kos_thread_start(*thread), KOS_STATUS_OK);
}

static void test_deferred(void) {
    kos_thread_t* threads[2];
    for (uintptr_t i = 0; i < 2; ++i) run(wait_for_release, (void*)i, &threads[i]);
    pause_us(30000);
    uint64_t words[2] = {0, 0}, count = 0;
    check_status("the server goes on while callers wait", tell(active, kPeerEcho, 0), KOS_STATUS_OK);
    kos_status_t const status = ask(active, kPeerRelease, KOS_STATUS_CONFLICT, words, &count);
    check("it answers them later", status == KOS_STATUS_OK && count == 2, (int64_t)count);
    for (unsigned i = 0; i < 2; ++i) {
        kos_thread_join(threads[i]);
        check_status("what it wants", deferred_status[i], KOS_STATUS_CONFLICT);
    }
    check_status("a passive server cannot", tell(peer, kPeerDefer, 0), KOS_STATUS_CONFLICT);
    for (uintptr_t i = 0; i < 2; ++i) run(wait_for_release, (void*)i, &threads[i]);
    pause_us(100000);
    check_status("the server dies", tell(active, kPeerWrong, kFaultNullWrite), KOS_STATUS_PEER_GONE);
    for (unsigned i = 0; i < 2; ++i) {
        kos_thread_join(threads[i]);
        check_status("and all who wait know", deferred_status[i], KOS_STATUS_PEER_GONE);
    }
}

static void test_in_service(void) {
    check_status("in time", call_for(active, kPeerEcho, 0, 1000000), KOS_STATUS_OK);
    check_status("a deadline that has passed", call_for(active, kPeerDefer, 0, 0), KOS_STATUS_TIMEOUT);
    check_status("an active server does not answer", call_for(active, kPeerDefer, 0, 20000), KOS_STATUS_TIMEOUT);
    check_status("it works for others", tell(active, kPeerEcho, 0), KOS_STATUS_OK);
    uint64_t words[2] = {0, 0}, count = 0;
    kos_status_t const status = ask(active, kPeerRelease, KOS_STATUS_OK, words, &count);
    // The one whose deadline had passed may have been taken out of the queue before the server saw it.
    check("answers to who has gone", status == KOS_STATUS_OK && (count == 1 || count == 2), (int64_t)count);
    for (unsigned i = 0; i < 20; ++i) {
        kos_status_t const late = call_for(peer, kPeerSpin, 60000, 1000);
        kos_status_t const next = tell(peer, kPeerEcho, 0);
        if (late != KOS_STATUS_TIMEOUT || next != KOS_STATUS_OK) {
            check_status("again and again: late", late, KOS_STATUS_TIMEOUT);
            check_status("again and again: next", next, KOS_STATUS_OK);
            break;
        }
    }
    check_status("a passive server takes too long", call_for(peer, kPeerSpin, 60000, 1000), KOS_STATUS_TIMEOUT);
    check_status("and goes on", tell(peer, kPeerEcho, 0), KOS_STATUS_OK);
    uint64_t instance = 0;
    ask(peer, kPeerState, 0, words, &instance);
    static uint64_t first_instance;
    first_instance = instance;
    check_status("a deadline is over with its call", call_for(active, kPeerEcho, 0, 5000), KOS_STATUS_OK);
    pause_us(30000);
    check_status("and touches no other", tell(peer, kPeerSpin, 60000), KOS_STATUS_OK);
    ask(peer, kPeerState, 0, words, &instance);
    check("no server was restarted for this", instance == first_instance, (int64_t)instance);
}

static void test_in_queue(kos_slot_t target) {
    kos_thread_t* thread;
    busy_status = 0;
    run(keep_busy, (void*)(uintptr_t)target, &thread);
    pause_us(2000);
    kos_status_t const status = call_for(target, kPeerEcho, 0, 1000);
    // The server may have been quicker if this domain had to wait for its period.
    check("in the server's queue", status == KOS_STATUS_TIMEOUT || status == KOS_STATUS_OK, status);
    kos_thread_join(thread);
    check_status("the one before is served", busy_status, KOS_STATUS_OK);
    check_status("and the one after", tell(target, kPeerEcho, 0), KOS_STATUS_OK);
}

// Each thread has its own: the deadline of another one does not end this one's call.
static void test_of_threads(void) {
    kos_thread_t* thread;
    run(call_late, (void*)(uintptr_t)active, &thread);
    pause_us(1000);
    uint64_t words[2] = {0, 0}, count = 0;
    check_status("a call without deadline", tell(peer, kPeerSpin, 50000), KOS_STATUS_OK);
    check_status("join", kos_thread_join_until(thread, kos_time_after_us(2000000)), KOS_STATUS_OK);
    check_status("the other's ended", late_status, KOS_STATUS_TIMEOUT);
    ask(active, kPeerRelease, KOS_STATUS_OK, words, &count);
    check("it had reached the server", count == 1, (int64_t)count);
}

static void defer_with_payload(void* target) {
    char text[8] = "payload";
    kos_msg_t message = {.label = kPeerDefer, .payload = text, .payload_bytes = sizeof text};
    late_status = kos_msg_call((kos_slot_t)(uintptr_t)target, &message);
}

// Two threads of a domain share a connection's window: who waits for the other one to give it back waits no longer than
// its deadline.
static void test_window(void) {
    kos_thread_t* thread;
    late_status = 0;
    run(defer_with_payload, (void*)(uintptr_t)active, &thread);
    pause_us(30000);
    uint64_t const from = kos_time_us();
    check_status("another thread has the window", call_for(active, kPeerEcho, 0, 50000), KOS_STATUS_TIMEOUT);
    uint64_t const took = kos_time_us() - from;
    check("no longer than the deadline", took >= 50000 && took < 500000, (int64_t)took);
    uint64_t words[2] = {0, 0}, count = 0;
    kos_status_t const status = ask(active, kPeerRelease, KOS_STATUS_OK, words, &count);
    check("it is given back", status == KOS_STATUS_OK && count == 1, (int64_t)count);
    kos_thread_join(thread);
    check_status("its call was not touched", late_status, KOS_STATUS_OK);
    check_status("and it can be had", call_for(active, kPeerEcho, 0, 1000000), KOS_STATUS_OK);
}

// A second thread of the server serves while the first one is busy.
static void test_two_threads(void) {
    check_status("a second thread serves", tell(active, kPeerServe, 0), KOS_STATUS_OK);
    pause_us(30000);
    kos_thread_t* thread;
    busy_status = 0;
    run(keep_busy, (void*)(uintptr_t)active, &thread);
    pause_us(5000);
    unsigned served = 0;
    for (unsigned i = 0; i < 20; ++i) served += tell(active, kPeerEcho, i) == KOS_STATUS_OK;
    check("both serve", served == 20, served);
    kos_thread_join(thread);
    check_status("also the busy one", busy_status, KOS_STATUS_OK);
    check_status("they end together", tell(active, kPeerWrong, kFaultNullWrite), KOS_STATUS_PEER_GONE);
    check_status("and one begins anew", tell(active, kPeerEcho, 0), KOS_STATUS_OK);
}

// A thread is stopped while a passive server runs on its time.
static void test_stopped_caller(void) {
    for (unsigned i = 0; i < 5; ++i) {
        kos_thread_t* thread;
        run(keep_busy, (void*)(uintptr_t)peer, &thread);
        pause_us(1000);
        check_status("stop a thread in a call", kos_thread_stop(thread), KOS_STATUS_OK);
        check_status("the server finishes and goes on", tell(peer, kPeerEcho, 0), KOS_STATUS_OK);
    }
}

void test_deadlines(void) {
    test_deferred();
    test_in_service();
    test_in_queue(peer);
    test_in_queue(active);
    test_of_threads();
    test_window();
    test_stopped_caller();
    test_two_threads();
}
