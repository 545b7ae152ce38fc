// Connections: making, accepting, ending. Bytes: tcp_data.cpp.
#include "net/inet/tcp.h"

#include "task/process.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kMillisecondsOfSecond = 1000;
// lwIP tells of a larger window when that is worth four segments.
constexpr uint32_t kWindowLeast = 16 * TCP_MSS;
constexpr u8_t kPollInterval = 2;  // of lwIP's slow ticks: how soon a writer that found no memory tries again

}  // namespace

// lwIP's callbacks. The argument is the socket, or null once it has let go.
struct TcpSocket::Callbacks {
    static TcpSocket* of(void* argument) { return static_cast<TcpSocket*>(argument); }
    static err_t connected(void* argument, tcp_pcb*, err_t) {
        if (argument) of(argument)->connected();
        return ERR_OK;
    }
    static err_t received(void* argument, tcp_pcb*, pbuf* packet, err_t) {
        if (!argument) {
            if (packet) pbuf_free(packet);
        } else if (packet) {
            of(argument)->received(packet);
        } else {
            of(argument)->ended_by_peer();
        }
        return ERR_OK;
    }
    static err_t sent(void* argument, tcp_pcb*, u16_t) {
        if (argument && of(argument)->poll() & kPOLLOUT) of(argument)->wake(kWritable);
        return ERR_OK;
    }
    static err_t again(void* argument, tcp_pcb*) {
        if (argument && std::exchange(of(argument)->waits_for_memory_, false)) of(argument)->wake(kWritable);
        return ERR_OK;
    }
    static void failed(void* argument, err_t error) {
        if (argument) of(argument)->failed(error);
    }
    static err_t accepted(void* argument, tcp_pcb* block, err_t error) {
        if (!argument || !block || error != ERR_OK) return ERR_VAL;
        return of(argument)->accepted(block);
    }
};

TcpSocket::TcpSocket(Network& network, int family) : InetSocket(network, family, kSOCK_STREAM, kIPPROTO_TCP) {}

Result<Ref<Socket>> TcpSocket::create(Network& network, int family) {
    if (network.sockets.size() >= Network::kConnections + Network::kListeners) return Errno::kENOBUFS;
    return Ref<Socket>(new TcpSocket(network, family));
}

TcpSocket::~TcpSocket() {
    // Whom nobody has accepted is cut off.
    for (const auto& connection : pending_) {
        connection->listener_ = nullptr;
        connection->drop();
    }
    pending_.clear();
    pass_on_listening();
    close_block();
    clear_received();
    network_.run();
}

// --- The control block

Status TcpSocket::make_block() {
    if (block_) return {};
    block_ = tcp_new_ip_type(lwip_type());
    if (!block_) return Errno::kENOBUFS;
    // Who may share a port is decided in check_free.
    ip_set_option(block_, SOF_REUSEADDR);
    set_callbacks();
    apply_options();
    return {};
}

void TcpSocket::set_callbacks() {
    tcp_arg(block_, this);
    tcp_recv(block_, Callbacks::received);
    tcp_sent(block_, Callbacks::sent);
    tcp_err(block_, Callbacks::failed);
    tcp_poll(block_, Callbacks::again, kPollInterval);
}

void TcpSocket::let_go() {
    tcp_pcb* const block = std::exchange(block_, nullptr);
    if (!block) return;
    tcp_arg(block, nullptr);
    if (block->state != LISTEN) tcp_poll(block, nullptr, 0);
}

void TcpSocket::drop() {
    tcp_pcb* const block = block_;
    let_go();
    if (!block) return;
    if (block->state == LISTEN || block->state == CLOSED) {
        tcp_close(block);
    } else {
        tcp_abort(block);
    }
}

// close(2): an orderly end, unless the program has left something unread or wants none (SO_LINGER with 0).
void TcpSocket::close_block() {
    if (!block_) return;
    bool const is_abrupt = (lingers_ && linger_seconds_ == 0) || received_bytes_ > 0;
    if (is_abrupt) return drop();
    // lwIP takes a window that is not whole for unread bytes.
    if (state_ == State::kConnected) credit(std::exchange(withheld_, 0));
    tcp_pcb* const block = block_;
    let_go();
    if (tcp_close(block) != ERR_OK) tcp_abort(block);
}

