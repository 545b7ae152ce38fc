// Calls and casts of programs to native servers.
#include "net/kos_port_connection.h"
#include "net/kos_ports.h"
#include "task/system.h"

#include <kos/status.h>

#include <string.h>

namespace kos::lx {

PortJob* KosPorts::free_job() {
    for (PortJob& job : platform_.jobs()) {
        if (!job.is_running) return &job;
    }
    return nullptr;
}

// A thread is free, and one is left for each other port with connections that has none.
bool KosPorts::may_call(unsigned port, bool is_small) const {
    if (!is_small && used_[port].uses_window) return false;
    size_t free = 0;
    for (const PortJob& job : platform_.jobs()) free += !job.is_running;
    if (free == 0 || used_[port].busy == 0) return free != 0;
    size_t without = 0;
    for (const Used& other : used_) without += other.connections != 0 && other.busy == 0;
    return free > without;
}

void KosPorts::start(PortJob& job, PortConnection& connection) {
    job.is_running = true;
    job.port = connection.port;
    job.connection = &connection;
    job.status = 0;
    job.is_answer = false;
    job.epoch = used_[connection.port].epoch;
    ++used_[connection.port].busy;
    bool const has_window =
        connection.port < platform_.used().size() && platform_.used()[connection.port].payload_max != 0;
    if (job.is_call && !job.is_small && has_window) used_[connection.port].uses_window = true;
    platform_.start(job);
}

void KosPorts::find_server(PortConnection& connection) {
    if (connection.is_finding) return;
    PortJob* const job = may_call(connection.port, true) ? free_job() : nullptr;
    if (!job) {
        connection.is_blocked = true;
        return;
    }
    connection.is_finding = true;
    job->is_call = false;
    job->time_ms = KOS_PORT_TIME_MS;
    start(*job, connection);
}

// Which token a program means by one of its connections.
uint32_t KosPorts::token_of(const Ref<File>& file, Ref<HeldToken>& token) const {
    Socket* const socket = file->as_socket();
    if (!socket || socket->family() != kAF_UNIX) return KOS_STATUS_INVALID_TOKEN;
    UnixSocket* const end = static_cast<UnixSocket*>(socket)->peer();
    for (const auto& connection : connections_) {
        if (connection->end.get() == end && connection->token) {
            token = connection->token;
            return KOS_STATUS_OK;
        }
    }
    return KOS_STATUS_INVALID_TOKEN;
}

uint32_t KosPorts::take_call(PortConnection& connection, Received& record) {
    Ref<HeldToken> sent;
    if (record.file) {
        if (uint32_t const status = token_of(record.file, sent); !kos_status_is_ok(status)) return status;
    }
    bool const is_of_client = connection.port >= platform_.used().size();
    size_t const most = is_of_client ? 0 : platform_.used()[connection.port].payload_max;
    if (record.payload.size() > most) return KOS_STATUS_INVALID_ARGUMENT;
    if (!is_of_client && platform_.used()[connection.port].is_send_only) return KOS_STATUS_UNAUTHORIZED;
    PortJob* const job = free_job();
    if (!job) return KOS_STATUS_FULL;
    job->is_call = true;
    job->is_small = record.head.flags & KOS_PORT_SMALL;
    job->target = connection.token ? connection.token->name : 0;
    job->time_ms = record.head.time_ms ? record.head.time_ms : uint32_t{KOS_PORT_TIME_MS};
    job->call_id = record.head.call_id;
    job->used_token = connection.token;
    job->sent_token = sent;
    PortMessage& message = job->message;
    message.label = record.head.label;
    message.param = record.head.param;
    message.words[0] = record.head.words[0];
    message.words[1] = record.head.words[1];
    message.has_words = record.head.flags & KOS_PORT_WORDS;
    message.token = sent ? sent->name : 0;
    message.payload_bytes = static_cast<uint32_t>(record.payload.size());
    if (!record.payload.empty()) memcpy(message.payload, record.payload.data(), record.payload.size());
    ++connection.calls;
    start(*job, connection);
    return KOS_STATUS_OK;
}

uint32_t KosPorts::take_cast(PortConnection& connection, Received& record) {
    if (record.payload.size() > KOS_PORT_CAST_MAX) return KOS_STATUS_INVALID_ARGUMENT;
    bool const has_queue =
        connection.port < platform_.used().size() && platform_.used()[connection.port].has_queue && !connection.token;
    if (!has_queue) return KOS_STATUS_NOT_IMPLEMENTED;
    return platform_.cast(connection.port, record.head.label, record.payload);
}

Ref<File> KosPorts::show_token(unsigned port, Ref<HeldToken> token) {
    if (connections_.size() >= kConnectionsMax) return {};
    Ref<UnixSocket> const ours = UnixSocket::make_for_system(system_.frames);
    Ref<UnixSocket> const theirs = UnixSocket::make_for_system(system_.frames);
    UnixSocket::join_for_system(*ours, *theirs);
    if (!add_connection(ours, port, false, 0, std::move(token))) return {};
    return theirs;
}

void KosPorts::give_answer(PortJob& job, PortConnection& connection) {
    const PortMessage& message = job.message;
    kos_port_record_t head{};
    head.kind = KOS_PORT_REPLY;
    head.label = job.status;
    head.call_id = job.call_id;
    head.param = message.param;
    if (message.has_words) {
        head.flags |= KOS_PORT_WORDS;
        head.words[0] = message.words[0];
        head.words[1] = message.words[1];
    }
    Ref<File> file;
    if (message.token) {
        // Given back at once if nobody can have it.
        file = show_token(job.port, make_ref<HeldToken>(platform_, message.token));
        if (!file) return connection.send_status(job.call_id, KOS_STATUS_AT_TOKEN_LIMIT);
        head.flags |= KOS_PORT_TOKEN;
    }
    // What cannot be told (memory is used up) must not look as if it were still under way.
    if (!connection.send(head, {message.payload, message.payload_bytes}, std::move(file))) connection.is_closed = true;
}

void KosPorts::job_done(PortJob& job) {
    Used& used = used_[job.port];
    --used.busy;
    if (job.is_call && !job.is_small) used.uses_window = false;
    job.is_running = false;
    has_work_ = true;
    for (const auto& connection : connections_) {
        if (connection->is_blocked) connection->make_ready();
    }
    PortConnection* const connection = std::exchange(job.connection, nullptr);
    job.used_token = job.sent_token = {};
    if (!job.is_call) {
        if (kos_status_is_ok(job.status)) used.is_found = true;
        if (connection) {
            connection->is_finding = false;
            if (!kos_status_is_ok(job.status)) connection->failure = job.status;
            connection->make_ready();
        }
        return;
    }
    if (job.is_answer) used.is_found = used.is_found || !job.target;
    if (connection) {
        --connection->calls;
        if (job.is_answer) {
            give_answer(job, *connection);
        } else {
            connection->send_status(job.call_id, job.status);
        }
    } else if (job.is_answer && job.message.token) {
        platform_.delete_token(job.message.token);
    }
    if (job.status == KOS_STATUS_PEER_GONE && job.epoch == used.epoch) {
        ++used.epoch;
        for (const auto& each : connections_) {
            if (each->is_served || each->port != job.port) continue;
            each->owes_gone = true;
            each->make_ready();
        }
    }
}

}  // namespace kos::lx
