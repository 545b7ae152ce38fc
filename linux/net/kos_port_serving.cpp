// Ports that programs serve: calls and casts of native clients.
#include "net/kos_port_connection.h"
#include "net/kos_ports.h"
#include "task/system.h"

#include <kos/status.h>

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {
constexpr Nanoseconds kLookAgain = 100'000'000;
constexpr uint64_t kTokenMax = (uint64_t{1} << 39) - 1;
}  // namespace

void KosPorts::listens(size_t index, UnixSocket* listener) {
    Served& served = served_[index];
    served.listener = listener;
    has_work_ = true;
    if (!listener) {
        served.inode = {};
        return;
    }
    casts_wait_ = true;
    if (is_serving_) return;
    uint32_t const status = platform_.serve();
    is_serving_ = kos_status_is_ok(status);
    if (!is_serving_) {
        system_.platform.report("ports cannot be served: no thread (the manifest's threads and replies)");
    }
}

// The connection that a client domain's messages for a port travel on; made if somebody listens. nullptr: not now.
PortConnection* KosPorts::connection_to_program(unsigned port, uint16_t domain) {
    for (const auto& connection : connections_) {
        bool const is_it = connection->is_served && connection->port == port && connection->domain == domain;
        // One that has been shut down finds its end in `pump`.
        if (is_it && !connection->is_closed && !connection->is_cut()) return connection.get();
    }
    UnixSocket* const listener = served_[port].listener;
    if (!listener || connections_.size() >= kConnectionsMax) return nullptr;
    Ref<UnixSocket> const end = UnixSocket::make_for_system(system_.frames);
    if (!end->connect_for_system(*listener).ok()) return nullptr;
    return add_connection(end, port, true, domain, {});
}

bool KosPorts::deliver(PortRequest& request) {
    PortConnection* const connection = connection_to_program(request.port, request.domain);
    if (!connection || !connection->has_room()) return false;
    const PortMessage& message = request.message;
    kos_port_record_t head{};
    head.kind = KOS_PORT_CALL;
    head.label = static_cast<uint32_t>(message.label);
    head.call_id = last_call_ + 1;
    head.param = message.param;
    head.token = request.token;
    if (message.has_words) {
        head.flags |= KOS_PORT_WORDS;
        head.words[0] = message.words[0];
        head.words[1] = message.words[1];
    }
    Ref<File> file;
    if (message.token) {
        file =
            show_token(static_cast<unsigned>(platform_.used().size()), make_ref<HeldToken>(platform_, message.token));
        request.message.token = 0;
        if (!file) {
            finish(request, KOS_STATUS_AT_TOKEN_LIMIT);
            return true;
        }
        head.flags |= KOS_PORT_TOKEN;
    }
    bool const had_file = static_cast<bool>(file);
    if (!connection->send(head, {message.payload, message.payload_bytes}, std::move(file))) {
        if (!had_file) return false;
        finish(request, KOS_STATUS_NOT_ENOUGH_MEMORY);  // the token has been given back
        return true;
    }
    ++last_call_;
    request.call_id = head.call_id;
    request.connection = connection;
    request.is_waiting = false;
    request.since = system_.timers.now();
    ++connection->calls;
    return true;
}

void KosPorts::request(PortRequest& request) {
    request.connection = nullptr;
    request.is_waiting = true;
    request.since = system_.timers.now();
    requests_.push_back(&request);
    has_work_ = true;
}

void KosPorts::deliver_waiting() {
    std::vector<PortRequest*> waiting;
    for (PortRequest* const request : requests_) {
        if (request->is_waiting) waiting.push_back(request);
    }
    for (PortRequest* const request : waiting) (void)deliver(*request);
}

bool KosPorts::cast(unsigned port, uint16_t domain, uint64_t label, std::span<const std::byte> bytes) {
    PortConnection* const connection = connection_to_program(port, domain);
    kos_port_record_t head{};
    head.kind = KOS_PORT_CAST;
    head.label = static_cast<uint32_t>(label);
    if (connection && connection->has_room() && connection->send(head, bytes)) return true;
    casts_wait_ = true;
    watch_times();
    return false;
}

void KosPorts::finish(PortRequest& request, uint32_t status) {
    std::erase(requests_, &request);
    if (request.connection) --request.connection->calls;
    if (request.message.token) platform_.delete_token(std::exchange(request.message.token, 0));
    (void)platform_.answer(request, {.status = status});
}

uint32_t KosPorts::take_reply(PortConnection& connection, Received& record) {
    const kos_port_record_t& head = record.head;
    auto const found = std::find_if(requests_.begin(), requests_.end(), [&](const PortRequest* each) {
        return each->connection == &connection && each->call_id == head.call_id;
    });
    // Too late, or never asked for.
    if (found == requests_.end()) return KOS_STATUS_NOT_FOUND;
    PortRequest& request = **found;
    bool const is_status = head.label >= KOS_STATUS_OK && head.label < 256 && head.label != KOS_STATUS_NO_REPLY;
    bool const makes_token = head.flags & KOS_PORT_NEW_TOKEN;
    const PortPlatform::Port& port = platform_.served()[connection.port];
    bool const is_valid = is_status && record.payload.size() <= port.payload_max &&
                          (!makes_token || (head.token <= kTokenMax && port.has_tokens));
    if (!is_valid) {
        finish(request, KOS_STATUS_INTERNAL_ERROR);
        return KOS_STATUS_BAD_REQUEST;
    }
    static PortMessage message;
    message.label = head.label;
    message.param = head.param;
    message.words[0] = head.words[0];
    message.words[1] = head.words[1];
    message.has_words = head.flags & KOS_PORT_WORDS;
    message.token = 0;
    message.payload_bytes = static_cast<uint32_t>(record.payload.size());
    if (!record.payload.empty()) memcpy(message.payload, record.payload.data(), record.payload.size());
    std::erase(requests_, &request);
    --connection.calls;
    return platform_.answer(request, {.status = head.label,
                                      .message = &message,
                                      .new_token = makes_token ? head.token : 0,
                                      .is_single_use = (head.flags & KOS_PORT_SINGLE_USE) != 0});
}

// The program has closed the connection: whoever waits for an answer will not get one.
void KosPorts::lose_requests(const PortConnection& connection) {
    std::vector<PortRequest*> lost;
    for (PortRequest* const request : requests_) {
        if (request->connection == &connection) lost.push_back(request);
    }
    for (PortRequest* const request : lost) finish(*request, KOS_STATUS_PEER_GONE);
}

void KosPorts::expired() {
    Nanoseconds const now = system_.timers.now();
    std::vector<PortRequest*> late;
    for (PortRequest* const request : requests_) {
        if (now - request->since >= (request->is_waiting ? limits_.wait : limits_.answer)) late.push_back(request);
    }
    for (PortRequest* const request : late) {
        finish(*request, request->is_waiting ? KOS_STATUS_UNAVAILABLE : KOS_STATUS_TIMEOUT);
    }
    has_work_ = true;
}

void KosPorts::watch_times() {
    if (requests_.empty() && !casts_wait_) return cancel();
    if (!is_set()) system_.timers.set(*this, system_.timers.now() + kLookAgain);
}

}  // namespace kos::lx
