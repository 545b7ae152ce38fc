// A KOS that consists of one server and one client in one process: the functions of msg.h, dir.h and server.h that the
// bindings call. For tests on the host.
//
// Payloads are copied into memory of exactly their size, so that AddressSanitizer sees every byte too many that is
// read.
#pragma once

#include <kos/server.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kos::idl::testing {

// A message that owns its payload.
class Kept {
public:
    Kept() = default;
    explicit Kept(const kos_msg_t& message) { set(message); }
    // `message` may be this one's.
    void set(const kos_msg_t& message);
    const kos_msg_t& get() const { return message_; }

private:
    kos_msg_t message_ = {};
    std::unique_ptr<uint8_t[]> payload_;  // new aligns it to 16, as libkos does
};

struct Transport {
    // The server that kos_server_run was called with.
    kos_server_t* server = nullptr;
    kos_caller_t caller = {};

    // In place of the server, if set.
    std::function<kos_status_t(const kos_msg_t& request, kos_msg_t& answer)> answer_instead;

    Kept last_request, last_answer;
    kos_status_t last_status = 0;
    std::vector<kos_token_t> deleted;  // tokens given back
    unsigned calls = 0, words_calls = 0, words_served = 0, sends = 0, defers = 0;

    // Of the answer to a deferred caller.
    std::optional<kos_status_t> deferred_status;
    Kept deferred_answer;

    // Arguments of the last kos_msg_token_create and kos_dir_request.
    uint64_t created_number = 0;
    uint32_t created_flags = 0;
    std::string requested_port;

    void reset() { *this = Transport(); }
};

Transport& transport();

}  // namespace kos::idl::testing
