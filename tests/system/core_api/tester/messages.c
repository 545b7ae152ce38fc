// Calls: registers, payloads of all sizes, wrong targets; queues; the directory.
#include "tester.h"

#include "../../common/faults.h"

#include <kos/dir.h>
#include <kos/ports.h>

static unsigned char bytes[KOS_PAYLOAD_MAX];

static void test_payload(kos_slot_t target, uint32_t size) {
    for (uint32_t i = 0; i < size; ++i) bytes[i] = (unsigned char)(i * 7 + size);
    kos_msg_t message = {.label = kPeerEcho, .param = size, .payload = bytes, .payload_bytes = size};
    kos_status_t const status = kos_msg_call(target, &message);
    int const is_same = message.payload_bytes == size && (size == 0 || !memcmp(message.payload, bytes, size));
    check("payload comes back", status == KOS_STATUS_OK && is_same && message.param == size + 1u, size);
}

static void test_wrong_targets(void) {
    kos_slot_t const free_slot = kos_app_startup()->free_slot_end - 1;
    kos_slot_t const wrong[] = {KOS_SLOT_NULL, KOS_SLOT_NOTIFICATION, free_slot, free_slot + 1, 1ull << 40, ~0ull};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        check_status("call through no connection", tell(wrong[i], kPeerEcho, 0), KOS_STATUS_INVALID_TOKEN);
        kos_msg_t message = {.label = kPeerEcho};
        check_status("message through no connection", kos_msg_call(wrong[i], &message), KOS_STATUS_INVALID_TOKEN);
        check_status("ping through no connection", kos_msg_ping(wrong[i]), KOS_STATUS_INVALID_TOKEN);
    }
}

void test_messages(void) {
    uint64_t words[2] = {~0ull, 1}, answer = 0;
    kos_status_t status = ask(peer, kPeerEcho, 41, words, &answer);
    check("registers come back", status == KOS_STATUS_OK && answer == 42 && words[0] == ~0ull, status);
    check("the server knows the caller", words[1] == kos_app_startup()->domain, (int64_t)words[1]);
    static const uint32_t kSizes[] = {0, 1, 7, 8, 4095, 4096};
    for (unsigned i = 0; i < sizeof kSizes / sizeof kSizes[0]; ++i) {
        test_payload(peer, kSizes[i]);
        test_payload(active, kSizes[i]);
    }
    kos_msg_t message = {.label = kPeerEcho, .payload = bytes, .payload_bytes = KOS_PAYLOAD_MAX + 1};
    check_status("payload too large", kos_msg_call(peer, &message), KOS_STATUS_INVALID_ARGUMENT);
    message.payload_bytes = 1;
    check_status("payload to a port without", kos_msg_call(third, &message), KOS_STATUS_INVALID_ARGUMENT);
    check("a message is unchanged on errors of its own", message.label == kPeerEcho && message.payload_bytes == 1, 0);
    check_status("unknown label", tell(peer, 1000, 0), KOS_STATUS_BAD_REQUEST);
    check_status("label beyond all", tell(peer, 0xfffff, 0), KOS_STATUS_BAD_REQUEST);
    check_status("server answers nonsense", tell(peer, kPeerBadAnswer, 0), KOS_STATUS_INTERNAL_ERROR);
    check_status("ping", kos_msg_ping(peer), KOS_STATUS_PONG);
    check_status("ping of an active server", kos_msg_ping(active), KOS_STATUS_PONG);
    test_wrong_targets();
    for (uint64_t kind = 0; kind < 3; ++kind) {
        check_status("server dies in a call", tell(peer, kPeerWrong, kind), KOS_STATUS_PEER_GONE);
        check_status("and is back", tell(peer, kPeerEcho, 1), KOS_STATUS_OK);
        check_status("active server dies in a call", tell(active, kPeerWrong, kind), KOS_STATUS_PEER_GONE);
        check_status("and is back", tell(active, kPeerEcho, 1), KOS_STATUS_OK);
    }
}

// appman, by name. *entry is the answer to STATUS.
static kos_status_t manage(uint64_t label, const char* name, kos_appman_entry_t* entry) {
    kos_slot_t appman = 0;
    kos_status_t const found = kos_dir_request("appman", &appman);
    if (!kos_status_is_ok(found)) return found;
    kos_msg_t message = {.label = label, .payload = name, .payload_bytes = (uint32_t)strlen(name)};
    kos_status_t const status = kos_msg_call(appman, &message);
    if (entry && status == KOS_STATUS_OK && message.payload_bytes == sizeof *entry)
        memcpy(entry, message.payload, sizeof *entry);
    return status;
}

