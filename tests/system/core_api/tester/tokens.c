// Tokens: made, used, passed on, revoked, used up; what is left of them when the server dies.
#include "tester.h"

#include "../../common/faults.h"

#include <kos/thread.h>

static kos_status_t make_token(kos_slot_t server, uint64_t number, uint32_t flags, uint16_t holder,
                               kos_token_t* token) {
    kos_msg_t message = {.label = kPeerTokenMake, .param = number, .words = {flags, holder}, .has_words = 1};
    kos_status_t const status = kos_msg_call(server, &message);
    *token = kos_status_is_ok(status) ? message.token : 0;
    return status;
}

// A message without payload to a server, with a token.
static kos_status_t pass_on(kos_slot_t to, kos_token_t token) {
    kos_msg_t message = {.label = kPeerTokenKeep, .token = token};
    return kos_msg_call(to, &message);
}

static void test_use(kos_slot_t server) {
    kos_token_t token = 0;
    uint64_t words[2] = {0, 0}, answer = 0;
    check_status("make a token", make_token(server, 7, 0, 0, &token), KOS_STATUS_CREATED);
    kos_status_t status = ask(token, kPeerWho, 0, words, &answer);
    check("the server knows the token", status == KOS_STATUS_OK && answer == 7, (int64_t)answer);
    check("and the caller", words[0] == kos_app_startup()->domain, (int64_t)words[0]);
    static const char kText[] = "through the connection's window";
    kos_msg_t message = {.label = kPeerEcho, .payload = kText, .payload_bytes = sizeof kText};
    status = kos_msg_call(token, &message);
    check("a payload through a token",
          status == KOS_STATUS_OK && message.payload_bytes == sizeof kText &&
              !memcmp(message.payload, kText, sizeof kText),
          status);
    kos_token_t second = 0;
    check_status("a number in use", make_token(server, 7, 0, 0, &second), KOS_STATUS_CONFLICT);
    check_status("revoke it", tell(server, kPeerTokenRevoke, 7), KOS_STATUS_OK);
    check_status("a revoked token", tell(token, kPeerWho, 0), KOS_STATUS_INVALID_TOKEN);
    check_status("revoke what is gone", tell(server, kPeerTokenRevoke, 7), KOS_STATUS_NOT_FOUND);
    kos_msg_token_delete(token);
    check_status("the number is free again", make_token(server, 7, 0, 0, &token), KOS_STATUS_CREATED);
    check("and the slot", token != 0 && tell(token, kPeerWho, 0) == KOS_STATUS_OK, (int64_t)token);
    tell(server, kPeerTokenRevoke, 7);
    kos_msg_token_delete(token);
    check_status("number 0", make_token(server, 0, 0, 0, &token), KOS_STATUS_INVALID_ARGUMENT);
    check_status("number too large", make_token(server, 1ull << 39, 0, 0, &token), KOS_STATUS_INVALID_ARGUMENT);
    check_status("unknown flags", make_token(server, 8, 1, 0, &token), KOS_STATUS_INVALID_ARGUMENT);
    check_status("for who may not call", make_token(server, 8, 0, 1, &token), KOS_STATUS_UNAUTHORIZED);
    check_status("for nobody", make_token(server, 8, 0, 60000, &token), KOS_STATUS_UNAUTHORIZED);
}

static void test_single_use(kos_slot_t server) {
    kos_token_t token = 0;
    check_status("make one for single use", make_token(server, 9, KOS_TOKEN_SINGLE_USE, 0, &token), KOS_STATUS_CREATED);
    uint64_t words[2] = {0, 0}, answer = 0;
    kos_status_t const status = ask(token, kPeerWho, 0, words, &answer);
    check("its first use", status == KOS_STATUS_OK && answer == 9, (int64_t)answer);
    check_status("its second use", tell(token, kPeerWho, 0), KOS_STATUS_INVALID_TOKEN);
    kos_msg_token_delete(token);
}

