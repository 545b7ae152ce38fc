/*
 * The loop of a server and the calls of a client (server.cpp, message.cpp) above a fake kernel that brings anything:
 * requests, signals, queues and windows that clients change as they like, answers of a hostile server.
 *
 * The handler sees private copies within their bounds and slots that are its own; what leaves has the form that the
 * other side's decoder knows; no slot and no reply object is lost.
 */
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/mem.h>
#include <kos/server.h>
#include <kos/sync.h>
#include <kos/time.h>

#include <bitset>

#include "fuzz.h"
#include "runtime.h"

namespace kos::fuzz {
namespace {

using sel4::Tag;
using sel4::Word;

constexpr kos_slot_t kConnectionSlot = 40, kDirectorySlot = 41, kQueueSignalSlot = 42, kSlotWithoutCap = 50,
                     kFirstReply = 30;
constexpr kos_slot_t kFirstFree = 64, kEndFree = 72;
constexpr unsigned kReplies = 3;
constexpr uint16_t kClientWithAll = 3, kClientWithNothing = 4;
constexpr unsigned kMostMessages = 200;

// What root would have mapped: a startup block with its tables, windows and queues, each with the sanitizer around it.
struct Block {
    kos_startup_t header = {};
    kos_startup_port_t ports[1] = {};
    kos_startup_connection_t connections[2] = {};
    kos_startup_client_t clients[2] = {};
    uint64_t replies[kReplies] = {};
};

struct World {
    World() : server_window(KOS_PAYLOAD_MAX), client_window(KOS_PAYLOAD_MAX) {
        const auto table = [&](auto& entries) {
            return kos_startup_table_t{
                static_cast<uint32_t>(reinterpret_cast<uint8_t*>(&entries) - reinterpret_cast<uint8_t*>(&block)),
                static_cast<uint32_t>(std::size(entries))};
        };
        block.header.life_page = reinterpret_cast<uint64_t>(&life);
        block.header.threads_max = 1;
        block.header.free_slot_first = kFirstFree;
        block.header.free_slot_end = kEndFree;
        block.header.ports = table(block.ports);
        block.header.connections = table(block.connections);
        block.header.clients = table(block.clients);
        block.header.replies = table(block.replies);
        std::strcpy(block.ports[0].name, "port");
        block.ports[0].port = 1;
        std::strcpy(block.connections[0].name, "peer");
        block.connections[0].slot = kConnectionSlot;
        block.connections[0].window = reinterpret_cast<uint64_t>(client_window.data());
        block.connections[0].queue = reinterpret_cast<uint64_t>(&sent);
        block.connections[0].queue_signal = kQueueSignalSlot;
        block.connections[0].flags = KOS_CONNECTION_TOKENS;
        std::strcpy(block.connections[1].name, "other");
        block.connections[1].slot = kDirectorySlot;
        block.clients[0].port = block.clients[1].port = 1;
        block.clients[0].domain = kClientWithAll;
        block.clients[0].window = reinterpret_cast<uint64_t>(server_window.data());
        block.clients[0].queue = reinterpret_cast<uint64_t>(&received);
        block.clients[1].domain = kClientWithNothing;
        for (unsigned i = 0; i < kReplies; ++i) block.replies[i] = kFirstReply + i;
    }