void TcpSocket::apply_options() {
    if (!block_) return;
    if (state_ == State::kListening) return;
    block_->tos = tos_for(remote_.address);
    block_->ttl = ttl_for(remote_.address);
    if (is_on(Option::kNoDelay)) {
        tcp_nagle_disable(block_);
    } else {
        tcp_nagle_enable(block_);
    }
    if (keeps_alive_) {
        ip_set_option(block_, SOF_KEEPALIVE);
    } else {
        ip_reset_option(block_, SOF_KEEPALIVE);
    }
    block_->keep_idle = static_cast<u32_t>(get(Option::kKeepIdle)) * kMillisecondsOfSecond;
    block_->keep_intvl = static_cast<u32_t>(get(Option::kKeepInterval)) * kMillisecondsOfSecond;
    block_->keep_cnt = static_cast<u32_t>(get(Option::kKeepCount));
    if (state_ != State::kConnected) return;
    if (segment_most_) block_->mss = std::min(block_->mss, segment_most_);
    // A window smaller than lwIP's: the difference is not given back when it has been read (credit).
    size_t const window = std::max(receive_buffer_ / 2, kWindowLeast), whole = TCP_WND_MAX(block_);
    size_t const wanted = window < whole ? whole - window : 0;
    if (wanted < withheld_) credit(withheld_ - wanted);
    withheld_ = std::min(withheld_, wanted);
    to_withhold_ = wanted - withheld_;
    if (!is_on(Option::kCork)) tcp_output(block_);
}

Status TcpSocket::bind_interface(const netif* interface) {
    KOS_TRY_STATUS(make_block());
    tcp_bind_netif(block_, interface);
    return {};
}

Status TcpSocket::bind_block(const Endpoint& local) {
    KOS_TRY_STATUS(make_block());
    ip_addr_t const address = lwip_address(local.address);
    if (err_t const error = tcp_bind(block_, &address, local.port); error != ERR_OK) {
        return error == ERR_BUF ? Errno::kEADDRINUSE : errno_of(error);
    }
    enter_bound({local.address, block_->local_port});
    return {};
}

Status TcpSocket::bind(const SocketAddress& address, Process& process) {
    KOS_TRY(Endpoint const wanted, read_local(address, process));
    if (state_ != State::kIdle || is_bound_) return Errno::kEINVAL;
    if (wanted.port) {
        KOS_TRY_STATUS(check_free(wanted));
        KOS_TRY_STATUS(check_connections(wanted));
    }
    return bind_block(wanted);
}

// A port that connections still use, those in TIME_WAIT too, is free for who says SO_REUSEADDR.
Status TcpSocket::check_connections(const Endpoint& wanted) const {
    if (reuses_address_) return {};
    for (const tcp_pcb* list : {tcp_active_pcbs, tcp_tw_pcbs}) {
        for (; list; list = list->next) {
            if (list->local_port != wanted.port) continue;
            bool const is_ours = is_any(wanted.address) ? accepts_v4() || is_v6(list->local_ip)
                                                        : is_same(plain(list->local_ip), wanted.address);
            if (is_ours) return Errno::kEADDRINUSE;
        }
    }
    return {};
}

// --- Connecting

Status TcpSocket::connect(const SocketAddress& address, Process&) {
    if (family_of(address) == kAF_UNSPEC && address.size() >= sizeof(uint16_t)) {
        if (state_ == State::kListening) return Errno::kEINVAL;
        disconnect();
        return {};
    }
    switch (state_) {
        case State::kListening: return Errno::kEISCONN;
        case State::kConnecting: return Errno::kEALREADY;
        case State::kConnected: return Errno::kEISCONN;
        case State::kEnded:
            if (error_ != Errno::kOK) return take_error();
            if (has_ended_ || is_send_shut_) return Errno::kEISCONN;
            break;
        default: break;
    }
    KOS_TRY(Endpoint const to, read_peer(address));
    ip_addr_t const source = Network::source_for(to.address);
    if (is_any(source)) return Errno::kENETUNREACH;
    KOS_TRY_STATUS(make_block());
    if (is_bound_ && block_->local_port == 0) {
        // Again, after an attempt that failed.
        KOS_TRY_STATUS(bind_block(local_));
    }
    remote_ = to;
    apply_options();
    if (err_t const error = tcp_connect(block_, &to.address, to.port, Callbacks::connected); error != ERR_OK) {
        return error == ERR_USE ? Errno::kEADDRNOTAVAIL : errno_of(error);
    }
    state_ = State::kConnecting;
    local_ = {plain(block_->local_ip), block_->local_port};
    // With the source that the packets have.
    if (is_any(local_.address)) local_.address = source;
    network_.run();
    if (is_non_blocking()) return Errno::kEINPROGRESS;
    if (state_ == State::kConnected) return {};
    if (state_ == State::kConnecting) return Errno::kEINPROGRESS;
    return take_error();
}

