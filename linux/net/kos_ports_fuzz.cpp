/*
 * The hub of /run/kos/port and /run/kos/bind between programs that write any record, and native threads, servers and
 * clients that do whatever a hostile domain makes of them: answers of any form, ends, casts, tokens. What must not
 * happen: more connections than there may be, a hub that is never idle, a request of a client that is answered twice or
 * never, a token that is not given back.
 */
#include "net/kos_ports.h"

#include "net/kos_port_connection.h"
#include "task/start.h"
#include "testing/files.h"

#include <kos/status.h>

#include <map>
#include <set>

#include "fuzz.h"

namespace kos::fuzz {
namespace {

using namespace lx;
using namespace lx::testing;

enum Step : uint8_t {
    kConnect,
    kServe,
    kAccept,
    kRecord,
    kRaw,
    kRead,
    kClose,
    kJobDone,
    kRequest,
    kCast,
    kNotice,
    kTime,
    kSteps
};

class Hostile final : public PortPlatform {
public:
    std::span<const Port> used() override { return used_; }
    std::span<const Port> served() override { return served_; }
    std::span<const Parameter> parameters() override { return {}; }
    std::span<const Parameter> domain_facts() override { return {}; }
    std::string client_name(uint16_t domain) override { return "client" + std::to_string(domain); }
    std::span<PortJob> jobs() override { return jobs_; }
    void start(PortJob& job) override {
        require(started.insert(&job).second, "a thread gets two jobs");
        require(job.port <= used_.size(), "no such port");
    }
    uint32_t cast(unsigned port, uint64_t, std::span<const std::byte> bytes) override {
        require(port < used_.size() && bytes.size() <= KOS_PORT_CAST_MAX, "a cast that cannot be");
        return KOS_STATUS_OK;
    }
    void delete_token(uint64_t token) override { require(tokens.erase(token) == 1, "a token is given back twice"); }
    uint32_t serve() override { return KOS_STATUS_OK; }
    uint32_t answer(PortRequest& request, const Answer& answer) override {
        require(requests.erase(&request) == 1, "a request is answered that is none");
        require(!answer.message || answer.message->payload_bytes <= KOS_PORT_PAYLOAD_MAX, "too long an answer");
        return KOS_STATUS_OK;
    }
    uint32_t revoke_token(unsigned, uint64_t) override { return KOS_STATUS_NOT_FOUND; }
    void take_casts() override {}

    uint64_t new_token() {
        tokens.insert(++last_token_);
        return last_token_;
    }
    std::set<PortJob*> started;
    std::map<PortRequest*, std::unique_ptr<PortRequest>> requests;
    std::set<uint64_t> tokens;  // that the hub has

private:
    std::vector<Port> used_ = {
        {"one", 4096, true, true, false}, {"two", 0, false, false, false}, {"queue", 0, true, false, true}};
    std::vector<Port> served_ = {{"mine", 4096, true, true, false}};
    std::vector<PortJob> jobs_ = std::vector<PortJob>(3);
    uint64_t last_token_ = 0;
};

class Target {
public:
    Target() : thread_(*world_.process->threads.front()) {
        world_.make_directory("run");
        require(mount_kos(world_.system, *ports_).ok(), "no /run/kos");
    }
    // Everything that was begun ends with the hub's last moments: no token and no request is left.
    ~Target() {
        sockets_.clear();
        files_.clear();
        listener_ = {};
        settle();
        while (!platform_.started.empty()) done(*platform_.started.begin(), KOS_STATUS_PEER_GONE, false);
        for (int turn = 0; turn < 3 && !platform_.requests.empty(); ++turn) {
            world_.time.now += 100'000'000'000;
            world_.system.timers.expire();
            settle();
        }
        require(platform_.requests.empty(), "a client waits for ever");
        require(ports_->connections() == 0, "a connection is left");
        require(platform_.tokens.empty(), "a token is kept");
    }

