/*
 * The log with everything that reaches it: requests, queue messages, a damaged ring of root, a console that takes what
 * it likes, and restarts upon memory that somebody has damaged.
 */
#include "fuzz.h"
#include "request.h"

#include <memory>

#include "console_feed.h"
#include "service.h"

namespace kos::fuzz {
namespace {

using namespace log;

enum Step : uint8_t { kCall, kQueued, kTime, kRoot, kRootBytes, kConsole, kRestart, kDamage, kSteps };
constexpr uint16_t kWriter = 3;
constexpr uint16_t kReader = 4;
constexpr size_t kStoreWords = Store::kSmallestBytes / sizeof(uint64_t);
constexpr size_t kRingBytes = 6 * sizeof(RootRecord);

bool is_printable(const char* text, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
        if (static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7f) return false;
    }
    return true;
}

struct Target {
    Target() : memory(kStoreWords), ring_memory(kRingBytes / sizeof(uint64_t)) {
        names.of[0] = "root";
        names.of[1] = "log";
        names.of[kWriter] = "pump";
        root_ring_create(ring(), kRingBytes);
        restart();
    }
    RootRing* ring() { return reinterpret_cast<RootRing*>(ring_memory.data()); }
    void restart() {
        store = std::make_unique<Store>();
        require(store->open(memory.data(), kStoreWords * sizeof(uint64_t)), "the memory does not suffice");
        Settings settings;
        settings.own_domain = 1;
        settings.keep_level = KOS_LOG_INFO;
        settings.readers = 1 << kReader;
        service = std::make_unique<Service>(*store, rate, names, settings);
        console = std::make_unique<ConsoleFeed>(*store, names, 1000, KOS_LOG_INFO);
    }
    void step(Reader& input) {
        switch (input.below(kSteps)) {
            case kCall: call(Request(input)); break;
            case kQueued: {
                const Request request(input);
                service->queued(request.caller, request.message.label, request.message.payload,
                                request.message.payload_bytes, now);
                break;
            }
            case kTime:
                now += input.value();
                service->tick(now);
                break;
            case kRoot: {
                const auto kind = static_cast<RootRecordKind>(input.number());
                const uint8_t level = input.number();
                const auto domain = input.number<uint16_t>();
                const Bytes text = input.bytes(input.number());
                root_ring_append(ring(), now, kind, level, domain, 1, reinterpret_cast<const char*>(text.data()),
                                 text.size());
                service->follow_root(ring(), kRingBytes, now);
                break;
            }
            case kRootBytes: {
                // Of a copy: root itself relies on what it has written.
                std::vector<uint64_t> copy = ring_memory;
                for (unsigned words = input.below(8); words > 0; --words) damage(copy, input);
                service->follow_root(reinterpret_cast<const RootRing*>(copy.data()), kRingBytes, now);
                break;
            }
            case kConsole: {
                // It may also claim to have taken more than there was.
                const size_t most = input.number();
                console->run(
                    [&](const char* text, size_t bytes) {
                        require(is_printable(text, bytes - 1) || text[bytes - 1] == '\n',
                                "the console gets control characters");
                        return most;
                    },
                    8);
                break;
            }
            case kRestart: restart(); break;
            default:
                // Nobody else can write there while the log runs; what it finds at its start may be anything.
                damage(memory, input);
                restart();
                break;
        }
    }
    static void damage(std::vector<uint64_t>& words, Reader& input) {
        const size_t at = input.number<uint16_t>() % words.size();
        words[at] = input.value();
    }
    void call(const Request& request) {
        kos_msg_t answer = {};
        const kos_status_t status = service->call(request.caller, request.message, now, answer);
        require_answer(status, answer);
        if (request.message.label != KOS_LOG_READ || status != KOS_STATUS_OK) return;
        require(request.caller.domain == kReader, "somebody reads without a right to");
        const auto* at = static_cast<const uint8_t*>(answer.payload);
        const uint8_t* const end = at + answer.payload_bytes;
        for (uint64_t i = 0; i < answer.words[1]; ++i) {
            kos_log_line_t line;
            require(static_cast<size_t>(end - at) >= sizeof line, "a line is cut off");
            std::memcpy(&line, at, sizeof line);
            const size_t size = (sizeof line + line.bytes + 7) / 8 * 8;
            require(size <= static_cast<size_t>(end - at), "a line's text is cut off");
            require(is_printable(reinterpret_cast<const char*>(at + sizeof line), line.bytes),
                    "control characters are kept");
            at += size;
        }
        require(at == end, "bytes behind the last line");
    }

    std::vector<uint64_t> memory, ring_memory;
    RateLimit rate{1000, 10, 20};
    Names names;
    std::unique_ptr<Store> store;
    std::unique_ptr<Service> service;
    std::unique_ptr<ConsoleFeed> console;
    uint64_t now = 0;
};

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target;
    while (!reader.empty()) target.step(reader);
}

std::vector<Buffer> seeds() {
    Writer lines;
    Request::put(lines.number(kCall), kWriter, KOS_LOG_WRITE, KOS_LOG_INFO, "one\x1b two");
    Request::put(lines.number(kQueued), kWriter, KOS_LOG_WRITE | KOS_LOG_ERROR << 8, 0, "three\n");
    Request::put(lines.number(kCall), kReader, KOS_LOG_READ, 0);
    Request::put(lines.number(kCall), kReader, KOS_LOG_STATUS, 0);
    lines.number(kRestart);
    Request::put(lines.number(kCall), kReader, KOS_LOG_READ, 1);
    lines.number(kConsole).number<uint8_t>(3).number(kConsole).number<uint8_t>(200).number(kTime).value(2000);
    Writer root;
    root.number(kRoot).number<uint8_t>(kRootStart).number<uint8_t>(KOS_LOG_INFO).number<uint16_t>(kWriter);
    root.number<uint8_t>(4).text("pump");
    root.number(kRootBytes).number<uint8_t>(1).number<uint16_t>(2).value(5);
    root.number(kRoot).number<uint8_t>(kRootText).number<uint8_t>(9).number<uint16_t>(99).number<uint8_t>(2).text("hi");
    root.number(kDamage).number<uint16_t>(64).value(0);
    return {lines.result(), root.result()};
}

}  // namespace kos::fuzz
