// /run/kos: ports of native servers, and ports that programs serve, as sockets (records: net/kos_port_record.h).
//
// The hub has the other end of each such socket. It never waits: calls to native servers are made by native threads of
// the domain (PortPlatform), one call each, and come back as `job_done`; calls of native clients are received by
// another such thread and come as `request`. What programs write and what native peers send is checked here.
//
// No record is taken out of a socket before there is a thread for it and room for its answer, so everything that waits
// is charged to the socket that it came from. A server that does not answer keeps as many threads as it has calls, but
// never the last one that another port with connections could need (may_call).
#pragma once

#include "base/ref.h"
#include "base/wait_queue.h"
#include "net/kos_port_record.h"
#include "net/unix.h"
#include "time/clock.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kos::lx {

class PortConnection;
class System;

// A message on its way between a socket and a native thread.
struct PortMessage {
    uint64_t label = 0, param = 0;
    uint64_t words[2] = {};
    uint64_t token = 0;  // that goes with it, as the platform names it; 0: none
    uint32_t payload_bytes = 0;
    bool has_words = false;
    alignas(8) std::byte payload[KOS_PORT_PAYLOAD_MAX];
};

class PortPlatform;

// A token of a native server's that the domain holds. Given back when nobody refers to it any more.
class HeldToken final : public Counted {
public:
    HeldToken(PortPlatform& platform, uint64_t token) : name(token), platform_(platform) {}
    ~HeldToken() override;
    const uint64_t name;

private:
    PortPlatform& platform_;
};

// What a native thread is to do. The hub writes it before `start`, the thread until it is done.
struct PortJob {
    unsigned worker = 0;
    unsigned port = 0;      // of PortPlatform::used
    bool is_small = false;  // neither request nor answer has payload or token
    bool is_call = false;   // false: only find the server
    uint64_t target = 0;    // the token to call; 0: the port itself
    uint32_t time_ms = 0;   // for all of it
    uint32_t status = 0;    // how it ended; with is_answer what the server said
    bool is_answer = false;
    PortMessage message;  // the request, then the answer

    // --- The hub's
    bool is_running = false;
    PortConnection* connection = nullptr;  // nullptr: nobody waits for it any more
    uint64_t call_id = 0;
    uint64_t epoch = 0;
    Ref<HeldToken> used_token, sent_token;
};

// A call of a native client's, from PortPlatform until it is answered.
struct PortRequest {
    unsigned port = 0;  // of PortPlatform::served
    uint16_t domain = 0;
    uint64_t token = 0;  // number of the token that was called; 0: the port
    PortMessage message;

    // --- The hub's
    PortConnection* connection = nullptr;  // that it was given to
    uint64_t call_id = 0;
    Nanoseconds since = 0;
    bool is_waiting = false;  // for a program that takes it
};

// What the hub asks the outside for. None of it waits for another domain.
class PortPlatform {
public:
    struct Port {
        std::string name;
        uint32_t payload_max = 0;
        bool has_queue = false, has_tokens = false;
        bool is_send_only = false;
    };
    struct Parameter {
        std::string name, value;
    };
    struct Answer {
        uint32_t status = 0;
        const PortMessage* message = nullptr;  // nullptr: nothing but the status
        uint64_t new_token = 0;                // number of a token to be made for the caller; 0: none
        bool is_single_use = false;
    };
    virtual std::span<const Port> used() = 0;
    virtual std::span<const Port> served() = 0;
    virtual std::span<const Parameter> parameters() = 0;
    virtual std::span<const Parameter> domain_facts() = 0;
    virtual std::string client_name(uint16_t domain) = 0;

    // --- Calls to native servers: `jobs()` is one job for each thread. `start`: KosPorts::job_done follows.
    virtual std::span<PortJob> jobs() = 0;
    virtual void start(PortJob& job) = 0;
    // A status. Of a port whose server has been found (a job without call), or that is send-only.
    virtual uint32_t cast(unsigned port, uint64_t label, std::span<const std::byte> bytes) = 0;
    virtual void delete_token(uint64_t token) = 0;

    // --- Serving. From the first `serve` on requests and casts come. Statuses.
    virtual uint32_t serve() = 0;
    // Once for each request, which is the platform's again then. INVALID_TOKEN, AT_TOKEN_LIMIT, CONFLICT ...: of the
    // token, the caller has got INTERNAL_ERROR.
    virtual uint32_t answer(PortRequest& request, const Answer& answer) = 0;
    virtual uint32_t revoke_token(unsigned port, uint64_t number) = 0;
    // There is room again: KosPorts::cast for what is still in the queues.
    virtual void take_casts() = 0;

protected:
    ~PortPlatform() = default;
};

