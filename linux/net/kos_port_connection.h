// The hub's end of one socket of /run/kos (net/kos_ports.h).
#pragma once

#include "net/kos_ports.h"

namespace kos::lx {

class PortConnection final : public WaitEntry {
public:
    PortConnection(KosPorts& ports, Ref<UnixSocket> socket, unsigned of_port)
        : end(std::move(socket)), port(of_port), ports_(ports) {
        end->queue().add(*this);
    }

    bool woken(uint32_t) override {
        make_ready();
        return true;
    }
    void make_ready() {
        is_ready = true;
        ports_.has_work_ = true;
    }

    // There is room for one more record, and for the answers of all calls that may be under way: a quarter of the
    // buffer may wait (UnixSocket), the answers of all threads are less than another quarter.
    bool has_room() const { return end->poll() & kPOLLOUT; }
    bool is_cut() const { return end->poll() & kPOLLHUP; }
    // False: the program reads too slowly, or memory is used up.
    bool send(kos_port_record_t head, std::span<const std::byte> payload, Ref<File> file = {});
    void send_status(uint64_t call_id, uint32_t status);

    Ref<UnixSocket> const end;
    unsigned const port;     // of used(), or of served()
    bool is_served = false;  // a program serves here, and `domain` calls
    uint16_t domain = 0;
    Ref<HeldToken> token;  // calls go to this token
    unsigned calls = 0;    // under way
    uint32_t failure = 0;  // of finding the server: the status of the cast that waits for that
    bool is_finding = false;
    bool is_ready = true;     // something may be possible that was not
    bool is_blocked = false;  // waits for a thread
    bool owes_gone = false, owes_notice = false;
    bool is_closed = false;

private:
    KosPorts& ports_;
};

}  // namespace kos::lx
