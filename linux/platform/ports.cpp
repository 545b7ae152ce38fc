// Native threads for /run/kos (ports.h).
#include "platform/ports.h"

#include <kos/app.h>
#include <kos/dir.h>
#include <kos/sync.h>
#include <kos/time.h>

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

template <class T>
std::span<const T> entries(const kos_startup_t& startup, const kos_startup_table_t& table) {
    return {reinterpret_cast<const T*>(reinterpret_cast<uintptr_t>(&startup) + table.offset), table.count};
}

// Of the personality alone: it must never wait for a program that uses the same connection.
bool is_private(const char* port) { return strcmp(port, "console") == 0 || strcmp(port, "directory") == 0; }

// PEER_GONE is what root answers in the server's place.
bool is_of_server(kos_status_t status) {
    return status != KOS_STATUS_PEER_GONE && status != KOS_STATUS_PEER_INVALID && status != KOS_STATUS_TIMEOUT;
}

}  // namespace

NativePorts::NativePorts(const kos_startup_t& startup) : startup_(startup) {
    uint32_t const others = startup.threads_max - 1;
    uint32_t const receivers = startup.ports.count && others ? 1 : 0;
    job_count_ = others - receivers;
    find_ports();
    find_texts();
}

void NativePorts::find_ports() {
    for (const auto& one : entries<kos_startup_connection_t>(startup_, startup_.connections)) {
        if (is_private(one.name)) continue;
        Port port;
        port.name = one.name;
        port.payload_max = one.window ? uint32_t{KOS_PAYLOAD_MAX} : 0;
        port.has_queue = one.queue != 0;
        port.has_tokens = one.flags & KOS_CONNECTION_TOKENS;
        port.is_send_only = one.flags & KOS_CONNECTION_SEND_ONLY;
        // Without threads only what needs none: sending to a server that nobody has to be asked for.
        if (job_count_ == 0) {
            if (!port.has_queue || (!one.slot && !port.is_send_only)) continue;
            port.is_send_only = true;
        }
        used_.push_back(std::move(port));
    }
    for (const auto& one : entries<kos_startup_port_t>(startup_, startup_.ports)) {
        Port port;
        port.name = one.name;
        // What its clients' connections have, which are all alike.
        for (const auto& client : entries<kos_startup_client_t>(startup_, startup_.clients)) {
            if (client.port != one.port) continue;
            if (client.window) port.payload_max = KOS_PAYLOAD_MAX;
            port.has_queue |= client.queue != 0;
            port.has_tokens |= (client.flags & KOS_CONNECTION_TOKENS) != 0;
        }
        served_.push_back(std::move(port));
        served_numbers_.push_back(one.port);
    }
}

void NativePorts::find_texts() {
    for (const auto& one : entries<kos_startup_parameter_t>(startup_, startup_.parameters)) {
        const char* const text = reinterpret_cast<const char*>(&startup_) + one.value.offset;
        parameters_.push_back({one.name, std::string(text, one.value.length)});
    }
    facts_ = {{"generation", std::to_string(startup_.generation)},
              {"instance", std::to_string(startup_.instance)},
              {"name", startup_.name},
              {"number", std::to_string(startup_.domain)}};
}

KosPorts::Limits NativePorts::limits() {
    constexpr Nanoseconds kMillisecond = 1'000'000;
    auto const parameter = [](const char* name, Nanoseconds otherwise) {
        uint64_t const value = kos_app_parameter_number(name, static_cast<uint64_t>(otherwise / kMillisecond));
        return static_cast<Nanoseconds>(std::min(value, uint64_t{KOS_PORT_TIME_MAX_MS})) * kMillisecond;
    };
    KosPorts::Limits limits;
    limits.wait = parameter("port_wait_ms", limits.wait);
    limits.answer = parameter("port_answer_ms", limits.answer);
    return limits;
}

Status NativePorts::initialise() {
    jobs_ = std::make_unique<PortJob[]>(job_count_);
    workers_ = std::make_unique<Worker[]>(job_count_);
    for (unsigned i = 0; i < job_count_; ++i) {
        jobs_[i].worker = i;
        workers_[i].ports = this;
        workers_[i].job = &jobs_[i];
        auto const run = [](void* param) {
            Worker& worker = *static_cast<Worker*>(param);
            worker.ports->work(worker);
        };
        bool const made = kos_status_is_ok(kos_thread_create(run, &workers_[i], 0, &workers_[i].thread)) &&
                          kos_status_is_ok(kos_thread_start(workers_[i].thread));
        if (!made) return Errno::kENOMEM;
    }
    return {};
}

// --- Calls to native servers