void TcpSocket::disconnect() {
    drop();
    clear_received();
    leave_bound();
    state_ = State::kIdle;
    has_remote_ = has_ended_ = is_receive_shut_ = is_send_shut_ = false;
    withheld_ = to_withhold_ = 0;
    urgent_ = Urgent::kNone;
    read_ = sent_ = 0;
    error_ = Errno::kOK;
    local_ = remote_ = {any_address(family_), 0};
    network_.run();
    wake(~0u);
}

void TcpSocket::connected() {
    state_ = State::kConnected;
    has_remote_ = true;
    local_ = {plain(block_->local_ip), block_->local_port};
    apply_options();
    wake(kWritable);
}

// --- Listening

Status TcpSocket::listen(int backlog) {
    auto const length = static_cast<u8_t>(std::clamp(backlog < 0 ? kBacklogMax : backlog + 1, 1, kBacklogMax));
    if (state_ == State::kListening) {
        if (block_->state == LISTEN) tcp_backlog_set(block_, length);
        return {};
    }
    if (state_ != State::kIdle) return Errno::kEINVAL;
    // Two may be bound to a port, but only one listen, or those that share it.
    if (is_bound_) {
        bool is_shared = false;
        for (const InetSocket* const other : network_.bound) {
            if (other == this || !other->is_listening() || !overlaps(*other, local_)) continue;
            if (!(reuses_port_ && static_cast<const TcpSocket*>(other)->reuses_port_)) return Errno::kEADDRINUSE;
            is_shared |= shares_with(*other);
        }
        if (is_shared) {
            KOS_TRY_STATUS(make_block());
            state_ = State::kListening;
            return {};
        }
    } else {
        KOS_TRY_STATUS(bind_block({any_address(family_), 0}));
    }
    KOS_TRY_STATUS(make_block());
    if (block_->local_port == 0) KOS_TRY_STATUS(bind_block(local_));
    err_t error = ERR_OK;
    tcp_pcb* const listening = tcp_listen_with_backlog_and_err(block_, length, &error);
    if (!listening) return error == ERR_USE ? Errno::kEADDRINUSE : Errno::kENOBUFS;
    block_ = listening;
    tcp_arg(block_, this);
    tcp_accept(block_, Callbacks::accepted);
    state_ = State::kListening;
    return {};
}

err_t TcpSocket::accepted(tcp_pcb* block) {
    std::vector<TcpSocket*> const all = sharers();
    TcpSocket& listener = all.size() > 1 ? *all[block->remote_port % all.size()] : *this;
    Ref<TcpSocket> connection(new TcpSocket(network_, family_));
    connection->adopt(block, listener);
    // Counts against the backlog until a program accepts it.
    tcp_backlog_delayed(block);
    listener.pending_.push_back(std::move(connection));
    listener.wake(kReadable);
    return ERR_OK;
}

bool TcpSocket::shares_with(const InetSocket& other) const {
    if (!reuses_port_ || !other.is_listening() || other.family() != family_) return false;
    auto const& socket = static_cast<const TcpSocket&>(other);
    return socket.reuses_port_ && socket.local_.port == local_.port && is_same(socket.local_.address, local_.address);
}

std::vector<TcpSocket*> TcpSocket::sharers() const {
    std::vector<TcpSocket*> all;
    if (!reuses_port_) return all;
    for (InetSocket* const each : network_.bound) {
        if (shares_with(*each)) all.push_back(static_cast<TcpSocket*>(each));
    }
    return all;
}

TcpSocket& TcpSocket::main_listener() {
    if (block_->state == LISTEN) return *this;
    for (TcpSocket* const each : sharers()) {
        if (each->block_->state == LISTEN) return *each;
    }
    return *this;
}

// Who ends leaves lwIP's listening block to another one.
void TcpSocket::pass_on_listening() {
    if (state_ != State::kListening || !block_ || block_->state != LISTEN) return;
    for (TcpSocket* const each : sharers()) {
        if (each == this || !each->block_) continue;
        std::swap(block_, each->block_);
        tcp_arg(block_, this);
        tcp_arg(each->block_, each);
        return;
    }
}