static void test_passing_on(void) {
    kos_token_t token = 0;
    uint64_t words[2] = {0, 0}, answer = 0;
    check_status("make a token to pass on", make_token(peer, 11, 0, 0, &token), KOS_STATUS_CREATED);
    check_status("pass it on", pass_on(third, token), KOS_STATUS_OK);
    ask(third, kPeerTokenCall, 0, words, &answer);
    check("the third domain can use it", answer == KOS_STATUS_OK && words[0] == 11, (int64_t)answer);
    check("as the one it was made for", words[1] == kos_app_startup()->domain, (int64_t)words[1]);
    kos_msg_token_delete(token);
    ask(third, kPeerTokenCall, 0, words, &answer);
    check("also when that one has given it back", answer == KOS_STATUS_OK, (int64_t)answer);
    check_status("revoke it", tell(peer, kPeerTokenRevoke, 11), KOS_STATUS_OK);
    ask(third, kPeerTokenCall, 0, words, &answer);
    check("wherever it is", answer == KOS_STATUS_INVALID_TOKEN, (int64_t)answer);
    check_status("the third gives it back", tell(third, kPeerTokenDrop, 0), KOS_STATUS_OK);
    for (unsigned i = 0; i < 600; ++i) {
        kos_status_t const made = make_token(peer, 12, 0, 0, &token);
        kos_status_t const passed = pass_on(third, token);
        kos_status_t const dropped = tell(third, kPeerTokenDrop, 0);
        kos_status_t const revoked = tell(peer, kPeerTokenRevoke, 12);
        if (made != KOS_STATUS_CREATED || passed != KOS_STATUS_OK || dropped != KOS_STATUS_OK ||
            revoked != KOS_STATUS_OK) {
            check_status("no slot is lost: made", made, KOS_STATUS_CREATED);
            check_status("no slot is lost: passed", passed, KOS_STATUS_OK);
            check_status("no slot is lost: dropped", dropped, KOS_STATUS_OK);
            check_status("no slot is lost: revoked", revoked, KOS_STATUS_OK);
            check("no slot is lost", 0, i);
            break;
        }
        kos_msg_token_delete(token);
    }
    check_status("600 tokens later", tell(third, kPeerEcho, 0), KOS_STATUS_OK);
    check_status("no token where none is expected", pass_on(third, kos_app_startup()->free_slot_end),
                 KOS_STATUS_INVALID_TOKEN);
}

// A token that comes back to its maker is told by its number; the slot where others arrive stays free.
static void test_own(kos_slot_t server) {
    kos_token_t token = 0, other = 0;
    uint64_t words[2] = {0, 0}, port = 0;
    ask(server, kPeerWho, 0, words, &port);
    port = words[1];
    check_status("make a token to send back", make_token(server, 15, 0, 0, &token), KOS_STATUS_CREATED);
    for (unsigned i = 0; i < 3; ++i) {
        kos_msg_t message = {.label = kPeerTokenOwn, .token = token};
        check_status("its maker gets it", kos_msg_call(server, &message), KOS_STATUS_OK);
        check("and knows which it is", message.param == 15 && message.words[0] == port, (int64_t)message.param);
        check("and whom it is for", message.words[1] == kos_app_startup()->domain, (int64_t)message.words[1]);
    }
    kos_msg_t through = {.label = kPeerTokenOwn, .token = token};
    check_status("also through the token itself", kos_msg_call(token, &through), KOS_STATUS_OK);
    check("the same", through.param == 15, (int64_t)through.param);
    kos_msg_t connection = {.label = kPeerTokenOwn, .token = server};
    check_status("a connection to the maker", kos_msg_call(server, &connection), KOS_STATUS_OK);
    check("is number 0", connection.param == 0 && connection.words[0] == port, (int64_t)connection.param);
    check_status("one for single use", make_token(server, 16, KOS_TOKEN_SINGLE_USE, 0, &other), KOS_STATUS_CREATED);
    kos_msg_t single = {.label = kPeerTokenOwn, .token = other};
    check_status("may be shown", kos_msg_call(server, &single), KOS_STATUS_OK);
    check("by its number", single.param == 16, (int64_t)single.param);
    check_status("and used afterwards", tell(other, kPeerWho, 0), KOS_STATUS_OK);
    kos_msg_token_delete(other);
    check_status("a token of another", make_token(third, 17, 0, 0, &other), KOS_STATUS_CREATED);
    kos_msg_t foreign = {.label = kPeerTokenOwn, .token = other};
    check_status("is none of its own", kos_msg_call(server, &foreign), KOS_STATUS_NOT_FOUND);
    kos_msg_t none = {.label = kPeerTokenOwn};
    check_status("nor is none", kos_msg_call(server, &none), KOS_STATUS_NOT_FOUND);
    tell(third, kPeerTokenRevoke, 17);
    kos_msg_token_delete(other);
    tell(server, kPeerTokenRevoke, 15);
    kos_msg_token_delete(token);
}

