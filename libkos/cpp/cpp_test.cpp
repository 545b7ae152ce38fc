// The C++ wrapper over a fake of the C API: what it hands on, what it owns, what it gives back.
#include <kos/cpp/all.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Fake {
    std::vector<kos_token_t> deleted;
    kos_status_t call_status = KOS_STATUS_OK;
    kos_msg_t last{};
    kos_msg_t answer{};
    uint64_t deadline = 0;
    std::vector<std::string> log;
    std::vector<kos_deferred_t> answered;
    std::vector<kos_status_t> answered_with;
    kos_status_t thread_status = KOS_STATUS_CREATED;
    kos_status_t start_status = KOS_STATUS_OK;
    int stopped = 0;
    kos_server_t* server = nullptr;
};
Fake fake;

class Cpp : public testing::Test {
protected:
    void SetUp() override { fake = Fake{}; }
};

alignas(64) unsigned char ring_memory[1024];
alignas(64) unsigned char registers[64];

}  // namespace

struct kos_thread {
    std::thread thread;
    kos_thread_fn_t fn;
    void* param;
};

extern "C" {

const char* kos_status_name(kos_status_t status) { return status == KOS_STATUS_FULL ? "FULL" : "other"; }
void kos_assert_failed(const char* what, const char*, int) { throw std::logic_error(what); }
void kos_stop(const char* reason) { throw std::logic_error(reason); }

kos_status_t kos_msg_token_create(const char*, uint64_t number, uint32_t, uint16_t, kos_token_t* token) {
    if (number == 0) return KOS_STATUS_INVALID_ARGUMENT;
    *token = number + 100;
    return KOS_STATUS_CREATED;
}
kos_status_t kos_msg_token_delete(kos_token_t token) {
    fake.deleted.push_back(token);
    return KOS_STATUS_OK;
}
kos_status_t kos_msg_call(kos_slot_t, kos_msg_t* message) {
    fake.last = *message;
    if (!kos_status_is_ok(fake.call_status)) return fake.call_status;
    *message = fake.answer;
    return fake.call_status;
}
kos_status_t kos_msg_call_until(kos_slot_t target, kos_msg_t* message, uint64_t deadline_ticks) {
    fake.deadline = deadline_ticks;
    return kos_msg_call(target, message);
}
kos_status_t kos_msg_call_words(kos_slot_t, uint64_t label, uint64_t* param, uint64_t words[2]) {
    if (!kos_status_is_ok(fake.call_status)) return fake.call_status;
    *param += label;
    words[0] += words[1];
    return KOS_STATUS_OK;
}
kos_status_t kos_msg_send(kos_slot_t, uint64_t, const void*, size_t size_bytes) {
    return size_bytes > KOS_QUEUE_INLINE_BYTES ? KOS_STATUS_INVALID_ARGUMENT : KOS_STATUS_OK;
}
kos_status_t kos_msg_ping(kos_slot_t) { return KOS_STATUS_PONG; }
kos_status_t kos_dir_request_until(const char* port, uint64_t, kos_slot_t* connection) {
    if (strcmp(port, "sensor") != 0) return KOS_STATUS_UNAUTHORIZED;
    *connection = 33;
    return KOS_STATUS_OK;
}
kos_status_t kos_server_run(kos_server_t* server) {
    fake.server = server;
    return KOS_STATUS_OK;
}
kos_status_t kos_server_defer(kos_server_t*, const kos_caller_t* caller, kos_deferred_t* deferred) {
    *deferred = {77, *caller};
    return KOS_STATUS_OK;
}
void kos_server_answer(const kos_deferred_t* deferred, kos_status_t status, const kos_msg_t*) {
    fake.answered.push_back(*deferred);
    fake.answered_with.push_back(status);
}
kos_status_t kos_log(enum kos_log_level, const char* format, ...) {
    EXPECT_STREQ(format, "%s");
    va_list arguments;
    va_start(arguments, format);
    fake.log.push_back(va_arg(arguments, const char*));
    va_end(arguments);
    return KOS_STATUS_OK;
}
kos_status_t kos_thread_create(kos_thread_fn_t fn, void* param, int, kos_thread_t** thread) {
    if (!kos_status_is_ok(fake.thread_status)) return fake.thread_status;
    *thread = new kos_thread{{}, fn, param};
    return KOS_STATUS_CREATED;
}
kos_status_t kos_thread_start(kos_thread_t* thread) {
    if (kos_status_is_ok(fake.start_status)) thread->thread = std::thread(thread->fn, thread->param);
    return fake.start_status;
}
kos_status_t kos_thread_join(kos_thread_t* thread) {
    thread->thread.join();
    delete thread;
    return KOS_STATUS_OK;
}
kos_status_t kos_thread_join_until(kos_thread_t*, uint64_t) { return KOS_STATUS_TIMEOUT; }
kos_status_t kos_thread_stop(kos_thread_t* thread) {
    ++fake.stopped;
    if (thread->thread.joinable()) thread->thread.join();
    delete thread;
    return KOS_STATUS_OK;
}
kos_status_t kos_dev_find(const char*, kos_device_t* device) {
    *device = {registers, 0x1000, sizeof registers};
    return KOS_STATUS_OK;
}
kos_status_t kos_dev_interrupt(const char*, kos_interrupt_t* interrupt) {
    *interrupt = {5, 1ull << 32, 40};
    return KOS_STATUS_OK;
}
void kos_dev_interrupt_acknowledge(const kos_interrupt_t*) {}
kos_status_t kos_dev_dma(const char* name, kos_dma_t* memory) {
    if (strcmp(name, "none") == 0) return KOS_STATUS_NOT_FOUND;
    *memory = {ring_memory, 0x2000, sizeof ring_memory};
    return KOS_STATUS_OK;
}
kos_status_t kos_ring_open(const char* name, kos_ring_t* ring) {
    return kos_ring_core_open(&ring->core, ring_memory, sizeof ring_memory, name[0] == 'p') == KOS_RING_OK
               ? KOS_STATUS_OK
               : KOS_STATUS_INVALID_ARGUMENT;
}
kos_status_t kos_ring_send(kos_ring_t* ring, uint32_t tag, const void* bytes, size_t count) {
    void* payload = nullptr;
    if (kos_ring_core_reserve(&ring->core, count, &payload) != KOS_RING_OK) return KOS_STATUS_FULL;
    memcpy(payload, bytes, count);
    return kos_ring_core_commit(&ring->core, count, tag) == KOS_RING_OK ? KOS_STATUS_OK : KOS_STATUS_FULL;
}
kos_status_t kos_ring_receive(kos_ring_t* ring, void* bytes, size_t count, size_t* length, uint32_t* tag) {
    return kos_ring_core_receive(&ring->core, bytes, count, length, tag) == KOS_RING_OK ? KOS_STATUS_OK
                                                                                        : KOS_STATUS_EMPTY;
}
}