    void step(Reader& input) {
        switch (input.below(kSteps)) {
            case kConnect: connect(input); break;
            case kServe: serve(); break;
            case kAccept: accept(); break;
            case kRecord: record(input); break;
            case kRaw: send(input, input.bytes(input.number<uint16_t>() % 5000), {}); break;
            case kRead: read(input); break;
            case kClose:
                if (!sockets_.empty()) sockets_.erase(sockets_.begin() + input.below(255) % sockets_.size());
                if (input.below(4) == 0) files_.clear();
                break;
            case kJobDone: job_done(input); break;
            case kRequest: request(input); break;
            case kCast: {
                std::byte const bytes[KOS_PORT_CAST_MAX] = {};
                (void)ports_->cast(0, input.number<uint8_t>(), input.value(), std::span(bytes).first(input.below(48)));
                break;
            }
            case kNotice: ports_->notice(input.below(2) ? "one" : "nobody"); break;
            default:
                world_.time.now += static_cast<Nanoseconds>(input.number<uint32_t>());
                world_.system.timers.expire();
                break;
        }
        settle();
        require(ports_->connections() <= KosPorts::kConnectionsMax, "too many connections");
    }

private:
    static SocketAddress address(const char* path) {
        SocketAddress made("\1\0", 2);
        made += path;
        made.push_back(0);
        return made;
    }
    void settle() {
        unsigned turns = 0;
        while (ports_->has_work()) {
            ports_->run();
            require(++turns < 1000, "never idle");
        }
    }
    Ref<Socket> make() {
        Ref<Socket> socket = FileWorld::must(UnixSocket::create(*world_.process, kSOCK_SEQPACKET, 0));
        socket->flags |= kO_NONBLOCK;
        return socket;
    }
    void connect(Reader& input) {
        constexpr const char* kPaths[] = {"/run/kos/port/one", "/run/kos/port/two", "/run/kos/port/queue",
                                          "/run/kos/port/none"};
        if (sockets_.size() > 100) return;
        Ref<Socket> const socket = make();
        if (socket->connect(address(kPaths[input.below(4)]), *world_.process).ok()) sockets_.push_back(socket);
    }
    void serve() {
        if (listener_) {
            listener_ = {};
            return;
        }
        Ref<Socket> const socket = make();
        bool const is_bound = socket->bind(address("/run/kos/bind/mine"), *world_.process).ok();
        if (is_bound && socket->listen(4).ok()) listener_ = socket;
    }
    void accept() {
        SocketAddress peer;
        if (!listener_ || sockets_.size() > 100) return;
        if (auto made = listener_->accept(peer); made.ok()) sockets_.push_back(made.take());
    }
    void send(Reader& input, Bytes bytes, Ref<File> file) {
        if (sockets_.empty()) return;
        Buffer copy(bytes.begin(), bytes.end());
        LocalBuffer buffer(copy.data(), copy.size());
        SocketMessage message;
        if (file) {
            ControlMessage rights;
            rights.level = kSOL_SOCKET;
            rights.type = kSCM_RIGHTS;
            rights.files.push_back(std::move(file));
            message.control.push_back(std::move(rights));
        }
        (void)sockets_[input.below(255) % sockets_.size()]->send(buffer, message, *world_.process);
    }
    // Nearly a good one.
    void record(Reader& input) {
        kos_port_record_t head{};
        head.version = KOS_PORT_VERSION;
        head.kind = static_cast<uint16_t>(input.below(10));
        head.flags = input.number<uint8_t>();
        head.label = input.number<uint8_t>();
        head.call_id = input.below(8);
        head.token = input.below(3) ? 0 : input.value();
        head.time_ms = input.below(3) ? 0 : input.number<uint32_t>();
        if (head.flags & KOS_PORT_WORDS) head.words[0] = input.value();
        Buffer bytes(sizeof head + input.number<uint16_t>() % 4200, 0x11);
        std::memcpy(bytes.data(), &head, sizeof head);
        Ref<File> file;
        if (head.flags & KOS_PORT_TOKEN) {
            if (!files_.empty()) file = files_.back();
            if (!file && !sockets_.empty()) file = sockets_.back();
        }
        send(input, bytes, std::move(file));
    }
    void read(Reader& input) {
        if (sockets_.empty()) return;
        Buffer bytes(8192);
        LocalBuffer buffer(bytes.data(), bytes.size());
        SocketMessage message;
        (void)sockets_[input.below(255) % sockets_.size()]->receive(buffer, message, *world_.process);
        for (auto& control : message.control) files_.insert(files_.end(), control.files.begin(), control.files.end());
    }
    void done(PortJob* job, uint32_t status, bool is_answer) {
        platform_.started.erase(job);
        job->status = status;
        job->is_answer = is_answer;
        ports_->job_done(*job);
        settle();
    }
    // What NativePorts makes of an answer: any label and words, a payload that fits, perhaps a token.
    void job_done(Reader& input) {
        if (platform_.started.empty()) return;
        auto place = platform_.started.begin();
        std::advance(place, input.below(255) % platform_.started.size());
        PortJob& job = **place;
        bool const is_answer = job.is_call && input.below(2);
        job.message.token = is_answer && !job.is_small && input.below(3) == 0 ? platform_.new_token() : 0;
        job.message.payload_bytes = job.is_small ? 0 : input.number<uint16_t>() % (KOS_PORT_PAYLOAD_MAX + 1);
        job.message.has_words = input.below(2);
        done(&job, input.below(3) ? uint32_t{KOS_STATUS_OK} : input.number<uint8_t>(), is_answer);
    }
    void request(Reader& input) {
        if (platform_.requests.size() >= 8) return;
        auto made = std::make_unique<PortRequest>();
        made->domain = input.below(4);
        made->token = input.below(2) ? 0 : input.value();
        made->message.label = input.value();
        made->message.payload_bytes = input.number<uint16_t>() % (KOS_PORT_PAYLOAD_MAX + 1);
        made->message.token = input.below(4) == 0 ? platform_.new_token() : 0;
        PortRequest& one = *made;
        platform_.requests[&one] = std::move(made);
        ports_->request(one);
    }

