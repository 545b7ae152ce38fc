// The functions of libkos that bindings call, within one process.
#include "transport.h"

#include <kos/dir.h>

#include <cstring>
#include <string>

namespace kos::idl::testing {

void Kept::set(const kos_msg_t& message) {
    std::unique_ptr<uint8_t[]> copy;
    if (message.payload_bytes != 0) {
        copy = std::make_unique<uint8_t[]>(message.payload_bytes);
        std::memcpy(copy.get(), message.payload, message.payload_bytes);
    }
    message_ = message;
    message_.payload = copy.get();
    payload_ = std::move(copy);
}

Transport& transport() {
    static Transport instance;
    return instance;
}

namespace {

// As libkos does it: what the server does not take in registers, it gets as a message.
kos_status_t serve(kos_server_t* server, const kos_msg_t& request, bool is_words, kos_msg_t& answer) {
    Transport& t = transport();
    if (is_words && server->call_words) {
        kos_words_t words = {};
        const kos_status_t status = server->call_words(server, &t.caller, request.label, request.param,
                                                       request.words[0], request.words[1], &words);
        if (status != 0) {
            ++t.words_served;
            answer.param = words.param;
            answer.words[0] = words.words[0];
            answer.words[1] = words.words[1];
            answer.has_words = 1;
            return status;
        }
    }
    return server->call(server, &t.caller, &request, &answer);
}

// Has the request served; the answer is in last_answer.
kos_status_t exchange(const kos_msg_t& sent, bool is_words) {
    Transport& t = transport();
    t.last_request.set(sent);
    t.deferred_status.reset();
    kos_msg_t answer = {};
    // The server's own copy, which is gone afterwards.
    const Kept request(sent);
    kos_status_t status = t.answer_instead ? t.answer_instead(request.get(), answer)
                          : t.server       ? serve(t.server, request.get(), is_words, answer)
                                           : static_cast<kos_status_t>(KOS_STATUS_UNAVAILABLE);
    if (status == KOS_STATUS_NO_REPLY && t.deferred_status) {
        status = *t.deferred_status;
        answer = t.deferred_answer.get();
    }
    t.last_answer.set(answer);
    t.last_status = status;
    return status;
}

}  // namespace

}  // namespace kos::idl::testing

using kos::idl::testing::exchange;
using kos::idl::testing::transport;

kos_status_t kos_msg_call(kos_slot_t, kos_msg_t* message) {
    ++transport().calls;
    if (message->payload_bytes > KOS_PAYLOAD_MAX) return KOS_STATUS_INVALID_ARGUMENT;
    const kos_status_t status = exchange(*message, false);
    *message = transport().last_answer.get();
    message->label = status;
    return status;
}

kos_status_t kos_msg_call_words(kos_slot_t, uint64_t label, uint64_t* param, uint64_t words[2]) {
    ++transport().words_calls;
    kos_msg_t message = {};
    message.label = label;
    message.param = *param;
    message.words[0] = words[0];
    message.words[1] = words[1];
    message.has_words = 1;
    const kos_status_t status = exchange(message, true);
    const kos_msg_t& answer = transport().last_answer.get();
    if (answer.payload_bytes != 0 || answer.token != 0) return KOS_STATUS_PEER_INVALID;
    *param = answer.param;
    words[0] = answer.has_words ? answer.words[0] : 0;
    words[1] = answer.has_words ? answer.words[1] : 0;
    return status;
}

kos_status_t kos_msg_send(kos_slot_t, uint64_t label, const void* bytes, size_t size_bytes) {
    auto& t = transport();
    ++t.sends;
    if (size_bytes > KOS_QUEUE_INLINE_BYTES) return KOS_STATUS_INVALID_ARGUMENT;
    kos_msg_t message = {};
    message.label = label;
    message.payload = bytes;
    message.payload_bytes = static_cast<uint32_t>(size_bytes);
    t.last_request.set(message);
    const kos::idl::testing::Kept copy(message);
    if (t.server && t.server->queued) t.server->queued(t.server, &t.caller, label, copy.get().payload, size_bytes);
    return KOS_STATUS_OK;
}

kos_status_t kos_msg_token_create(const char*, uint64_t number, uint32_t flags, uint16_t, kos_token_t* token) {
    transport().created_number = number;
    transport().created_flags = flags;
    *token = 1000 + number;
    return KOS_STATUS_CREATED;
}

kos_status_t kos_msg_token_delete(kos_token_t token) {
    transport().deleted.push_back(token);
    return KOS_STATUS_OK;
}

kos_status_t kos_dir_request(const char* port, kos_slot_t* connection) {
    transport().requested_port = port;
    *connection = 77;
    return KOS_STATUS_OK;
}

kos_status_t kos_server_run(kos_server_t* server) {
    transport().server = server;
    return KOS_STATUS_OK;
}

kos_status_t kos_server_defer(kos_server_t*, const kos_caller_t* caller, kos_deferred_t* deferred) {
    ++transport().defers;
    *deferred = {5, *caller};
    return KOS_STATUS_OK;
}

void kos_server_answer(const kos_deferred_t*, kos_status_t status, const kos_msg_t* answer) {
    transport().deferred_status = status;
    transport().deferred_answer.set(answer ? *answer : kos_msg_t{});
}
