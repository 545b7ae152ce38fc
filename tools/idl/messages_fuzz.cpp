/*
 * Any message against every generated decoder, dispatcher and client function, and against the trace decoder. What is a
 * valid message says trace::check, which is written by hand over tables.
 */
#include <deque>
#include <string>

#include "fuzz.h"
#include "probe.h"
#include "trace.h"

namespace kos::fuzz {
namespace {

using namespace idl;
using namespace idl::testing;

struct Method {
    const MethodProbe* probe;
    const trace::Method* table;
    const trace::Interface* interface;
};

const std::vector<Method>& methods() {
    static const std::vector<Method> kMethods = [] {
        std::vector<Method> result;
        for (const std::span<const MethodProbe> schema : all_probes()) {
            for (const MethodProbe& probe : schema) {
                const trace::Interface* const interface = trace::find_interface(probe.interface);
                require(interface != nullptr, "a probe without tables");
                for (const trace::Method& table : interface->methods) {
                    if (std::string(table.name) == probe.method) result.push_back({&probe, &table, interface});
                }
            }
        }
        return result;
    }();
    return kMethods;
}

enum Flag : uint8_t { kWords = 1, kToken = 2, kAnswer = 4 };
constexpr kos_token_t kForeignToken = 500;  // none that a client sends

bool same(const kos_msg_t& a, const kos_msg_t& b) {
    for (unsigned i = 0; i < 2; ++i) {
        if ((a.has_words ? a.words[i] : 0) != (b.has_words ? b.words[i] : 0)) return false;
    }
    return a.param == b.param && a.token == b.token && a.payload_bytes == b.payload_bytes &&
           (a.payload_bytes == 0 || std::memcmp(a.payload, b.payload, a.payload_bytes) == 0);
}

void require_readable(const std::string& text) {
    for (const char c : text)
        require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a control character in a trace");
}

void check_decoder(const MessageProbe& probe, const Kept& message, bool is_valid, bool one_way) {
    alignas(8) static uint8_t buffer[KOS_PAYLOAD_MAX];
    kos_msg_t again;
    const bool accepted = probe.recode(message.get(), again, buffer);
    require(accepted == is_valid, "a decoder and the tables do not agree");
    if (!accepted) return;
    require(one_way ? again.payload_bytes == message.get().payload_bytes : same(message.get(), again),
            "a message has two forms");
}

void check_servers(const Method& method, const Kept& message, bool is_valid) {
    for (auto* const dispatch : {method.probe->dispatch_c, method.probe->dispatch_cpp}) {
        transport().reset();
        require(dispatch(message.get()) == (is_valid ? KOS_STATUS_NOT_IMPLEMENTED : KOS_STATUS_BAD_REQUEST),
                "a server does not agree with the tables");
        require(transport().deleted.size() == (message.get().token ? 1u : 0u), "a refused token is kept");
    }
}

void check_clients(const Method& method, const Kept& message, kos_status_t status) {
    // In registers words are always sent.
    for (auto* const call : {method.probe->call_c, method.probe->call_cpp}) {
        RandomValues random(1);
        transport().reset();
        transport().answer_instead = [&](const kos_msg_t&, kos_msg_t& answer) {
            answer = message.get();
            return status;
        };
        const kos_status_t result = call(random);
        if (kos_status_is_ok(status)) {
            kos_msg_t seen = message.get();
            if (transport().words_calls != 0) seen.has_words = 1;
            const bool is_valid = trace::check(method.table->answer, seen).empty();
            require(is_valid ? kos_status_is_ok(result) : result == KOS_STATUS_PEER_INVALID,
                    "a client does not agree with the tables");
        } else {
            require(!kos_status_is_ok(result), "a failure became a success");
        }
    }
}

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    const Method& method = methods()[reader.number<uint16_t>() % methods().size()];
    const uint8_t flags = reader.number();
    const bool one_way = method.table->one_way;
    const bool is_answer = (flags & kAnswer) != 0 && !one_way;
    kos_msg_t message = {};
    message.label = method.table->label;
    message.param = reader.number<uint64_t>();
    if (flags & kWords) {
        message.has_words = 1;
        message.words[0] = reader.number<uint64_t>();
        message.words[1] = reader.number<uint64_t>();
    }
    if (flags & kToken) message.token = kForeignToken;
    const Bytes payload = reader.bytes(KOS_PAYLOAD_MAX);
    message.payload = payload.empty() ? nullptr : payload.data();
    message.payload_bytes = static_cast<uint32_t>(payload.size());
    if (one_way) {
        // Of a queue message there are bytes only.
        message.param = 0;
        message.has_words = 0;
        message.token = 0;
    }
    const Kept kept(message);
    const trace::Message& expected = is_answer ? method.table->answer : method.table->request;
    const bool is_valid = trace::check(expected, kept.get(), one_way).empty();
    check_decoder(is_answer ? method.probe->answer : method.probe->request, kept, is_valid, one_way);
    if (is_answer) {
        check_clients(method, kept, KOS_STATUS_OK);
        check_clients(method, kept, static_cast<kos_status_t>(message.param));
    } else if (!one_way) {
        check_servers(method, kept, is_valid);
    }
    require_readable(trace::describe_request(*method.interface, kept.get(), one_way));
    require_readable(trace::describe_answer(*method.interface, message.label, KOS_STATUS_OK, kept.get()));
}

std::vector<Buffer> seeds() {
    alignas(8) static uint8_t buffer[KOS_PAYLOAD_MAX];
    std::vector<Buffer> result;
    RandomValues random(1);
    for (uint16_t number = 0; number < methods().size(); ++number) {
        const Method& method = methods()[number];
        for (const uint8_t part : {uint8_t{0}, uint8_t{kAnswer}}) {
            const MessageProbe& probe = part ? method.probe->answer : method.probe->request;
            if (!probe.make) continue;
            // A short one: the first of a few that is not longer than others.
            kos_msg_t message;
            for (int i = 0; i < 10; ++i) {
                probe.make(random, message, buffer);
                if (message.payload_bytes < 200) break;
            }
            Writer out;
            out.number(number);
            out.number(static_cast<uint8_t>(part | (message.has_words ? kWords : 0) | (message.token ? kToken : 0)));
            out.number(message.param);
            if (message.has_words) out.number(message.words[0]).number(message.words[1]);
            out.bytes({static_cast<const uint8_t*>(message.payload), message.payload_bytes});
            result.push_back(out.result());
        }
    }
    return result;
}

}  // namespace kos::fuzz