class KosPorts final : private Timer {
public:
    static constexpr size_t kConnectionsMax = 256, kBacklog = 16;
    // How long a native client's call waits for a program that takes it, and for the answer.
    struct Limits {
        Nanoseconds wait = 5'000'000'000, answer = 60'000'000'000;
    };

    KosPorts(System& system, PortPlatform& platform, Limits limits);
    ~KosPorts() override;

    // Does what sockets have asked for since it was called last. Called when no call is being executed.
    bool has_work() const { return has_work_; }
    void run();

    // --- From the platform
    void job_done(PortJob& job);
    void request(PortRequest& request);
    // The server of a port has signalled: each connection to it gets a NOTICE.
    void notice(std::string_view port);
    // False: no room now, keep it; take_casts is called later.
    bool cast(unsigned port, uint16_t domain, uint64_t label, std::span<const std::byte> bytes);

    // --- For /run/kos
    PortPlatform& platform() { return platform_; }
    UnixSocket& listener_of(size_t index);
    Inode* bound_inode(size_t index) { return served_[index].inode.get(); }
    void bind(size_t index, Ref<Inode> inode) { served_[index].inode = std::move(inode); }
    void listens(size_t index, UnixSocket* listener);

    size_t connections() const { return connections_.size(); }

private:
    friend class PortConnection;
    class Listener;
    struct Used {
        std::unique_ptr<Listener> listener;
        unsigned busy = 0;         // threads that work for it
        unsigned connections = 0;  // of programs to it
        uint64_t epoch = 0;        // ends of its server that were noticed
        bool is_found = false;
        bool uses_window = false;  // a call that may have payload is under way: one at a time
    };
    struct Served {
        Ref<Inode> inode;
        UnixSocket* listener = nullptr;
    };
    // A record as it was received, checked as far as all kinds have it in common.
    struct Received {
        kos_port_record_t head{};
        std::span<const std::byte> payload;
        Ref<File> file;
    };

    // --- Connections (kos_ports.cpp)
    void accept(unsigned port);
    PortConnection* add_connection(Ref<UnixSocket> end, unsigned port, bool is_served, uint16_t domain,
                                   Ref<HeldToken> token);
    bool pump(PortConnection& connection);
    uint32_t may_take(PortConnection& connection, const kos_port_record_t& head, bool& is_ready);
    bool receive(PortConnection& connection, Received& record, uint32_t& refusal);
    void take(PortConnection& connection, Received& record);
    void bury_closed();

    // --- Calls to native servers (kos_port_calls.cpp)
    bool may_call(unsigned port, bool is_small) const;
    PortJob* free_job();
    void start(PortJob& job, PortConnection& connection);
    void find_server(PortConnection& connection);
    uint32_t take_call(PortConnection& connection, Received& record);
    uint32_t take_cast(PortConnection& connection, Received& record);
    uint32_t token_of(const Ref<File>& file, Ref<HeldToken>& token) const;
    void give_answer(PortJob& job, PortConnection& connection);
    // A connection to a token, as a file for a program; unset: there may be no more.
    Ref<File> show_token(unsigned port, Ref<HeldToken> token);

    // --- Calls of native clients (kos_port_serving.cpp)
    PortConnection* connection_to_program(unsigned port, uint16_t domain);
    bool deliver(PortRequest& request);
    void deliver_waiting();
    uint32_t take_reply(PortConnection& connection, Received& record);
    void finish(PortRequest& request, uint32_t status);
    void lose_requests(const PortConnection& connection);
    void expired() override;
    void watch_times();

    System& system_;
    PortPlatform& platform_;
    Limits const limits_;
    std::vector<Used> used_;  // as PortPlatform::used; one more for tokens that native clients have sent
    std::vector<Served> served_;
    std::vector<std::unique_ptr<PortConnection>> connections_;
    size_t next_ = 0;                    // whose turn it is to begin
    std::deque<PortRequest*> requests_;  // waiting or being served, oldest first; at most the manifest's `replies`
    uint64_t last_call_ = 0;
    bool has_work_ = false, is_serving_ = false, casts_wait_ = false;
};

// The tree below /run/kos: port/NAME and bind/NAME, parameters/NAME with the manifest's parameters, domain/{name, ...}.
Ref<FileSystem> make_kos_tree(System& system, KosPorts& ports);

}  // namespace kos::lx
