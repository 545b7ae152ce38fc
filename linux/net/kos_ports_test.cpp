// /run/kos by sockets of programs against a platform that does what the test says.
#include "net/kos_ports.h"

#include "fs/tmpfs.h"
#include "net/kos_port_connection.h"
#include "task/start.h"
#include "testing/files.h"

#include <kos/status.h>

#include <gtest/gtest.h>

#include <string.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

class FakePorts final : public PortPlatform {
public:
    std::span<const Port> used() override { return used_ports; }
    std::span<const Port> served() override { return served_ports; }
    std::span<const Parameter> parameters() override { return texts; }
    std::span<const Parameter> domain_facts() override { return texts; }
    std::string client_name(uint16_t domain) override { return "client" + std::to_string(domain); }
    std::span<PortJob> jobs() override { return all_jobs; }
    void start(PortJob& job) override { started.push_back(&job); }
    uint32_t cast(unsigned, uint64_t label, std::span<const std::byte>) override {
        casts.push_back(label);
        return cast_status;
    }
    void delete_token(uint64_t token) override { deleted.push_back(token); }
    uint32_t serve() override { return ++serves, KOS_STATUS_OK; }
    uint32_t answer(PortRequest& request, const Answer& given) override {
        answers.push_back({&request, given.status, given.new_token});
        return KOS_STATUS_OK;
    }
    uint32_t revoke_token(unsigned, uint64_t number) override {
        return number == 7 ? KOS_STATUS_OK : KOS_STATUS_NOT_FOUND;
    }
    void take_casts() override { ++cast_looks; }

    struct Given {
        PortRequest* request;
        uint32_t status;
        uint64_t token;
    };
    std::vector<Port> used_ports = {{"one", 4096, true, true, false}, {"two", 0, false, false, false}};
    std::vector<Port> served_ports = {{"mine", 4096, true, true, false}};
    std::vector<Parameter> texts = {{"colour", "green"}};
    std::vector<PortJob> all_jobs = std::vector<PortJob>(3);
    std::vector<PortJob*> started;
    std::vector<uint64_t> casts, deleted;
    std::vector<Given> answers;
    uint32_t cast_status = KOS_STATUS_OK;
    unsigned serves = 0, cast_looks = 0;
};

class Ports : public ::testing::Test {
protected:
    FileWorld world;
    FakePorts platform;
    KosPorts ports{world.system, platform, {.wait = 1'000'000'000, .answer = 2'000'000'000}};

    void SetUp() override {
        world.make_directory("run");
        ASSERT_TRUE(mount_kos(world.system, ports).ok());
    }

