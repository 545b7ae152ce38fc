// Native threads for /run/kos (net/kos_ports.h): some make one call to a native server each, one receives the calls of
// native clients. The server's thread hands them their work and is told by a signal; it never waits for them.
//
// Which thread may touch what is in one atomic word of each piece of work; nothing is locked.
#pragma once

#include "net/kos_ports.h"

#include <kos/server.h>
#include <kos/thread.h>

#include <memory>

namespace kos::lx {

class NativePorts final : public PortPlatform {
public:
    explicit NativePorts(const kos_startup_t& startup);
    // Makes the threads; kENOMEM.
    Status initialise();
    void set_hub(KosPorts& hub) { hub_ = &hub; }
    static KosPorts::Limits limits();  // of the manifest's parameters port_wait_ms, port_answer_ms

    // Signals of the domain: something is done or has arrived.
    void collect();

    // --- PortPlatform
    std::span<const Port> used() override { return used_; }
    std::span<const Port> served() override { return served_; }
    std::span<const Parameter> parameters() override { return parameters_; }
    std::span<const Parameter> domain_facts() override { return facts_; }
    std::string client_name(uint16_t domain) override;
    std::span<PortJob> jobs() override { return {jobs_.get(), job_count_}; }
    void start(PortJob& job) override;
    uint32_t cast(unsigned port, uint64_t label, std::span<const std::byte> bytes) override;
    void delete_token(uint64_t token) override;
    uint32_t serve() override;
    uint32_t answer(PortRequest& request, const Answer& answer) override;
    uint32_t revoke_token(unsigned port, uint64_t number) override;
    void take_casts() override;

private:
    // Written by one thread for another: what was written before it is seen with it.
    template <class T>
    class Handover {
    public:
        T load() const { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }
        void store(T value) { __atomic_store_n(&value_, value, __ATOMIC_RELEASE); }

    private:
        T value_{};
    };
    enum class Turn : uint32_t { kServer, kThread, kDone };
    struct Worker {
        NativePorts* ports = nullptr;
        PortJob* job = nullptr;
        kos_thread_t* thread = nullptr;
        Handover<Turn> turn;
    };
    enum class Place : uint32_t { kFree, kArrived, kTaken };
    struct Incoming {
        PortRequest request;
        kos_deferred_t deferred;
        uint64_t order = 0;
        Handover<Place> place;
    };

    void find_ports();
    void find_texts();
    void work(Worker& worker);
    void execute(PortJob& job) const;
    kos_status_t arrived(kos_server_t* server, const kos_caller_t& caller, const kos_msg_t& request);
    bool take_queue(const kos_startup_client_t& client);
    unsigned served_index(uint32_t port) const;

    const kos_startup_t& startup_;
    KosPorts* hub_ = nullptr;
    std::vector<Port> used_, served_;
    std::vector<uint32_t> served_numbers_;
    std::vector<Parameter> parameters_, facts_;
    std::unique_ptr<PortJob[]> jobs_;
    std::unique_ptr<Worker[]> workers_;
    size_t job_count_ = 0;
    std::unique_ptr<Incoming[]> incoming_;
    size_t incoming_count_ = 0;
    uint64_t arrivals_ = 0;  // of the thread that receives
    kos_server_t loop_{};
    kos_thread_t* receiver_ = nullptr;
};

}  // namespace kos::lx