// A token in an answer is given away: the maker's slot is free again, the token is good until it is revoked.
static void test_giving(kos_slot_t server) {
    kos_token_t tokens[3];
    uint64_t slots[3];
    for (unsigned i = 0; i < 3; ++i) {
        kos_msg_t message = {.label = kPeerTokenMake, .param = 30 + i, .has_words = 1};
        check_status("make one and keep it", kos_msg_call(server, &message), KOS_STATUS_CREATED);
        tokens[i] = message.token;
        slots[i] = message.words[0];
    }
    check("the maker uses one slot for all", slots[0] == slots[1] && slots[1] == slots[2], (int64_t)slots[2]);
    for (unsigned i = 0; i < 3; ++i) {
        check_status("each of them is good", tell(tokens[i], kPeerWho, 0), KOS_STATUS_OK);
        check_status("until it is revoked", tell(server, kPeerTokenRevoke, 30 + i), KOS_STATUS_OK);
        check_status("then not any more", tell(tokens[i], kPeerWho, 0), KOS_STATUS_INVALID_TOKEN);
        kos_msg_token_delete(tokens[i]);
    }
}

// A call inside a handler does not change where the next token arrives.
static void test_call_before(void) {
    kos_token_t token = 0;
    uint64_t words[2] = {0, 0}, answer = 0;
    check_status("a server calls another", tell(third, kPeerBind, 0), KOS_STATUS_OK);
    check_status("a token", make_token(peer, 14, 0, 0, &token), KOS_STATUS_CREATED);
    check_status("and gets a token then", pass_on(third, token), KOS_STATUS_OK);
    ask(third, kPeerTokenCall, 0, words, &answer);
    check("which is the one that was sent", answer == KOS_STATUS_OK && words[0] == 14, (int64_t)answer);
    tell(third, kPeerTokenDrop, 0);
    tell(peer, kPeerTokenRevoke, 14);
    kos_msg_token_delete(token);
}

static kos_token_t waiting_token;
static volatile kos_status_t waiting_status;
static void wait_with_token(void* nothing) {
    (void)nothing;
    waiting_status = tell(waiting_token, kPeerWho, 0);
}
static volatile kos_status_t hang_status;
static void hang_server(void* nothing) {
    (void)nothing;
    hang_status = tell(peer, kPeerWrong, kFaultHang);
}

// A call through a token waits in the endpoint while the server is destroyed: it may not reach the next instance.
static void test_death(void) {
    kos_token_t token = 0;
    check_status("a token of this instance", make_token(peer, 13, 0, 0, &token), KOS_STATUS_CREATED);
    check_status("the server dies", tell(peer, kPeerWrong, kFaultNullWrite), KOS_STATUS_PEER_GONE);
    check_status("and its tokens with it", tell(token, kPeerWho, 0), KOS_STATUS_INVALID_TOKEN);
    kos_msg_token_delete(token);
    check_status("a token of the next", make_token(peer, 13, 0, 0, &waiting_token), KOS_STATUS_CREATED);
    kos_thread_t *hanger = 0, *waiter = 0;
    check_status("a thread", kos_thread_create(hang_server, 0, 0, &hanger), KOS_STATUS_CREATED);
    check_status("another", kos_thread_create(wait_with_token, 0, 0, &waiter), KOS_STATUS_CREATED);
    kos_thread_start(hanger);
    pause_us(2000);
    kos_thread_start(waiter);
    check_status("join", kos_thread_join(hanger), KOS_STATUS_OK);
    check_status("join the other", kos_thread_join(waiter), KOS_STATUS_OK);
    check_status("a server that hangs", hang_status, KOS_STATUS_PEER_GONE);
    check_status("a call that waited with its token", waiting_status, KOS_STATUS_INVALID_TOKEN);
    kos_msg_token_delete(waiting_token);
}

static void test_limit(void) {
    uint64_t words[2] = {0, 0}, made = 0;
    kos_status_t const status = ask(peer, kPeerTokenMany, 1000, words, &made);
    check("as many tokens as may be", status == KOS_STATUS_OK && made == KOS_MAX_TOKENS, (int64_t)made);
    check_status("and why not more", (kos_status_t)words[0], KOS_STATUS_AT_TOKEN_LIMIT);
    kos_token_t token = 0;
    check_status("not one more", make_token(peer, 999, 0, 0, &token), KOS_STATUS_AT_TOKEN_LIMIT);
    check_status("but another server can", make_token(active, 999, 0, 0, &token), KOS_STATUS_CREATED);
    tell(active, kPeerTokenRevoke, 999);
    kos_msg_token_delete(token);
    tell(peer, kPeerWrong, kFaultNullWrite);
    check_status("a new instance can", make_token(peer, 999, 0, 0, &token), KOS_STATUS_CREATED);
    kos_msg_token_delete(token);
}

void test_tokens(void) {
    test_use(peer);
    test_use(active);
    test_single_use(peer);
    test_single_use(active);
    test_own(peer);
    test_own(active);
    test_giving(peer);
    test_giving(active);
    test_passing_on();
    test_call_before();
    test_death();
    test_limit();
}