    static SocketAddress address(const std::string& path) {
        SocketAddress made("\1\0", 2);
        made += path;
        made.push_back(0);
        return made;
    }
    Ref<Socket> make(int type = kSOCK_SEQPACKET) {
        CurrentThread const current(*world.process->threads.front());
        Ref<Socket> socket = FileWorld::must(UnixSocket::create(*world.process, type, 0));
        socket->flags |= kO_NONBLOCK;
        return socket;
    }
    Errno connect(const Ref<Socket>& socket, const std::string& path) {
        CurrentThread const current(*world.process->threads.front());
        Errno const error = socket->connect(address(path), *world.process).error();
        ports.run();
        return error;
    }
    Ref<Socket> open(const char* name) {
        Ref<Socket> socket = make();
        EXPECT_EQ(connect(socket, std::string("/run/kos/port/") + name), Errno::kOK);
        EXPECT_EQ(receive(socket).kind, KOS_PORT_HELLO);
        return socket;
    }
    Errno send(const Ref<Socket>& socket, const kos_port_record_t& head, size_t payload = 0) {
        std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
        bytes.append(payload, 'x');
        LocalBuffer buffer(bytes.data(), bytes.size());
        SocketMessage message;
        Errno const error = socket->send(buffer, message, *world.process).error();
        ports.run();
        return error;
    }
    // kind 0: nothing there.
    kos_port_record_t receive(const Ref<Socket>& socket) {
        char bytes[8192] = {};
        LocalBuffer buffer(bytes, sizeof bytes);
        SocketMessage message;
        auto const length = socket->receive(buffer, message, *world.process);
        files.clear();
        for (auto& control : message.control) files.insert(files.end(), control.files.begin(), control.files.end());
        kos_port_record_t head{};
        if (length.ok() && *length >= sizeof head) memcpy(&head, bytes, sizeof head);
        ports.run();
        return head;
    }
    static kos_port_record_t call(uint64_t id, uint32_t label = 1) {
        kos_port_record_t head{};
        head.version = KOS_PORT_VERSION;
        head.kind = KOS_PORT_CALL;
        head.label = label;
        head.call_id = id;
        return head;
    }
    static kos_port_record_t small(uint64_t id) {
        kos_port_record_t head = call(id);
        head.flags = KOS_PORT_SMALL;
        return head;
    }
    void finish(PortJob* job, uint32_t status, bool is_answer = true) {
        std::erase(platform.started, job);
        job->status = status;
        job->is_answer = is_answer;
        ports.job_done(*job);
        ports.run();
    }
    PortJob* job_of(uint64_t id) {
        for (PortJob* job : platform.started) {
            if (job->call_id == id) return job;
        }
        return nullptr;
    }
    Ref<Socket> listen() {
        Ref<Socket> socket = make();
        CurrentThread const current(*world.process->threads.front());
        EXPECT_TRUE(socket->bind(address("/run/kos/bind/mine"), *world.process).ok());
        EXPECT_TRUE(socket->listen(4).ok());
        ports.run();
        return socket;
    }
    Ref<Socket> accept(const Ref<Socket>& listener) {
        SocketAddress peer;
        auto made = listener->accept(peer);
        if (!made.ok()) return {};
        (*made)->flags |= kO_NONBLOCK;
        EXPECT_EQ(receive(*made).kind, KOS_PORT_HELLO);
        return *made;
    }

    std::vector<Ref<File>> files;
};

TEST_F(Ports, Names) {
    EXPECT_EQ(connect(make(), "/run/kos/port/three"), Errno::kENOENT);
    EXPECT_EQ(connect(make(), "/run/kos/port/mine"), Errno::kENOENT);
    EXPECT_EQ(connect(make(kSOCK_STREAM), "/run/kos/port/one"), Errno::kEPROTOTYPE);
    EXPECT_EQ(world.read("/run/kos/parameters/colour"), "green");
    EXPECT_EQ(world.read("/run/kos/parameters/taste"), "!2");
    EXPECT_EQ(world.list("/run/kos/port"), (std::vector<std::string>{".", "..", "one", "two"}));
    EXPECT_EQ(world.list("/run/kos/bind"), (std::vector<std::string>{".", ".."}));
}

TEST_F(Ports, CallAndAnswer) {
    auto const socket = open("one");
    EXPECT_EQ(send(socket, call(5), 100), Errno::kOK);
    ASSERT_EQ(platform.started.size(), 1u);
    PortJob* const job = platform.started[0];
    EXPECT_EQ(job->message.payload_bytes, 100u);
    EXPECT_EQ(job->time_ms, uint32_t{KOS_PORT_TIME_MS});
    job->message.param = 9;
    finish(job, KOS_STATUS_CREATED);
    auto const answer = receive(socket);
    EXPECT_EQ(answer.kind, KOS_PORT_REPLY);
    EXPECT_EQ(answer.label, KOS_STATUS_CREATED);
    EXPECT_EQ(answer.call_id, 5u);
    EXPECT_EQ(answer.param, 9u);
}

