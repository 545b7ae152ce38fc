// Servers: a class with call(), and if it wants them queued() and signalled() (kos/server.h).
//
//     class Counter : public kos::Server<Counter> {
//     public:
//         kos::Status call(const kos::Caller&, const kos::Message& request, kos::Reply& reply) {
//             reply.param = total_ += request.param;
//             return KOS_STATUS_OK;
//         }
//     private:
//         uint64_t total_ = 0;
//     };
//     int main(int, char**) { return Counter().run().ok() ? 0 : 1; }
#pragma once

#include <kos/cpp/message.h>
#include <kos/server.h>

namespace kos {

using Caller = kos_caller_t;

// A request as the server sees it: a private copy of everything.
struct Message {
    uint64_t label;
    uint64_t param;
    const uint64_t* words;  // two; zero if the caller sent none
    std::span<const unsigned char> payload;
    Token token;  // the server owns it now; kept only if moved away
};

// The answer. `payload` must live until call() has returned and beyond: a member of the server, or static.
struct Reply {
    uint64_t param = 0;
    uint64_t words[2] = {};
    bool has_words = false;
    std::span<const unsigned char> payload = {};
    kos_token_t token = 0;
};

// A caller that is answered later, once. One that goes without an answer gets INTERNAL_ERROR.
class Deferred {
public:
    explicit Deferred(const kos_deferred_t& deferred) : deferred_(deferred), is_open_(true) {}
    Deferred(Deferred&& other) noexcept : deferred_(other.deferred_), is_open_(std::exchange(other.is_open_, false)) {}
    Deferred& operator=(Deferred&& other) noexcept {
        std::swap(deferred_, other.deferred_);
        std::swap(is_open_, other.is_open_);
        return *this;
    }
    ~Deferred() { answer(KOS_STATUS_INTERNAL_ERROR); }

    void answer(Status status, const Reply& reply = {});

private:
    kos_deferred_t deferred_;
    bool is_open_;
};

namespace detail {

inline void encode(const Reply& reply, kos_msg_t& answer) {
    answer.param = reply.param;
    answer.words[0] = reply.words[0];
    answer.words[1] = reply.words[1];
    answer.has_words = reply.has_words;
    answer.payload = reply.payload.data();
    answer.payload_bytes = static_cast<uint32_t>(reply.payload.size());
    answer.token = reply.token;
}

}  // namespace detail

inline void Deferred::answer(Status status, const Reply& reply) {
    if (!std::exchange(is_open_, false)) return;
    kos_msg_t message{};
    detail::encode(reply, message);
    kos_server_answer(&deferred_, status.code(), &message);
}

template <typename Derived>
class Server {
public:
    // Binds the domain's ports and serves until the domain is asked to stop.
    Status run() {
        c_server_.call = call_entry;
        if constexpr (requires(Derived & d, const Caller& c) {
                          d.queued(c, uint64_t{}, std::span<const unsigned char>{});
                      }) {
            c_server_.queued = queued_entry;
        }
        if constexpr (requires(Derived & d) { d.signalled(uint64_t{}); }) c_server_.signalled = signalled_entry;
        c_server_.context = static_cast<Derived*>(this);
        return kos_server_run(&c_server_);
    }

protected:
    // Inside call(): keeps the caller for later; call() then returns KOS_STATUS_NO_REPLY.
    Result<Deferred> defer(const Caller& caller) {
        kos_deferred_t deferred;
        KOS_TRY(kos_server_defer(&c_server_, &caller, &deferred));
        return Deferred(deferred);
    }

private:
    static Derived& self(kos_server_t* server) { return *static_cast<Derived*>(server->context); }

    static kos_status_t call_entry(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                                   kos_msg_t* answer) {
        Message message{request->label,
                        request->param,
                        request->words,
                        {static_cast<const unsigned char*>(request->payload), request->payload_bytes},
                        Token(request->token)};
        Reply reply;
        Status const status = self(server).call(*caller, message, reply);
        if (status.code() != KOS_STATUS_NO_REPLY) detail::encode(reply, *answer);
        return status.code();
    }
    static void queued_entry(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes,
                             size_t size_bytes) {
        self(server).queued(*caller, label,
                            std::span<const unsigned char>(static_cast<const unsigned char*>(bytes), size_bytes));
    }
    static void signalled_entry(kos_server_t* server, uint64_t bits) { self(server).signalled(bits); }

    kos_server_t c_server_{};
};

}  // namespace kos