void NativePorts::start(PortJob& job) {
    Worker& worker = workers_[job.worker];
    worker.turn.store(Turn::kThread);
    kos_thread_unpark(kos_thread_number(worker.thread));
}

void NativePorts::work(Worker& worker) {
    for (;;) {
        while (worker.turn.load() != Turn::kThread) kos_thread_park();
        execute(*worker.job);
        worker.turn.store(Turn::kDone);
        kos_thread_signal_server();
    }
}

void NativePorts::execute(PortJob& job) const {
    constexpr uint64_t kMillisecondsPerSecond = 1000;
    uint64_t const deadline = kos_time_ticks() + kos_time_hz() / kMillisecondsPerSecond * job.time_ms;
    kos_slot_t target = job.target;
    if (!target) {
        job.status = kos_dir_request_until(used_[job.port].name.c_str(), deadline, &target);
        if (!job.is_call || !kos_status_is_ok(job.status)) return;
    }
    PortMessage& message = job.message;
    if (job.is_small) {
        uint64_t param = message.param, words[2] = {message.words[0], message.words[1]};
        job.status = kos_msg_call_words_until(target, message.label, &param, words, deadline);
        message.param = param;
        message.words[0] = words[0];
        message.words[1] = words[1];
        message.has_words = true;
        message.token = message.payload_bytes = 0;
        job.is_answer = is_of_server(job.status);
        return;
    }
    kos_msg_t call{};
    call.label = message.label;
    call.param = message.param;
    call.words[0] = message.words[0];
    call.words[1] = message.words[1];
    call.has_words = message.has_words;
    call.payload = message.payload;
    call.payload_bytes = message.payload_bytes;
    call.token = message.token;
    call.reserved[0] = 1;  // an answer replaces the whole message, this mark too
    job.status = kos_msg_call_until(target, &call, deadline);
    job.is_answer = call.reserved[0] == 0 && is_of_server(job.status);
    if (!job.is_answer) return;
    message.label = call.label;
    message.param = call.param;
    message.words[0] = call.words[0];
    message.words[1] = call.words[1];
    message.has_words = call.has_words;
    message.token = call.token;
    message.payload_bytes = call.payload_bytes;
    if (call.payload_bytes) memcpy(message.payload, call.payload, call.payload_bytes);
}

uint32_t NativePorts::cast(unsigned port, uint64_t label, std::span<const std::byte> bytes) {
    kos_slot_t target = 0;
    // Known already: does not ask the directory.
    kos_status_t const found = kos_dir_request_until(used_[port].name.c_str(), 0, &target);
    return kos_status_is_ok(found) ? kos_msg_send(target, label, bytes.data(), bytes.size()) : found;
}

void NativePorts::delete_token(uint64_t token) { (void)kos_msg_token_delete(token); }

void NativePorts::collect() {
    for (size_t i = 0; i < job_count_; ++i) {
        if (workers_[i].turn.load() != Turn::kDone) continue;
        workers_[i].turn.store(Turn::kServer);
        hub_->job_done(jobs_[i]);
    }
    // In the order in which they have come.
    for (;;) {
        Incoming* first = nullptr;
        for (size_t i = 0; i < incoming_count_; ++i) {
            Incoming& one = incoming_[i];
            if (one.place.load() != Place::kArrived) continue;
            if (!first || one.order < first->order) first = &one;
        }
        if (!first) return;
        first->place.store(Place::kTaken);
        hub_->request(first->request);
    }
}

// --- Calls of native clients

unsigned NativePorts::served_index(uint32_t port) const {
    auto const found = std::find(served_numbers_.begin(), served_numbers_.end(), port);
    return static_cast<unsigned>(found - served_numbers_.begin());
}

std::string NativePorts::client_name(uint16_t domain) {
    for (const auto& client : entries<kos_startup_client_t>(startup_, startup_.clients)) {
        if (client.domain == domain) return client.name;
    }
    return {};
}

uint32_t NativePorts::serve() {
    if (startup_.threads_max < 2) return KOS_STATUS_FULL;
    incoming_count_ = startup_.replies.count;
    incoming_ = std::make_unique<Incoming[]>(incoming_count_);
    loop_.context = this;
    loop_.call = [](kos_server_t* loop, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t*) {
        return static_cast<NativePorts*>(loop->context)->arrived(loop, *caller, *request);
    };
    auto const run = [](void* param) {
        // Ends with an error only: what it needs is not there.
        kos_status_t const status = kos_server_run(&static_cast<NativePorts*>(param)->loop_);
        kos_stop(kos_status_name(status));
    };
    kos_status_t const made = kos_thread_create(run, this, 0, &receiver_);
    return kos_status_is_ok(made) ? kos_thread_start(receiver_) : made;
}

