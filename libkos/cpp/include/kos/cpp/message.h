// Clients: connections, tokens, calls (kos/msg.h, kos/dir.h).
#pragma once

#include <kos/cpp/deadline.h>
#include <kos/msg.h>

#include <span>

namespace kos {

// A token that this domain owns: its slot is given back when the object goes.
class Token {
public:
    Token() = default;
    explicit Token(kos_token_t slot) : slot_(slot) {}
    Token(Token&& other) noexcept : slot_(std::exchange(other.slot_, 0)) {}
    Token& operator=(Token&& other) noexcept {
        std::swap(slot_, other.slot_);
        return *this;
    }
    // Deleting fails only for what is no token any more.
    ~Token() {
        if (slot_) (void)kos_msg_token_delete(slot_);
    }

    // For one of this domain's own ports, to be sent to domain `holder`.
    static Result<Token> create(const char* port, uint64_t number, uint16_t holder, uint32_t flags = 0) {
        kos_token_t slot = 0;
        KOS_TRY(kos_msg_token_create(port, number, flags, holder, &slot));
        return Token(slot);
    }

    explicit operator bool() const { return slot_ != 0; }
    kos_token_t slot() const { return slot_; }
    // Gives it away: whoever gets the slot deletes it.
    kos_token_t release() { return std::exchange(slot_, 0); }

private:
    kos_token_t slot_ = 0;
};

// What is sent. Everything but the label may be left out.
struct Request {
    uint64_t label = 0;
    uint64_t param = 0;
    uint64_t words[2] = {};
    bool has_words = false;
    std::span<const unsigned char> payload = {};
    kos_token_t token = 0;  // stays the sender's
};

// What came back. `payload` is valid until the next call of this thread.
struct Answer {
    uint64_t param = 0;
    uint64_t words[2] = {};
    std::span<const unsigned char> payload;
    Token token;
};

// Somebody to call: a port, or what a token stands for. Does not own the slot (connections stay for the domain's life).
class Connection {
public:
    explicit constexpr Connection(kos_slot_t slot) : slot_(slot) {}
    explicit Connection(const Token& token) : slot_(token.slot()) {}

    // Waits until the port is bound.
    static Result<Connection> request(const char* port, Deadline deadline = Deadline::never()) {
        kos_slot_t slot = 0;
        KOS_TRY(kos_dir_request_until(port, deadline.ticks(), &slot));
        return Connection(slot);
    }

    Result<Answer> call(const Request& request) const {
        kos_msg_t message = encode(request);
        Status const status = kos_msg_call(slot_, &message);
        return decode(status, message);
    }
    Result<Answer> call(const Request& request, Deadline deadline) const {
        kos_msg_t message = encode(request);
        Status const status = kos_msg_call_until(slot_, &message, deadline.ticks());
        return decode(status, message);
    }

    // The fast path: label, param and two words there and back.
    struct Words {
        uint64_t param;
        uint64_t words[2];
    };
    Result<Words> call_words(uint64_t label, uint64_t param = 0, uint64_t word0 = 0, uint64_t word1 = 0) const {
        Words result{param, {word0, word1}};
        KOS_TRY(kos_msg_call_words(slot_, label, &result.param, result.words));
        return result;
    }

    // One way, through the connection's queue; never blocks.
    Status send(uint64_t label, std::span<const unsigned char> bytes = {}) const {
        return kos_msg_send(slot_, label, bytes.data(), bytes.size());
    }

    Status ping() const { return kos_msg_ping(slot_); }
    kos_slot_t slot() const { return slot_; }

private:
    static kos_msg_t encode(const Request& request) {
        kos_msg_t message{};
        message.label = request.label;
        message.param = request.param;
        message.words[0] = request.words[0];
        message.words[1] = request.words[1];
        message.has_words = request.has_words;
        message.payload = request.payload.data();
        // Too long for 32 bits is too long for any port: the call refuses it.
        message.payload_bytes = request.payload.size() > KOS_PAYLOAD_MAX
                                    ? KOS_PAYLOAD_MAX + 1u
                                    : static_cast<uint32_t>(request.payload.size());
        message.token = request.token;
        return message;
    }
    static Result<Answer> decode(Status status, const kos_msg_t& message) {
        if (!status.ok()) return status;
        return Answer{message.param,
                      {message.words[0], message.words[1]},
                      {static_cast<const unsigned char*>(message.payload), message.payload_bytes},
                      Token(message.token)};
    }

    kos_slot_t slot_;
};

}  // namespace kos
