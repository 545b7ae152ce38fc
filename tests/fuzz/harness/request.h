/*
 * A request to a service as a piece of a fuzz target's input: who calls, and everything that a client can put into a
 * message. The payload is exactly as large as it says, so that the sanitizer sees every byte read beyond it.
 */
#ifndef KOS_TESTS_FUZZ_HARNESS_REQUEST_H_
#define KOS_TESTS_FUZZ_HARNESS_REQUEST_H_

#include <kos/abi.h>
#include <kos/msg.h>
#include <kos/server.h>

#include "fuzz.h"

namespace kos::fuzz {

class Request {
public:
    explicit Request(Reader& input) {
        const uint8_t parts = input.number();
        // Mostly clients that there are; root mints no others, but who asks must not rely on that.
        caller.domain = static_cast<uint16_t>(input.below(KOS_MAX_DOMAINS + 8));
        caller.port = 1;
        if (parts & kToken) caller.token = input.value();
        message.label = input.value();
        message.param = input.value();
        if (parts & kWords) {
            message.has_words = 1;
            message.words[0] = input.value();
            message.words[1] = input.value();
        }
        if (parts & kCarriesToken) message.token = input.value();
        const size_t most = parts & kLong ? input.number<uint16_t>() % (KOS_PAYLOAD_MAX + 1) : input.number() % 64u;
        const Bytes bytes = input.bytes(most);
        payload_.assign(bytes.begin(), bytes.end());
        payload_.shrink_to_fit();
        message.payload = payload_.empty() ? nullptr : payload_.data();
        message.payload_bytes = static_cast<uint32_t>(payload_.size());
    }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    // For seeds.
    static void put(Writer& out, uint16_t domain, uint64_t label, uint64_t param, std::string_view payload = {}) {
        out.number<uint8_t>(0).number(static_cast<uint8_t>(domain)).value(label).value(param);
        out.number(static_cast<uint8_t>(payload.size())).text(payload);
    }
    static void put_words(Writer& out, uint16_t domain, uint64_t label, uint64_t param, uint64_t word0,
                          uint64_t word1) {
        out.number<uint8_t>(kWords).number(static_cast<uint8_t>(domain)).value(label).value(param);
        out.value(word0).value(word1).number<uint8_t>(0);
    }

    kos_caller_t caller = {};
    kos_msg_t message = {};

private:
    enum Part : uint8_t { kToken = 1, kWords = 2, kCarriesToken = 4, kLong = 8 };
    Buffer payload_;
};

// What every answer of a service must be: a status that exists, and a payload that can be read and fits. `may_defer`:
// the service may answer later.
inline void require_answer(kos_status_t status, const kos_msg_t& answer, bool may_defer = false) {
    require(status >= KOS_STATUS_OK && status < 256, "an answer is no status");
    require(may_defer || status != KOS_STATUS_NO_REPLY, "a caller is not answered");
    require(answer.payload_bytes <= KOS_PAYLOAD_MAX, "the payload of an answer is too long");
    const auto* const bytes = static_cast<const uint8_t*>(answer.payload);
    uint8_t sum = 0;
    for (uint32_t i = 0; i < answer.payload_bytes; ++i) sum = static_cast<uint8_t>(sum + bytes[i]);
    volatile uint8_t keep = sum;  // every byte was read
    (void)keep;
}

}  // namespace kos::fuzz

#endif
