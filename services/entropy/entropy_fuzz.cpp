/*
 * Requests in any order against the entropy service.
 */
#include <kos/ports.h>

#include "fuzz.h"
#include "request.h"

#include "service.h"

namespace kos::fuzz {

void run(Bytes input) {
    Reader reader(input);
    entropy::Generator generator;
    entropy::Service service(generator);
    while (!reader.empty()) {
        if (reader.below(8) == 0) {
            const auto source = static_cast<entropy::Source>(1u << reader.below(3));
            generator.mix(source, reader.bytes(reader.number()));
            continue;
        }
        const Request request(reader);
        kos_msg_t answer = {};
        const kos_status_t status = service.call(request.caller, request.message, answer);
        require_answer(status, answer);
        require(answer.payload_bytes == 0 || generator.is_seeded(), "bytes without a seed");
        if (reader.below(2)) service.sent();
    }
}

std::vector<Buffer> seeds() {
    Writer seeded;
    seeded.number<uint8_t>(0).number<uint8_t>(0).number<uint8_t>(32).text("0123456789abcdef0123456789abcdef");
    Request::put(seeded.number<uint8_t>(1), 3, KOS_ENTROPY_GET, 64);
    Request::put(seeded.number<uint8_t>(1).number<uint8_t>(1), 3, KOS_ENTROPY_STATUS, 0);
    Writer early;
    Request::put(early.number<uint8_t>(1), 3, KOS_ENTROPY_GET, 100);
    return {seeded.result(), early.result()};
}

}  // namespace kos::fuzz
