// Connections: making, reading records, ends. Calls: kos_port_calls.cpp, kos_port_serving.cpp.
#include "net/kos_ports.h"

#include "net/kos_port_connection.h"
#include "task/system.h"

#include <kos/status.h>

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr size_t kHeadBytes = sizeof(kos_port_record_t);
static_assert(kHeadBytes == 56);
constexpr unsigned kRecordsAtOnce = 64;
constexpr uint32_t kFlagsOfCalls = KOS_PORT_WORDS | KOS_PORT_TOKEN | KOS_PORT_SMALL;
constexpr uint32_t kFlagsOfReplies = KOS_PORT_WORDS | KOS_PORT_NEW_TOKEN | KOS_PORT_SINGLE_USE;

uint32_t known_flags(uint16_t kind) {
    switch (kind) {
        case KOS_PORT_CALL: return kFlagsOfCalls;
        case KOS_PORT_REPLY: return kFlagsOfReplies;
        default: return 0;
    }
}

bool is_all_zero(const kos_port_record_t& head) { return head.param == 0 && head.words[0] == 0 && head.words[1] == 0; }

// What every kind has in common.
bool is_well_formed(const kos_port_record_t& head, size_t payload_bytes, bool has_file) {
    if (head.version != KOS_PORT_VERSION || head.flags & ~known_flags(head.kind)) return false;
    if (has_file != ((head.flags & KOS_PORT_TOKEN) != 0)) return false;
    bool const has_words = head.flags & KOS_PORT_WORDS;
    if (!has_words && (head.words[0] != 0 || head.words[1] != 0)) return false;
    switch (head.kind) {
        case KOS_PORT_CALL:
            if (head.flags & KOS_PORT_SMALL && (payload_bytes || has_file)) return false;
            return head.token == 0 && head.time_ms <= KOS_PORT_TIME_MAX_MS;
        case KOS_PORT_CAST: return head.token == 0 && head.time_ms == 0 && is_all_zero(head);
        case KOS_PORT_REPLY: return head.time_ms == 0 && (head.token == 0) == !(head.flags & KOS_PORT_NEW_TOKEN);
        case KOS_PORT_REVOKE: return payload_bytes == 0 && head.label == 0 && head.time_ms == 0 && is_all_zero(head);
        default: return false;
    }
}

}  // namespace

// --- Records

bool PortConnection::send(kos_port_record_t head, std::span<const std::byte> payload, Ref<File> file) {
    static std::byte bytes[kHeadBytes + KOS_PORT_PAYLOAD_MAX];
    head.version = KOS_PORT_VERSION;
    memcpy(bytes, &head, kHeadBytes);
    if (!payload.empty()) memcpy(bytes + kHeadBytes, payload.data(), payload.size());
    LocalBuffer buffer(bytes, kHeadBytes + payload.size());
    std::vector<Ref<File>> files;
    if (file) files.push_back(std::move(file));
    return end->send_for_system(buffer, std::move(files)).ok();
}

void PortConnection::send_status(uint64_t call_id, uint32_t status) {
    kos_port_record_t head{};
    head.kind = KOS_PORT_STATUS;
    head.label = status;
    head.call_id = call_id;
    (void)send(head, {});  // to a program that does not read what it has done wrong: nothing
}

// --- The hub

class KosPorts::Listener final : public WaitEntry {
public:
    Listener(KosPorts& ports, FrameSource& frames) : socket(UnixSocket::make_for_system(frames)), ports_(ports) {
        socket->listen_for_system(kBacklog);
        socket->queue().add(*this);
    }
    bool woken(uint32_t) override {
        has_pending = true;
        ports_.has_work_ = true;
        return true;
    }
    Ref<UnixSocket> const socket;
    bool has_pending = false;

private:
    KosPorts& ports_;
};

KosPorts::KosPorts(System& system, PortPlatform& platform, Limits limits)
    : system_(system), platform_(platform), limits_(limits), served_(platform.served().size()) {
    for (size_t i = 0; i < platform.used().size(); ++i) {
        used_.push_back({.listener = std::make_unique<Listener>(*this, system.frames)});
    }
    used_.emplace_back();
}

KosPorts::~KosPorts() {
    for (PortJob& job : platform_.jobs()) job.used_token = job.sent_token = {};
}

HeldToken::~HeldToken() { platform_.delete_token(name); }