    Block block;
    kos_life_t life = {};
    Buffer server_window, client_window;
    kos_queue_t received = {}, sent = {};
    seL4_IPCBuffer buffer = {};
    std::bitset<512> slots;  // with a capability that has arrived
    std::vector<kos_deferred_t> deferred;
    Reader* input = nullptr;
    unsigned messages = 0;
};

World& world() {
    static World instance;
    return instance;
}

// Somebody else writes into shared memory.
void disturb(Buffer& window) {
    Reader& input = *world().input;
    const size_t at = input.number<uint16_t>() % window.size();
    const Bytes bytes = input.bytes(std::min<size_t>(input.number(), window.size() - at));
    std::copy(bytes.begin(), bytes.end(), window.begin() + static_cast<ptrdiff_t>(at));
}

Word any_metadata() {
    Reader& input = *world().input;
    switch (input.below(4)) {
        case 0: return input.value();
        case 1: return KOS_METADATA_WORDS;
        case 2: return KOS_METADATA_TOKEN | input.number();
        default: return input.number<uint16_t>() % (KOS_PAYLOAD_MAX + 8);
    }
}

// A tag of any label, length and capabilities. One that travels needs a slot that was prepared; it must be empty.
Tag any_tag(Word label) {
    Reader& input = *world().input;
    const uint8_t form = input.number();
    const Word length = form % 16 == 0 ? input.below(128) : 4;
    Word caps = form >= 192 ? 1 + form % 3 : 0;
    const Word unwrapped = form >= 240 ? 1 : 0;
    if (caps == 0 || unwrapped != 0) return Tag::make(label, length, caps, unwrapped);
    const Word slot = world().buffer.receiveIndex;
    if (world().buffer.receiveCNode == 0 || slot == 0) return Tag::make(label, length);
    require(slot >= kFirstFree && slot < kEndFree && !world().slots[slot], "a token arrives in a slot that is in use");
    world().slots[slot] = true;
    return Tag::make(label, length, caps);
}

// What leaves, as request or answer.
void check_sent(Tag tag, Word metadata) {
    require(tag.length() == 4, "not four words");
    require((metadata & ~KOS_METADATA_KNOWN) == 0, "unknown metadata");
    require((metadata & KOS_METADATA_BYTES_MASK) <= KOS_PAYLOAD_MAX, "a payload that is too long");
    require(tag.extra_caps() == ((metadata & KOS_METADATA_TOKEN) != 0 ? 1 : 0), "token and metadata do not agree");
}

void deliver(sel4::SyscallRegisters& r) {
    Reader& input = *world().input;
    r = {};
    if (input.empty() || ++world().messages > kMostMessages) {
        r.x0 = KOS_BADGE_NOTIFICATION | KOS_SIGNAL_STOP;
        return;
    }
    const unsigned kind = input.below(8);
    if (kind == 0) {
        r.x0 = KOS_BADGE_NOTIFICATION | (input.value() & ~KOS_SIGNAL_STOP);
        return;
    }
    if (kind == 1) {  // a queue that is filled, or anything in its place
        auto* const bytes = reinterpret_cast<uint8_t*>(&world().received);
        const size_t at = input.below(2) ? input.below(64) : input.number<uint16_t>() % sizeof world().received;
        const uint64_t value = input.value();
        std::memcpy(bytes + at, &value, std::min<size_t>(1 + input.below(8), sizeof world().received - at));
        r.x0 = KOS_BADGE_NOTIFICATION | KOS_SIGNAL_QUEUE;
        return;
    }
    const Word domain = input.below(4) == 0 ? Word{input.number<uint8_t>()} : kClientWithAll + input.below(2);
    const Word token = input.below(4) == 0 ? input.value() & KOS_BADGE_TOKEN_MASK : 0;
    r.x0 = domain << KOS_BADGE_DOMAIN_SHIFT | Word{1} << KOS_BADGE_PORT_SHIFT | token;
    const Word label = input.value() & seL4_MessageInfo_LabelMask;
    if (kind == 2) {
        r.x1 = Tag::make(label, 4).word;
        r.x3 = KOS_METADATA_WORDS;
    } else {
        disturb(world().server_window);
        r.x1 = any_tag(label).word;
        r.x3 = any_metadata();
    }
    r.x2 = input.value();
    r.x4 = input.value();
    r.x5 = input.value();
}

void handle_call(sel4::SyscallRegisters& r) {
    Reader& input = *world().input;
    const kos_slot_t target = r.x0;
    const Tag tag{r.x1};
    if (target == KOS_SLOT_CNODE) {
        require(tag.label() == seL4_CNodeDelete && r.x2 < world().slots.size(), "an invocation that nobody expects");
        world().slots[r.x2] = false;
        r = {};
    } else if (target == KOS_SLOT_ROOT || target == KOS_SLOT_THREADS) {
        const kos_status_t status = input.below(4) == 0 ? KOS_STATUS_NOT_FOUND : KOS_STATUS_OK;
        r = {};
        r.x1 = Tag::make(status, 4).word;
    } else if (target != kConnectionSlot && target != kDirectorySlot) {
        require(target < kEndFree, "a slot beyond the end is a fault");
        r = {};
        r.x1 = Tag::make(seL4_InvalidCapability, 0).word;
    } else {
        check_sent(tag, r.x3);
        disturb(world().client_window);
        const Word label = input.below(2) ? Word{KOS_STATUS_OK} : input.value() & seL4_MessageInfo_LabelMask;
        r = {};
        r.x1 = any_tag(label).word;
        r.x2 = input.value();
        r.x3 = any_metadata();
    }
}

void read_all(const void* bytes, size_t count) {
    static volatile uint8_t sum;
    for (size_t i = 0; i < count; ++i) sum = static_cast<uint8_t>(sum + static_cast<const uint8_t*>(bytes)[i]);
}

// What an application may do with a token, and must in the end.
void drop(kos_token_t token) {
    require(world().slots[token], "a slot without a token");
    require(kos_msg_token_delete(token) == KOS_STATUS_OK, "a token cannot be deleted");
}

void call_peer() {
    Reader& input = *world().input;
    static const Buffer kBytes(KOS_PAYLOAD_MAX + 1, 0x33);
    if (input.below(2)) {
        uint64_t param = 1;
        uint64_t words[2] = {2, 3};
        (void)kos_msg_call_words(input.below(8) ? kConnectionSlot : kSlotWithoutCap + input.number(),
                                 input.value() % KOS_LABEL_PING, &param, words);
        return;
    }
    kos_msg_t message = {};
    message.label = input.value() % KOS_LABEL_PING;
    message.payload = kBytes.data();
    message.payload_bytes = input.number<uint16_t>() % (KOS_PAYLOAD_MAX + 2);
    message.token = input.below(4) ? 0 : kConnectionSlot;
    const kos_token_t sent = message.token;
    const kos_slot_t target = input.below(4) ? kConnectionSlot : kDirectorySlot;
    const kos_status_t status = kos_msg_call(target, &message);
    if (message.payload == kBytes.data()) return;  // unchanged: an error of the call itself
    require(status == message.label, "the status is not the answer's");
    require(message.payload_bytes <= KOS_PAYLOAD_MAX, "an answer is too long");
    require(message.payload != world().client_window.data(), "an answer is not copied");
    read_all(message.payload, message.payload_bytes);
    if (message.token != 0 && message.token != sent) drop(message.token);
}

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    static const Buffer kBytes(KOS_PAYLOAD_MAX, 0x44);
    Reader& input = *world().input;
    require(request->label < KOS_LABEL_PING && request->payload_bytes <= KOS_PAYLOAD_MAX,
            "a request beyond its bounds");
    require(request->payload_bytes == 0 || request->payload != world().server_window.data(), "a request is not copied");
    require((caller->token & KOS_TOKEN_NUMBER_SINGLE_USE) == 0, "a bit of libkos in the number of a token");
    read_all(request->payload, request->payload_bytes);
    if (request->token != 0) drop(request->token);
    switch (input.below(8)) {
        case 0: answer->param = 1; break;
        case 1:
            answer->payload = kBytes.data();
            answer->payload_bytes = input.number<uint16_t>() % (KOS_PAYLOAD_MAX + 2);
            break;
        case 2: answer->token = kConnectionSlot; break;
        case 3: {
            kos_deferred_t deferred;
            if (kos_server_defer(server, caller, &deferred) != KOS_STATUS_OK) return KOS_STATUS_FULL;
            world().deferred.push_back(deferred);
            return KOS_STATUS_NO_REPLY;
        }
        case 4: call_peer(); break;
        case 5:
            if (!world().deferred.empty()) {
                kos_msg_t late = {};
                late.payload = kBytes.data();
                late.payload_bytes = input.number();
                kos_server_answer(&world().deferred.back(), KOS_STATUS_OK, &late);
                world().deferred.pop_back();
            }
            break;
        case 6: (void)kos_msg_send(kConnectionSlot, 1, kBytes.data(), input.below(64)); break;
        default: return static_cast<kos_status_t>(input.value());
    }
    return KOS_STATUS_OK;
}

void queued(kos_server_t*, const kos_caller_t* caller, uint64_t, const void* bytes, size_t size) {
    require(caller->domain == kClientWithAll, "a message of nobody");
    require(size <= KOS_QUEUE_INLINE_BYTES, "a queue message is too long");
    read_all(bytes, size);
    if (world().input->below(4) == 0) call_peer();
}

unsigned free_slots() {
    std::vector<kos_slot_t> taken;
    while (const kos_slot_t slot = runtime::allocate_slot()) taken.push_back(slot);
    for (const kos_slot_t slot : taken) runtime::release_slot(slot);
    return static_cast<unsigned>(taken.size());
}

}  // namespace