// As in a domain whose manifest has no threads for calls.
TEST_F(Ports, ACallWithoutThreadsIsRefusedAtOnce) {
    platform.all_jobs.clear();
    platform.used_ports[0].is_send_only = true;
    auto const socket = open("one");
    EXPECT_EQ(send(socket, call(5), 100), Errno::kOK);
    auto const answer = receive(socket);
    EXPECT_EQ(answer.kind, KOS_PORT_STATUS);
    EXPECT_EQ(answer.label, KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(answer.call_id, 5u);
}

TEST_F(Ports, OneThreadIsLeftForEachOtherPort) {
    auto const one = open("one");
    auto const two = open("two");
    for (uint64_t id = 1; id <= 5; ++id) EXPECT_EQ(send(one, small(id)), Errno::kOK);
    EXPECT_EQ(platform.started.size(), 2u);
    EXPECT_EQ(send(two, call(77)), Errno::kOK);
    ASSERT_NE(job_of(77), nullptr);
    finish(job_of(77), KOS_STATUS_OK);
    EXPECT_EQ(platform.started.size(), 2u);
    finish(job_of(1), KOS_STATUS_OK);
    EXPECT_NE(job_of(3), nullptr);
    while (!platform.started.empty()) finish(platform.started[0], KOS_STATUS_OK);
    std::vector<uint64_t> ids;
    for (auto answer = receive(one); answer.kind; answer = receive(one)) ids.push_back(answer.call_id);
    EXPECT_EQ(ids.size(), 5u);
}

TEST_F(Ports, ServerGoneIsToldOnce) {
    auto const one = open("one");
    auto const again = open("one");
    EXPECT_EQ(send(one, small(1)), Errno::kOK);
    EXPECT_EQ(send(one, small(2)), Errno::kOK);
    finish(job_of(1), KOS_STATUS_PEER_GONE, false);
    finish(job_of(2), KOS_STATUS_PEER_GONE, false);
    EXPECT_EQ(receive(one).kind, KOS_PORT_STATUS);
    EXPECT_EQ(receive(one).kind, KOS_PORT_GONE);
    EXPECT_EQ(receive(one).kind, KOS_PORT_STATUS);
    EXPECT_EQ(receive(one).kind, 0);
    EXPECT_EQ(receive(again).kind, KOS_PORT_GONE);
    EXPECT_EQ(receive(again).kind, 0);
    EXPECT_EQ(send(one, small(3)), Errno::kOK);
    finish(job_of(3), KOS_STATUS_PEER_GONE, false);
    EXPECT_EQ(receive(one).kind, KOS_PORT_STATUS);
    EXPECT_EQ(receive(one).kind, KOS_PORT_GONE);
}

TEST_F(Ports, CallsWithPayloadOneAfterTheOther) {
    auto const one = open("one");
    EXPECT_EQ(send(one, call(1), 10), Errno::kOK);
    EXPECT_EQ(send(one, call(2), 10), Errno::kOK);
    EXPECT_EQ(platform.started.size(), 1u);
    finish(job_of(1), KOS_STATUS_OK);
    EXPECT_NE(job_of(2), nullptr);
    auto const again = open("one");
    EXPECT_EQ(send(again, small(3)), Errno::kOK);
    EXPECT_NE(job_of(3), nullptr);
}

TEST_F(Ports, CastFindsItsServerFirst) {
    auto const one = open("one");
    auto cast = call(8, 3);
    cast.kind = KOS_PORT_CAST;
    EXPECT_EQ(send(one, cast, 8), Errno::kOK);
    ASSERT_EQ(platform.started.size(), 1u);
    EXPECT_FALSE(platform.started[0]->is_call);
    EXPECT_TRUE(platform.casts.empty());
    finish(platform.started[0], KOS_STATUS_TIMEOUT, false);
    auto const refused = receive(one);
    EXPECT_EQ(refused.kind, KOS_PORT_STATUS);
    EXPECT_EQ(refused.label, KOS_STATUS_TIMEOUT);
    EXPECT_EQ(send(one, cast, 8), Errno::kOK);
    finish(platform.started[0], KOS_STATUS_OK, false);
    EXPECT_EQ(platform.casts, (std::vector<uint64_t>{3}));
    platform.cast_status = KOS_STATUS_FULL;
    EXPECT_EQ(send(one, cast, 8), Errno::kOK);
    EXPECT_EQ(receive(one).label, KOS_STATUS_FULL);
}

TEST_F(Ports, AbandonedCallGivesItsTokenBack) {
    auto one = open("one");
    EXPECT_EQ(send(one, call(1)), Errno::kOK);
    PortJob* const job = job_of(1);
    one = {};
    ports.run();
    EXPECT_EQ(ports.connections(), 0u);
    job->message.token = 44;
    finish(job, KOS_STATUS_OK);
    EXPECT_EQ(platform.deleted, (std::vector<uint64_t>{44}));
}

TEST_F(Ports, Tokens) {
    auto const one = open("one");
    EXPECT_EQ(send(one, call(1)), Errno::kOK);
    job_of(1)->message.token = 44;
    finish(job_of(1), KOS_STATUS_OK);
    auto const answer = receive(one);
    EXPECT_EQ(answer.flags, uint32_t{KOS_PORT_TOKEN});
    ASSERT_EQ(files.size(), 1u);
    Ref<Socket> token(files[0]->as_socket());
    files.clear();
    token->flags |= kO_NONBLOCK;
    EXPECT_EQ(receive(token).kind, KOS_PORT_HELLO);
    EXPECT_EQ(send(token, call(2)), Errno::kOK);
    ASSERT_NE(job_of(2), nullptr);
    EXPECT_EQ(job_of(2)->target, 44u);
    token = {};
    ports.run();
    EXPECT_TRUE(platform.deleted.empty());  // the call has it still
    finish(job_of(2), KOS_STATUS_OK);
    EXPECT_EQ(platform.deleted, (std::vector<uint64_t>{44}));
}

TEST_F(Ports, ServesClients) {
    auto listener = listen();
    EXPECT_EQ(platform.serves, 1u);
    EXPECT_EQ(world.list("/run/kos/bind").size(), 3u);
    PortRequest first, second;
    first.domain = second.domain = 9;
    first.message.param = 3;
    ports.request(first);
    ports.request(second);
    ports.run();
    auto const client = accept(listener);
    ASSERT_TRUE(client);
    auto const one = receive(client), two = receive(client);
    EXPECT_EQ(one.kind, KOS_PORT_CALL);
    EXPECT_EQ(one.param, 3u);
    auto reply = two;
    reply.kind = KOS_PORT_REPLY;
    reply.label = KOS_STATUS_OK;
    EXPECT_EQ(send(client, reply), Errno::kOK);
    ASSERT_EQ(platform.answers.size(), 1u);
    EXPECT_EQ(platform.answers[0].request, &second);
    EXPECT_EQ(send(client, reply), Errno::kOK);  // once more
    EXPECT_EQ(receive(client).label, KOS_STATUS_NOT_FOUND);
    reply.call_id = one.call_id;
    reply.label = 12;
    EXPECT_EQ(send(client, reply), Errno::kOK);
    EXPECT_EQ(receive(client).label, KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(platform.answers.back().status, KOS_STATUS_INTERNAL_ERROR);
}

TEST_F(Ports, EndsOfServing) {
    PortRequest request;
    request.domain = 4;
    ports.request(request);  // nobody listens
    ports.run();
    auto const pass = [&](int tenths) {
        for (int i = 0; i < tenths; ++i) world.pass(100'000'000), ports.run();
    };
    pass(9);
    EXPECT_TRUE(platform.answers.empty());
    pass(2);
    ASSERT_EQ(platform.answers.size(), 1u);
    EXPECT_EQ(platform.answers[0].status, KOS_STATUS_UNAVAILABLE);
    auto listener = listen();
    ports.request(request);
    ports.run();
    auto client = accept(listener);
    EXPECT_EQ(receive(client).kind, KOS_PORT_CALL);
    client = {};
    ports.run();
    ASSERT_EQ(platform.answers.size(), 2u);
    EXPECT_EQ(platform.answers[1].status, KOS_STATUS_PEER_GONE);
    ports.request(request);
    ports.run();
    client = accept(listener);
    ASSERT_TRUE(client);
    EXPECT_EQ(receive(client).kind, KOS_PORT_CALL);
    pass(25);
    ASSERT_EQ(platform.answers.size(), 3u);
    EXPECT_EQ(platform.answers[2].status, KOS_STATUS_TIMEOUT);
    listener = {};
    EXPECT_EQ(world.list("/run/kos/bind").size(), 2u);
    EXPECT_TRUE(listen());
    EXPECT_EQ(platform.serves, 1u);
}

}  // namespace