// A domain without ports serves its signals: it is ready, answers health questions, gets an alarm, and ends when asked.
void test_portless(void) {
    kos_appman_entry_t entry = {.state = 0};
    for (unsigned i = 0; i < 100 && entry.state != KOS_APPMAN_READY; ++i) {
        pause_us(10000);
        check_status("status", manage(KOS_APPMAN_STATUS, "portless", &entry), KOS_STATUS_OK);
    }
    check("a domain without ports is ready", entry.state == KOS_APPMAN_READY, entry.state);
    // Longer than its watchdog.
    pause_us(750000);
    manage(KOS_APPMAN_STATUS, "portless", &entry);
    check("and stays so", entry.state == KOS_APPMAN_READY, entry.last_reason);
    check_status("stop it", manage(KOS_APPMAN_STOP, "portless", 0), KOS_STATUS_OK);
    for (unsigned i = 0; i < 100 && entry.state != KOS_APPMAN_STOPPED; ++i) {
        pause_us(10000);
        manage(KOS_APPMAN_STATUS, "portless", &entry);
    }
    check("it stops", entry.state == KOS_APPMAN_STOPPED, entry.state);
    check("having got its alarm", entry.last_reason == KOS_EXIT_DONE, entry.last_reason);
}

static unsigned send_all(kos_slot_t target, uint64_t first) {
    unsigned sent = 0;
    for (uint64_t value = first; kos_msg_send(target, kPeerEcho, &value, sizeof value) == KOS_STATUS_OK; ++value) {
        if (++sent == 1000) break;
    }
    return sent;
}

static void test_queue_while_stopped(kos_slot_t target, const char* name) {
    check_status("stop the server", manage(KOS_APPMAN_STOP, name, 0), KOS_STATUS_OK);
    pause_us(400000);
    check("a queue takes so many messages", send_all(target, 1) == KOS_QUEUE_ENTRIES, 0);
    uint64_t value = 0;
    check_status("then it is full", kos_msg_send(target, kPeerEcho, &value, sizeof value), KOS_STATUS_FULL);
    check_status("start the server", manage(KOS_APPMAN_START, name, 0), KOS_STATUS_OK);
    uint64_t words[2] = {0, 0}, count = 0;
    kos_status_t const status = ask(target, kPeerQueue, 0, words, &count);
    check("what waited has arrived", status == KOS_STATUS_OK && count == KOS_QUEUE_ENTRIES, (int64_t)count);
    check("in order", words[0] == KOS_QUEUE_ENTRIES && words[1] == 0, (int64_t)words[1]);
}

void test_queues(void) {
    unsigned char large[KOS_QUEUE_INLINE_BYTES + 1] = {0};
    check_status("too long for a queue", kos_msg_send(active, 1, large, sizeof large), KOS_STATUS_INVALID_ARGUMENT);
    check_status("no queue", kos_msg_send(third, 1, large, 8), KOS_STATUS_INVALID_ARGUMENT);
    check_status("as long as may be", kos_msg_send(active, 1, large, KOS_QUEUE_INLINE_BYTES), KOS_STATUS_OK);
    test_queue_while_stopped(active, "peer_active");
    test_queue_while_stopped(peer, "peer");
    uint64_t const total = 500;
    uint64_t before = 0, words[2] = {0, 0}, now = 0;
    ask(active, kPeerQueue, 0, words, &before);
    for (uint64_t value = words[0] + 1, sent = 0; sent < total;) {
        kos_status_t const status = kos_msg_send(active, kPeerEcho, &value, sizeof value);
        if (status == KOS_STATUS_OK) ++value, ++sent;
        if (status == KOS_STATUS_FULL) kos_thread_yield();
        if (status != KOS_STATUS_OK && status != KOS_STATUS_FULL) break;
    }
    for (unsigned i = 0; i < 100 && now < before + total; ++i) {
        pause_us(1000);
        ask(active, kPeerQueue, 0, words, &now);
    }
    check("many messages arrive in order", now == before + total && words[1] == 0, (int64_t)(now - before));
}

void test_directory(void) {
    kos_slot_t slot = 0;
    check_status("query what is bound", kos_dir_query("peer"), KOS_STATUS_OK);
    check_status("query without right", kos_dir_query("gpio"), KOS_STATUS_UNAUTHORIZED);
    check_status("request without right", kos_dir_request("gpio", &slot), KOS_STATUS_UNAUTHORIZED);
    check_status("request of no port", kos_dir_request("", &slot), KOS_STATUS_UNAUTHORIZED);
    check_status("bind a foreign port", kos_dir_bind("peer"), KOS_STATUS_UNAUTHORIZED);
    check_status("unbind a foreign port", kos_dir_unbind("peer"), KOS_STATUS_UNAUTHORIZED);
    // The server of this port starts late and is not waited for.
    check_status("query what is late", kos_dir_query("late"), KOS_STATUS_NOT_FOUND);
    check_status("not there at once", kos_dir_request_until("late", 0, &slot), KOS_STATUS_NOT_FOUND);
    kos_status_t const status = kos_dir_request_until("late", kos_time_after_us(5000), &slot);
    check_status("not there in time", status, KOS_STATUS_TIMEOUT);
    check_status("waits for a server that comes late", kos_dir_request("late", &slot), KOS_STATUS_OK);
    check_status("and can be called", tell(slot, kPeerEcho, 0), KOS_STATUS_OK);
    kos_slot_t again = 0;
    check("the same slot the next time", kos_dir_request("late", &again) == KOS_STATUS_OK && again == slot, 0);
    check_status("and is bound", kos_dir_query("late"), KOS_STATUS_OK);
}