UnixSocket& KosPorts::listener_of(size_t index) { return *used_[index].listener->socket; }

PortConnection* KosPorts::add_connection(Ref<UnixSocket> end, unsigned port, bool is_served, uint16_t domain,
                                         Ref<HeldToken> token) {
    auto made = std::make_unique<PortConnection>(*this, std::move(end), port);
    made->is_served = is_served;
    made->domain = domain;
    made->token = std::move(token);
    made->make_ready();
    bool const is_of_client = !is_served && port >= platform_.used().size();
    kos_port_record_t hello{};
    hello.kind = KOS_PORT_HELLO;
    std::string name;
    if (!is_of_client) {
        const PortPlatform::Port& about = is_served ? platform_.served()[port] : platform_.used()[port];
        hello.label = about.payload_max;
        if (about.has_queue) hello.flags |= KOS_PORT_HAS_QUEUE;
        if (about.has_tokens) hello.flags |= KOS_PORT_HAS_TOKENS;
        name = is_served ? platform_.client_name(domain) : about.name;
    }
    hello.param = is_served ? 0 : platform_.jobs().size();
    hello.words[0] = domain;
    if (!made->send(hello, std::as_bytes(std::span(name)))) return nullptr;
    if (!is_served) ++used_[port].connections;
    connections_.push_back(std::move(made));
    return connections_.back().get();
}

void KosPorts::accept(unsigned port) {
    Listener& listener = *used_[port].listener;
    while (connections_.size() < kConnectionsMax) {
        SocketAddress peer;
        auto made = listener.socket->accept(peer);
        if (!made.ok()) {
            listener.has_pending = false;
            return;
        }
        add_connection(ref_cast<UnixSocket>(*made), port, false, 0, {});
    }
}

// Takes the next record out of the socket; false: there is none. `refusal`: it is nothing that can be understood.
bool KosPorts::receive(PortConnection& connection, Received& record, uint32_t& refusal) {
    static std::byte bytes[kHeadBytes + KOS_PORT_PAYLOAD_MAX + 1];
    LocalBuffer buffer(bytes, sizeof bytes);
    SocketMessage message;
    message.flags = kMSG_DONTWAIT;
    auto const length = connection.end->receive_for_system(buffer, message);
    if (!length.ok()) return false;
    size_t files = 0;
    for (ControlMessage& control : message.control) {
        files += control.files.size();
        if (!control.files.empty()) record.file = control.files.front();
    }
    refusal = KOS_STATUS_BAD_REQUEST;
    if (*length < kHeadBytes) return true;
    memcpy(&record.head, bytes, kHeadBytes);
    if (*length == sizeof bytes || files > 1) return true;
    record.payload = {bytes + kHeadBytes, *length - kHeadBytes};
    if (is_well_formed(record.head, record.payload.size(), files != 0)) refusal = KOS_STATUS_OK;
    return true;
}

// Whether the record at the front can be dealt with now.
uint32_t KosPorts::may_take(PortConnection& connection, const kos_port_record_t& head, bool& is_ready) {
    is_ready = true;
    if (connection.is_served) return KOS_STATUS_OK;
    // Also room for a status.
    if (!connection.has_room()) {
        is_ready = false;
    } else if (head.kind == KOS_PORT_CALL && connection.port < platform_.used().size() &&
               platform_.used()[connection.port].is_send_only) {
        return KOS_STATUS_OK;  // to be refused: no thread would ever be free for it
    } else if (head.kind == KOS_PORT_CALL && !may_call(connection.port, head.flags & KOS_PORT_SMALL)) {
        connection.is_blocked = true;
        is_ready = false;
    } else if (head.kind == KOS_PORT_CAST && connection.port < platform_.used().size()) {
        if (uint32_t const failed = std::exchange(connection.failure, 0u)) return failed;
        if (used_[connection.port].is_found || platform_.used()[connection.port].is_send_only) return KOS_STATUS_OK;
        is_ready = false;
        find_server(connection);
    }
    return KOS_STATUS_OK;
}