namespace {

// --- Result

struct Counted {
    static inline int alive = 0;
    explicit Counted(int value_in) : value(value_in) { ++alive; }
    Counted(Counted&& other) noexcept : value(other.value) { ++alive; }
    Counted(const Counted& other) : value(other.value) { ++alive; }
    Counted& operator=(const Counted&) = default;
    ~Counted() { --alive; }
    int value;
};

kos::Result<Counted> make(int value) {
    if (value < 0) return KOS_STATUS_INVALID_ARGUMENT;
    return Counted(value);
}
kos::Result<int> twice(int value) {
    Counted const got = KOS_TRY(make(value));
    return got.value * 2;
}
kos::Status check(int value) {
    KOS_TRY(twice(value));
    KOS_TRY(kos::Status(KOS_STATUS_CREATED));
    KOS_TRY(static_cast<kos_status_t>(value == 7 ? KOS_STATUS_FULL : KOS_STATUS_OK));
    return KOS_STATUS_OK;
}

TEST_F(Cpp, ResultCarriesValueOrFailure) {
    {
        kos::Result<Counted> good = make(3);
        EXPECT_TRUE(good.ok());
        EXPECT_EQ(good.value().value, 3);
        kos::Result<Counted> copy = good;
        EXPECT_EQ(Counted::alive, 2);
        copy = make(-1);
        EXPECT_FALSE(copy.ok());
        EXPECT_EQ(copy.status().code(), KOS_STATUS_INVALID_ARGUMENT);
        EXPECT_EQ(Counted::alive, 1);
        EXPECT_THROW((void)copy.value(), std::logic_error);
        copy = make(4);
        EXPECT_EQ(std::move(copy).value_or(Counted(9)).value, 4);
        EXPECT_EQ(make(-1).value_or(Counted(9)).value, 9);
    }
    EXPECT_EQ(Counted::alive, 0);
}

TEST_F(Cpp, TryHandsTheFailureUp) {
    EXPECT_EQ(twice(4).value(), 8);
    EXPECT_EQ(twice(-4).status().code(), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_TRUE(check(1).ok());
    EXPECT_EQ(check(-1).code(), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(check(7).code(), KOS_STATUS_FULL);
    EXPECT_EQ(Counted::alive, 0);
}

TEST_F(Cpp, ResultMayHoldWhatOnlyMoves) {
    kos::Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
    kos::Result<std::unique_ptr<int>> moved = std::move(result);
    EXPECT_EQ(*std::move(moved).value(), 5);
    kos::Result<int> const no_value{kos::Status(KOS_STATUS_OK)};
    EXPECT_EQ(no_value.status().code(), KOS_STATUS_INTERNAL_ERROR);
}

// --- Messages

TEST_F(Cpp, TokensGiveTheirSlotBackOnce) {
    {
        kos::Token first = kos::Token::create("port", 5, 2).value();
        EXPECT_EQ(first.slot(), 105u);
        kos::Token second = std::move(first);
        EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left behind is what is tested
        kos::Token third = kos::Token::create("port", 6, 2).value();
        third = std::move(second);
        kos::Token given = kos::Token::create("port", 7, 2).value();
        EXPECT_EQ(given.release(), 107u);
    }
    std::sort(fake.deleted.begin(), fake.deleted.end());
    EXPECT_EQ(fake.deleted, (std::vector<kos_token_t>{105, 106}));
    EXPECT_EQ(kos::Token::create("port", 0, 2).status().code(), KOS_STATUS_INVALID_ARGUMENT);
}

TEST_F(Cpp, CallsCarryEverythingThereAndBack) {
    kos::Connection const sensor = kos::Connection::request("sensor").value();
    EXPECT_EQ(sensor.slot(), 33u);
    EXPECT_EQ(kos::Connection::request("other").status().code(), KOS_STATUS_UNAUTHORIZED);
    unsigned char const payload[] = {1, 2, 3};
    fake.answer.param = 9;
    fake.answer.words[1] = 8;
    fake.answer.payload = payload;
    fake.answer.payload_bytes = 2;
    fake.answer.token = 44;
    {
        kos::Result<kos::Answer> const answer =
            sensor.call({.label = 4, .param = 5, .words = {6, 7}, .has_words = true, .payload = payload, .token = 8});
        ASSERT_TRUE(answer.ok());
        EXPECT_EQ(fake.last.label, 4u);
        EXPECT_EQ(fake.last.param, 5u);
        EXPECT_EQ(fake.last.words[1], 7u);
        EXPECT_EQ(fake.last.has_words, 1);
        EXPECT_EQ(fake.last.payload_bytes, 3u);
        EXPECT_EQ(fake.last.token, 8u);
        EXPECT_EQ(answer.value().param, 9u);
        EXPECT_EQ(answer.value().words[1], 8u);
        EXPECT_EQ(answer.value().payload.size(), 2u);
        EXPECT_EQ(answer.value().token.slot(), 44u);
    }
    EXPECT_EQ(fake.deleted, std::vector<kos_token_t>{44}) << "the answer's token, not the request's";
    EXPECT_EQ(sensor.call_words(3, 10, 1, 2).value().param, 13u);
    EXPECT_EQ(sensor.call_words(3, 10, 1, 2).value().words[0], 3u);
    fake.call_status = KOS_STATUS_PEER_GONE;
    EXPECT_EQ(sensor.call({.label = 1}).status().code(), KOS_STATUS_PEER_GONE);
    EXPECT_EQ(sensor.call({.label = 1}, kos::Deadline::at_ticks(55)).status().code(), KOS_STATUS_PEER_GONE);
    EXPECT_EQ(fake.deadline, 55u);
    EXPECT_EQ(sensor.call_words(3).status().code(), KOS_STATUS_PEER_GONE);
    EXPECT_TRUE(sensor.ping().ok());
    // Only its size is looked at.
    std::span<const unsigned char> const long_one(payload, (size_t{1} << 32) + 1);
    (void)sensor.call({.label = 1, .payload = long_one});
    EXPECT_GT(fake.last.payload_bytes, unsigned{KOS_PAYLOAD_MAX}) << "not cut to 32 bits";
}

class Counter : public kos::Server<Counter> {
public:
    kos::Status call(const kos::Caller& caller, kos::Message& request, kos::Reply& reply) {
        if (request.label == 2) {
            waiting.push_back(KOS_TRY(defer(caller)));
            return KOS_STATUS_NO_REPLY;
        }
        if (request.label == 3) kept = std::move(request.token);
        reply.param = total += request.param;
        return KOS_STATUS_OK;
    }
    void signalled(uint64_t bits) { signals |= bits; }
    uint64_t total = 0;
    uint64_t signals = 0;
    kos::Token kept;
    std::vector<kos::Deferred> waiting;
};

TEST_F(Cpp, ServerCallsTheClass) {
    {
        Counter counter;
        EXPECT_TRUE(counter.run().ok());
        ASSERT_NE(fake.server, nullptr);
        EXPECT_EQ(fake.server->queued, nullptr) << "the class has none";
        kos_caller_t const caller{3, 1, 0};
        kos_msg_t request{};
        request.param = 5;
        request.token = 60;
        kos_msg_t answer{};
        EXPECT_EQ(fake.server->call(fake.server, &caller, &request, &answer), KOS_STATUS_OK);
        EXPECT_EQ(answer.param, 5u);
        EXPECT_EQ(fake.deleted, std::vector<kos_token_t>{60}) << "nobody kept it";
        request.label = 3;
        request.token = 61;
        EXPECT_EQ(fake.server->call(fake.server, &caller, &request, &answer), KOS_STATUS_OK);
        EXPECT_EQ(counter.kept.slot(), 61u);
        fake.server->signalled(fake.server, 6);
        EXPECT_EQ(counter.signals, 6u);
        request = {};
        request.label = 2;
        EXPECT_EQ(fake.server->call(fake.server, &caller, &request, &answer), KOS_STATUS_NO_REPLY);
        EXPECT_EQ(fake.server->call(fake.server, &caller, &request, &answer), KOS_STATUS_NO_REPLY);
        counter.waiting[0].answer(KOS_STATUS_OK);
        counter.waiting[0].answer(KOS_STATUS_OK);
        EXPECT_EQ(fake.answered.size(), 1u) << "once";
    }
    EXPECT_EQ(fake.answered_with, (std::vector<kos_status_t>{KOS_STATUS_OK, KOS_STATUS_INTERNAL_ERROR}));
}

// --- Threads, rings, devices, lines

TEST_F(Cpp, ThreadsRunACallableAndAreJoined) {
    auto const shared = std::make_shared<int>(0);
    {
        kos::Thread thread = kos::Thread::start([shared] { *shared = 5; }).value();
        EXPECT_TRUE(thread);
        EXPECT_EQ(thread.join_until(kos::Deadline::at_ticks(0)).code(), KOS_STATUS_TIMEOUT);
        EXPECT_TRUE(thread);
    }
    EXPECT_EQ(*shared, 5);
    EXPECT_EQ(shared.use_count(), 1) << "the callable is destroyed";
    fake.thread_status = KOS_STATUS_FULL;
    EXPECT_EQ(kos::Thread::start([shared] {}).status().code(), KOS_STATUS_FULL);
    fake.thread_status = KOS_STATUS_CREATED;
    fake.start_status = KOS_STATUS_INTERNAL_ERROR;
    EXPECT_FALSE(kos::Thread::start([shared] {}).ok());
    EXPECT_EQ(fake.stopped, 1);
    EXPECT_EQ(shared.use_count(), 1);
}

TEST_F(Cpp, RingsHaveADirection) {
    memset(ring_memory, 0, sizeof ring_memory);
    kos::RingProducer producer = kos::RingProducer::open("p").value();
    kos::RingConsumer consumer = kos::RingConsumer::open("c").value();
    EXPECT_FALSE(kos::RingConsumer::open("p").ok());
    EXPECT_FALSE(kos::RingProducer::open("c").ok());
    producer = kos::RingProducer::open("p").value();
    consumer = kos::RingConsumer::open("c").value();
    unsigned char const bytes[] = {1, 2, 3};
    unsigned char buffer[10];
    EXPECT_EQ(consumer.receive(buffer).status().code(), KOS_STATUS_EMPTY);
    EXPECT_TRUE(producer.send(6, bytes).ok());
    kos::RingConsumer::Record const record = consumer.receive(buffer).value();
    EXPECT_EQ(record.payload.size(), 3u);
    EXPECT_EQ(record.payload[2], 3);
    EXPECT_EQ(record.tag, 6u);
}

TEST_F(Cpp, DevicesCheckTheirOffsets) {
    kos::Device const device = kos::Device::find("uart").value();
    device.write32(60, 0xabcd);
    EXPECT_EQ(device.read32(60), 0xabcdu);
    EXPECT_EQ(device.read<uint8_t>(60), 0xcd);
    EXPECT_THROW((void)device.read32(64), std::logic_error);
    EXPECT_THROW((void)device.read32(62), std::logic_error);
    EXPECT_THROW((void)device.read<uint64_t>(60), std::logic_error);
    EXPECT_THROW((void)device.read32(UINT64_MAX - 3), std::logic_error);
    EXPECT_TRUE(kos::Interrupt::find("uart").value().is_in(1ull << 32));
    kos::Dma const dma = kos::Dma::find("uart").value();
    EXPECT_EQ(dma.physical(8), 0x2008u);
    EXPECT_THROW((void)dma.at<uint64_t>(sizeof ring_memory - 4), std::logic_error);
    EXPECT_THROW((void)dma.at<uint64_t>(4), std::logic_error);
    EXPECT_NE(dma.at<uint64_t>(8), nullptr);
    EXPECT_EQ(kos::Dma::find("none").status().code(), KOS_STATUS_NOT_FOUND);
}

enum class Colour : uint8_t { kRed = 2 };

TEST_F(Cpp, LinesFormatByType) {
    kos::Line line;
    line << "a" << -5 << ' ' << INT64_MIN << ' ' << UINT64_MAX << ' ' << true << ' ' << kos::hex(0xbeef) << ' '
         << kos::Status(KOS_STATUS_FULL) << ' ' << Colour::kRed << ' ' << static_cast<const char*>(nullptr);
    EXPECT_STREQ(line.text(), "a-5 -9223372036854775808 18446744073709551615 true beef FULL 2 (null)");
    kos::Line long_line;
    for (int i = 0; i < 100; ++i) long_line << "0123456789";
    EXPECT_EQ(strlen(long_line.text()), 240u);
    kos::log_info("n ", 1, "%s");
    EXPECT_EQ(fake.log, std::vector<std::string>{"n 1%s"}) << "no format string, so nothing in it is one";
}

}  // namespace