void TcpSocket::adopt(tcp_pcb* block, TcpSocket& listener) {
    take_options(listener);
    block_ = block;
    listener_ = &listener;
    state_ = State::kConnected;
    has_remote_ = true;
    local_ = {plain(block->local_ip), block->local_port};
    remote_ = {plain(block->remote_ip), block->remote_port};
    if (!ip_current_is_v6()) {
        // Linux shows the time to live that arrived as the one for multicast.
        set(Option::kMulticastTtl, IPH_TTL(ip4_current_header()));
        first_tos_ = IPH_TOS(ip4_current_header());
    }
    set_callbacks();
    apply_options();
}

Result<Ref<Socket>> TcpSocket::accept(SocketAddress& peer) {
    if (state_ != State::kListening) return Errno::kEINVAL;
    if (pending_.empty()) return is_receive_shut_ ? Errno::kEINVAL : Errno::kEAGAIN;
    Ref<TcpSocket> connection = std::move(pending_.front());
    pending_.pop_front();
    connection->listener_ = nullptr;
    const tcp_pcb* const main = main_listener().block_;
    auto const* const listening = reinterpret_cast<const tcp_pcb_listen*>(main);
    bool const was_full = main->state == LISTEN && listening->accepts_pending >= listening->backlog;
    if (connection->block_) tcp_backlog_accepted(connection->block_);
    if (was_full) let_in_next();
    peer = write_endpoint(connection->remote_, family_);
    return Ref<Socket>(connection);
}

// A full backlog drops who asks, and he asks again after a second, and then less and less often; of a hundred at once
// of the domain itself some would never find room. So they are asked as soon as there is some.
void TcpSocket::let_in_next() {
    tcp_pcb* next = nullptr;  // who has waited for longest
    for (tcp_pcb* each = tcp_active_pcbs; each; each = each->next) {
        if (each->state != SYN_SENT || each->remote_port != local_.port || !each->unacked) continue;
        if (!Network::is_local(each->remote_ip)) continue;
        if (!next || static_cast<int32_t>(each->tmr - next->tmr) < 0) next = each;
    }
    if (!next) return;
    u8_t const attempts = next->nrtx;
    tcp_rexmit(next);
    next->nrtx = attempts;
    tcp_output(next);
    network_.run();
}

// --- Ending

Status TcpSocket::shutdown(int how) {
    if (how < 0 || how > 2) return Errno::kEINVAL;
    if (state_ == State::kListening) {
        if (how == 1) return {};
        stop_listening();
        return {};
    }
    if (state_ == State::kIdle || state_ == State::kConnecting) return Errno::kENOTCONN;
    if (state_ == State::kEnded && !has_remote_) return Errno::kENOTCONN;
    if (how != 1) is_receive_shut_ = true;
    if (how != 0 && !std::exchange(is_send_shut_, true) && block_) {
        if (tcp_shutdown(block_, 0, 1) != ERR_OK) {
            drop();
            failed(ERR_RST);
        } else if (has_ended_) {
            let_go();
            state_ = State::kEnded;
        }
        network_.run();
    }
    wake(kReadable | kWritable | kPOLLRDHUP | kPOLLHUP);
    return {};
}

// The port stays bound; who waits in accept(2) is told.
void TcpSocket::stop_listening() {
    for (const auto& connection : pending_) {
        connection->listener_ = nullptr;
        connection->drop();
    }
    pending_.clear();
    pass_on_listening();
    drop();
    state_ = State::kIdle;
    network_.run();
    wake(~0u);
}

void TcpSocket::ended_by_peer() {
    has_ended_ = true;
    // From here on lwIP frees the control block without a word (TIME_WAIT).
    if (is_send_shut_) {
        let_go();
        state_ = State::kEnded;
    }
    wake(kReadable | kPOLLRDHUP | (is_send_shut_ ? kPOLLHUP : 0));
}

void TcpSocket::failed(err_t error) {
    block_ = nullptr;  // lwIP has freed it
    bool const was_connecting = state_ == State::kConnecting;
    state_ = was_connecting ? State::kIdle : State::kEnded;
    Errno const number = errno_of(error);
    if (was_connecting && error == ERR_RST) {
        error_ = Errno::kECONNREFUSED;
    } else if (error == ERR_RST && has_ended_ && !is_send_shut_) {
        error_ = Errno::kEPIPE;
    } else if (number != Errno::kOK) {
        error_ = was_connecting && number == Errno::kENETUNREACH ? Errno::kEHOSTUNREACH : number;
    }
    if (was_connecting) {
        has_failed_ = true;
        has_remote_ = false;
    } else {
        is_receive_shut_ = is_send_shut_ = true;
    }
    wake(kReadable | kWritable | kPOLLRDHUP | kPOLLHUP | kPOLLERR);
}

}  // namespace kos::lx