void run(Bytes input) {
    World& w = world();
    Reader reader(input);
    w.input = &reader;
    w.messages = 0;
    w.received = {};
    w.sent = {};
    w.life = {};
    runtime::startup = &w.block.header;
    static kos_server_t server = {.call = call, .queued = queued, .signalled = nullptr, .context = nullptr};
    require(kos_server_run(&server) == KOS_STATUS_OK, "the loop did not end with STOP");
    Reader nothing({});
    w.input = &nothing;
    for (const kos_deferred_t& deferred : w.deferred) kos_server_answer(&deferred, KOS_STATUS_OK, nullptr);
    w.deferred.clear();
    runtime::server_thread_gone(0);  // gives back what the loop itself holds
    require(w.slots.none(), "a token is lost");
    // One stays prepared for the next request.
    require(free_slots() >= kEndFree - kFirstFree - 1, "a slot is lost");
}

std::vector<Buffer> seeds() {
    Writer words;
    for (uint8_t i = 0; i < 3; ++i) {
        words.number<uint8_t>(2)
            .number<uint8_t>(1)
            .number<uint8_t>(0)
            .number<uint8_t>(1)
            .value(5)
            .value(7)
            .value(8)
            .value(9);
        words.number<uint8_t>(i == 1 ? 3 : 0);
    }
    Writer payload;
    payload.number<uint8_t>(3).number<uint8_t>(1).number<uint8_t>(0).number<uint8_t>(1).value(6);
    payload.number<uint16_t>(0).number<uint8_t>(4).text("data").number<uint8_t>(1);
    payload.number<uint8_t>(3).number<uint16_t>(100).value(1).value(2).value(3).number<uint8_t>(1).number<uint16_t>(50);
    Writer token;
    token.number<uint8_t>(3).number<uint8_t>(1).number<uint8_t>(0).number<uint8_t>(1).value(6);
    token.number<uint16_t>(0).number<uint8_t>(0).number<uint8_t>(192).number<uint8_t>(2).number<uint8_t>(0);
    token.value(1)
        .value(2)
        .value(3)
        .number<uint8_t>(4)
        .number<uint8_t>(0)
        .value(3)
        .number<uint16_t>(20)
        .number<uint8_t>(1);
    token.number<uint8_t>(1).number<uint16_t>(0).number<uint8_t>(0).number<uint8_t>(1).number<uint8_t>(192).value(4);
    token.number<uint8_t>(2).number<uint8_t>(9);
    Writer queue;
    queue.number<uint8_t>(1).number<uint8_t>(1).number<uint8_t>(0).value(3).number<uint8_t>(3);
    return {words.result(), payload.result(), token.result(), queue.result()};
}

}  // namespace kos::fuzz