    FileWorld world_;
    Hostile platform_;
    std::unique_ptr<KosPorts> ports_ = std::make_unique<KosPorts>(
        world_.system, platform_, KosPorts::Limits{.wait = 1'000'000'000, .answer = 2'000'000'000});
    CurrentThread thread_;
    Ref<Socket> listener_;
    std::vector<Ref<Socket>> sockets_;
    std::vector<Ref<File>> files_;  // that came in messages
};

void put_call(Writer& writer, uint8_t kind, uint8_t flags, uint8_t id) {
    writer.number(kRecord).number(kind).number(flags).number<uint8_t>(1).number(id);
    writer.number<uint8_t>(1).number<uint8_t>(1);
    if (flags & KOS_PORT_WORDS) writer.value(5);
    writer.number<uint16_t>(0).number<uint8_t>(0);
}

}  // namespace

void run(Bytes input) {
    Reader reader(input);
    Target target;
    while (!reader.empty()) target.step(reader);
}

std::vector<Buffer> seeds() {
    Writer calls;
    calls.number(kConnect).number<uint8_t>(0).number(kRead).number<uint8_t>(0);
    put_call(calls, KOS_PORT_CALL, 0, 1);
    put_call(calls, KOS_PORT_CALL, KOS_PORT_SMALL | KOS_PORT_WORDS, 2);
    calls.number(kJobDone).number<uint8_t>(0).number<uint8_t>(1).number<uint8_t>(0).number<uint16_t>(100);
    calls.number<uint8_t>(1).number<uint8_t>(1).number(kRead).number<uint8_t>(0).number(kNotice).number<uint8_t>(1);
    put_call(calls, KOS_PORT_CAST, 0, 0);
    calls.number(kClose).number<uint8_t>(0).number<uint8_t>(1);
    Writer served;
    served.number(kServe).number(kRequest).number<uint8_t>(2).number<uint8_t>(1).value(1).number<uint16_t>(10);
    served.number<uint8_t>(1).number(kAccept).number(kRead).number<uint8_t>(0);
    put_call(served, KOS_PORT_REPLY, 0, 1);
    served.number(kCast).number<uint8_t>(2).value(6).number<uint8_t>(8).number(kTime).number<uint32_t>(1'000'000'000);
    return {calls.result(), served.result()};
}

}  // namespace kos::fuzz