// In the receiving thread.
kos_status_t NativePorts::arrived(kos_server_t* server, const kos_caller_t& caller, const kos_msg_t& request) {
    Incoming* free = nullptr;
    for (size_t i = 0; i < incoming_count_ && !free; ++i) {
        if (incoming_[i].place.load() == Place::kFree) free = &incoming_[i];
    }
    unsigned const port = served_index(caller.port);
    kos_status_t refusal = KOS_STATUS_OK;
    if (request.own.port != 0 || port == served_.size()) refusal = KOS_STATUS_BAD_REQUEST;
    if (kos_status_is_ok(refusal) && !free) refusal = KOS_STATUS_UNAVAILABLE;
    if (kos_status_is_ok(refusal) && !kos_status_is_ok(kos_server_defer(server, &caller, &free->deferred))) {
        refusal = KOS_STATUS_UNAVAILABLE;
    }
    if (!kos_status_is_ok(refusal)) {
        if (request.token) (void)kos_msg_token_delete(request.token);
        return refusal;
    }
    PortRequest& to = free->request;
    to.port = port;
    to.domain = caller.domain;
    to.token = caller.token;
    PortMessage& message = to.message;
    message.label = request.label;
    message.param = request.param;
    message.words[0] = request.has_words ? request.words[0] : 0;
    message.words[1] = request.has_words ? request.words[1] : 0;
    message.has_words = request.has_words;
    message.token = request.token;
    message.payload_bytes = request.payload_bytes;
    if (request.payload_bytes) memcpy(message.payload, request.payload, request.payload_bytes);
    free->order = ++arrivals_;
    free->place.store(Place::kArrived);
    kos_thread_signal_server();
    return KOS_STATUS_NO_REPLY;
}

uint32_t NativePorts::answer(PortRequest& request, const Answer& answer) {
    auto const is_it = [&](const Incoming& one) { return &one.request == &request; };
    Incoming& incoming = *std::find_if(incoming_.get(), incoming_.get() + incoming_count_, is_it);
    kos_msg_t message{};
    kos_status_t status = answer.status, result = KOS_STATUS_OK;
    if (answer.message) {
        message.param = answer.message->param;
        message.words[0] = answer.message->words[0];
        message.words[1] = answer.message->words[1];
        message.has_words = answer.message->has_words;
        message.payload = answer.message->payload;
        message.payload_bytes = answer.message->payload_bytes;
    }
    if (answer.new_token) {
        uint32_t const flags = answer.is_single_use ? KOS_TOKEN_SINGLE_USE : 0;
        result = kos_msg_token_create(served_[request.port].name.c_str(), answer.new_token, flags, request.domain,
                                      &message.token);
        if (!kos_status_is_ok(result)) {
            message = {};
            status = KOS_STATUS_INTERNAL_ERROR;
        }
    }
    kos_server_answer(&incoming.deferred, status, &message);
    incoming.place.store(Place::kFree);
    return result;
}

uint32_t NativePorts::revoke_token(unsigned port, uint64_t number) {
    return kos_msg_token_revoke(served_[port].name.c_str(), number);
}

// What is in the client's queue now, and fits. False: the program that serves has no room; the rest stays where it is.
bool NativePorts::take_queue(const kos_startup_client_t& client) {
    auto* const queue = reinterpret_cast<kos_queue_t*>(client.queue);
    uint32_t const written = __atomic_load_n(&queue->written, __ATOMIC_ACQUIRE);
    uint32_t read = __atomic_load_n(&queue->read, __ATOMIC_RELAXED);
    if (written - read > KOS_QUEUE_ENTRIES) {
        read = written;  // nonsense: the client begins anew
        __atomic_store_n(&queue->read, read, __ATOMIC_RELEASE);
    }
    unsigned const port = served_index(client.port);
    for (; read != written; ++read) {
        kos_queue_entry_t entry;
        memcpy(&entry, &queue->entries[read % KOS_QUEUE_ENTRIES], sizeof entry);
        bool const is_valid = entry.bytes <= KOS_QUEUE_INLINE_BYTES && port < served_.size();
        auto const* const data = reinterpret_cast<const std::byte*>(entry.data);
        if (is_valid && !hub_->cast(port, client.domain, entry.label, {data, entry.bytes})) return false;
        __atomic_store_n(&queue->read, read + 1, __ATOMIC_RELEASE);
    }
    return true;
}

void NativePorts::take_casts() {
    for (const auto& client : entries<kos_startup_client_t>(startup_, startup_.clients)) {
        if (client.queue) (void)take_queue(client);
    }
}

}  // namespace kos::lx