// --- The kernel, and the parts of libkos around the two files

namespace kos::sel4 {

seL4_IPCBuffer* ipc_buffer() { return &fuzz::world().buffer; }

void svc(SyscallRegisters& r) {
    const auto number = static_cast<int64_t>(r.x7);
    if (number == seL4_SysCall) {
        fuzz::handle_call(r);
    } else if (number == seL4_SysSend) {
        if (r.x0 != fuzz::kQueueSignalSlot) fuzz::check_sent(Tag{r.x1}, r.x3);
    } else {
        if (number == seL4_SysReplyRecv) fuzz::check_sent(Tag{r.x1}, r.x3);
        fuzz::deliver(r);
    }
}

}  // namespace kos::sel4

namespace kos::runtime {

const kos_startup_t* startup;
bool is_serving;

bool same_name(const char* a, const char* b) { return std::strcmp(a, b) == 0; }
Word take_kept_signals() { return 0; }
void* payload_buffer() {
    // Without memory now and then.
    static unsigned char buffer[KOS_PAYLOAD_MAX];
    return fuzz::world().input->below(8) == 7 ? nullptr : buffer;
}
uint64_t thread_pointer() {
    static uint64_t area[64];
    return reinterpret_cast<uint64_t>(&area[32]);
}

}  // namespace kos::runtime

// There is one thread.
void kos_mutex_lock(kos_mutex_t*) { kos::fuzz::require(false, "a lock in a domain of one thread"); }
void kos_mutex_unlock(kos_mutex_t*) {}

void kos_app_alive() {}
kos_status_t kos_app_ready() { return KOS_STATUS_OK; }
uint64_t kos_time_alarm_bits() { return 0; }
kos_status_t kos_dir_bind(const char*) { return KOS_STATUS_OK; }
kos_status_t kos_mem_map(size_t, uint32_t, void**) { return KOS_STATUS_NOT_ENOUGH_MEMORY; }