void KosPorts::take(PortConnection& connection, Received& record) {
    uint32_t status = KOS_STATUS_BAD_REQUEST;
    if (connection.is_served) {
        if (record.head.kind == KOS_PORT_REPLY) status = take_reply(connection, record);
        if (record.head.kind == KOS_PORT_REVOKE) status = platform_.revoke_token(connection.port, record.head.token);
    } else {
        if (record.head.kind == KOS_PORT_CALL) status = take_call(connection, record);
        if (record.head.kind == KOS_PORT_CAST) status = take_cast(connection, record);
    }
    if (!kos_status_is_ok(status)) connection.send_status(record.head.call_id, status);
}

// At most one record; whether there may be more to do.
bool KosPorts::pump(PortConnection& connection) {
    if (connection.owes_gone && connection.has_room()) {
        kos_port_record_t gone{};
        gone.kind = KOS_PORT_GONE;
        if (connection.send(gone, {})) connection.owes_gone = false;
    }
    if (connection.owes_notice && connection.has_room()) {
        kos_port_record_t notice{};
        notice.kind = KOS_PORT_NOTICE;
        if (connection.send(notice, {})) connection.owes_notice = false;
    }
    kos_port_record_t head{};
    LocalBuffer buffer(&head, kHeadBytes);
    SocketMessage peek;
    peek.flags = kMSG_PEEK | kMSG_DONTWAIT;
    auto const there = connection.end->receive_for_system(buffer, peek);
    if (there.error() == Errno::kECONNRESET) return true;  // told once: the program has left something unread
    if (!there.ok()) {
        // Of a program that has closed its end all is read now.
        if (connection.is_cut() || there.error() != Errno::kEAGAIN) connection.is_closed = true;
        return false;
    }
    bool is_ready = true;
    bool const has_kind = *there == kHeadBytes && head.version == KOS_PORT_VERSION;
    uint32_t const failed = has_kind ? may_take(connection, head, is_ready) : KOS_STATUS_OK;
    if (!is_ready || (!connection.is_served && !connection.has_room())) {
        // Nobody will ever read what it is told.
        if (connection.is_cut() && !connection.is_blocked && !connection.is_finding) connection.is_closed = true;
        return false;
    }
    Received record;
    uint32_t refusal = 0;
    if (!receive(connection, record, refusal)) return false;
    if (kos_status_is_ok(refusal) && !kos_status_is_ok(failed)) refusal = failed;
    if (kos_status_is_ok(refusal)) {
        take(connection, record);
    } else {
        connection.send_status(record.head.call_id, refusal);
    }
    return true;
}

void KosPorts::notice(std::string_view port) {
    for (const auto& connection : connections_) {
        bool const is_used = !connection->is_served && connection->port < platform_.used().size();
        if (!is_used || platform_.used()[connection->port].name != port) continue;
        connection->owes_notice = true;
        connection->make_ready();
    }
}

void KosPorts::run() {
    has_work_ = false;
    for (unsigned port = 0; port < platform_.used().size(); ++port) {
        if (used_[port].listener->has_pending) accept(port);
    }
    if (std::exchange(casts_wait_, false)) platform_.take_casts();
    deliver_waiting();
    unsigned left = kRecordsAtOnce;
    for (bool goes_on = true; goes_on && left;) {
        goes_on = false;
        size_t const count = connections_.size();
        next_ = count ? (next_ + 1) % count : 0;
        for (size_t i = 0; i < count && left; ++i) {
            PortConnection& connection = *connections_[(next_ + i) % count];
            if (!connection.is_ready || connection.is_closed) continue;
            connection.is_ready = connection.is_blocked = false;
            if (!pump(connection)) continue;
            connection.is_ready = goes_on = true;
            --left;
        }
    }
    if (left == 0) has_work_ = true;
    bury_closed();
    watch_times();
}

void KosPorts::bury_closed() {
    bool has_room = false;
    for (size_t i = 0; i < connections_.size();) {
        PortConnection& connection = *connections_[i];
        if (!connection.is_closed) {
            ++i;
            continue;
        }
        for (PortJob& job : platform_.jobs()) {
            if (job.connection == &connection) job.connection = nullptr;
        }
        if (connection.is_served) {
            lose_requests(connection);
        } else {
            --used_[connection.port].connections;
        }
        std::swap(connections_[i], connections_.back());
        connections_.pop_back();
        has_room = true;
    }
    if (!has_room) return;
    for (const auto& connection : connections_) {
        if (connection->is_blocked) connection->make_ready();
    }
    for (Used& used : used_) {
        if (used.listener && used.listener->has_pending) has_work_ = true;
    }
}

}  // namespace kos::lx
