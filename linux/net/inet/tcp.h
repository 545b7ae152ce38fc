// Stream sockets of AF_INET and AF_INET6 (tcp(7)) over lwIP's connections.
//
// lwIP's control block belongs to the socket until both directions have ended, the connection has failed, or the socket
// goes: then lwIP finishes the rest by itself. What was received waits here as lwIP's packets, at most a window of it,
// and is copied to the program once; what is sent is copied from the program into segments once.
#pragma once

#include "net/inet/socket.h"

#include <deque>
#include <vector>

struct pbuf;
struct tcp_pcb;

namespace kos::lx {

class TcpSocket final : public InetSocket {
public:
    static constexpr int kBacklogMax = 255;  // what lwIP can count

    // kENOBUFS: too many.
    static Result<Ref<Socket>> create(Network& network, int family);
    ~TcpSocket() override;

    Status bind(const SocketAddress& address, Process& process) override;
    // kEAFNOSUPPORT, kENETUNREACH, kEADDRNOTAVAIL, kEISCONN, kEALREADY; kEINPROGRESS: go on at kPOLLOUT. A blocking
    // socket's connection may be made or refused at once (loopback).
    Status connect(const SocketAddress& address, Process& process) override;
    Status listen(int backlog) override;
    Result<Ref<Socket>> accept(SocketAddress& peer) override;
    Status shutdown(int how) override;
    Result<size_t> send(IoBuffer& from, SocketMessage& message, Process& process) override;
    Result<size_t> receive(IoBuffer& to, SocketMessage& message, Process& process) override;
    bool is_listening() const override { return state_ == State::kListening; }
    uint32_t poll() override;
    Line line() const override;

private:
    enum class State : uint8_t { kIdle, kListening, kConnecting, kConnected, kEnded };
    struct Callbacks;

    TcpSocket(Network& network, int family);

    // --- The control block.
    Status make_block();
    void adopt(tcp_pcb* block, TcpSocket& listener);
    void set_callbacks();
    void let_go();  // lwIP finishes it alone
    void drop();    // reset
    void close_block();
    void apply_options() override;
    Status bind_interface(const netif* interface) override;
    Status bind_block(const Endpoint& local);

    Status check_connections(const Endpoint& wanted) const;
    // --- Several sockets that listen at one address (SO_REUSEPORT): one of them has lwIP's listening block, and what
    // arrives there goes to all of them in turn.
    bool shares_with(const InetSocket& other) const;
    std::vector<TcpSocket*> sharers() const;  // with this one
    TcpSocket& main_listener();
    void pass_on_listening();

    void disconnect();
    void stop_listening();
    void let_in_next();

    // --- What lwIP tells.
    void connected();
    void received(pbuf* packet);
    void ended_by_peer();
    void failed(err_t error);
    err_t accepted(tcp_pcb* block);

    // --- Bytes.
    size_t room() const;
    Result<size_t> write_pieces(IoBuffer& from, bool has_more);
    TcpSocket* peer_here() const;        // the other end, if it is in this domain
    void expect_urgent(uint64_t place);  // of the byte that the peer sends so
    Result<size_t> receive_urgent(IoBuffer& to, SocketMessage& message, bool keeps);
    bool is_urgent_ahead() const;  // in what has been received and not been read
    bool is_urgent_apart() const;  // and not to be read with the rest
    bool is_at_mark() const override { return is_urgent_ahead() && urgent_at_ == read_; }
    size_t readable() const;
    size_t take(size_t most);  // drops what was read; gives its room back
    void credit(size_t bytes);
    Result<size_t> copy_out(IoBuffer& to, size_t wanted);
    bool is_read_closed() const { return has_ended_ || is_receive_shut_ || state_ == State::kEnded; }
    bool is_loopback() const;
    void clear_received();

    uint64_t receive_bytes() const override { return readable(); }
    uint64_t send_bytes() const override;
    uint64_t unsent_bytes() const override;
    Result<std::string> special_option(int level, int name) override;
    Status set_special_option(int level, int name, std::string_view value) override;
    std::string information() const;     // TCP_INFO
    std::string packet_options() const;  // IP_PKTOPTIONS

    State state_ = State::kIdle;
    tcp_pcb* block_ = nullptr;
    bool has_ended_ = false;   // the peer sends nothing any more
    bool has_failed_ = false;  // to connect
    bool waits_for_memory_ = false;
    uint16_t segment_most_ = 0;  // TCP_MAXSEG; 0: not set
    uint8_t first_tos_ = 0;      // of the packet that the connection was asked for with

    std::deque<pbuf*> packets_;  // received
    size_t used_ = 0;            // of the first one
    size_t received_bytes_ = 0;
    // Urgent data (tcp(7)): the last byte of a message sent with MSG_OOB. lwIP knows nothing of it, so that it is there
    // between sockets of the domain only. Places count the bytes of the connection.
    enum class Urgent : uint8_t { kNone, kTold, kArrived, kRead };
    Urgent urgent_ = Urgent::kNone;
    char urgent_byte_ = 0;
    uint64_t urgent_at_ = 0, read_ = 0, sent_ = 0;
    // Of lwIP's window, so that SO_RCVBUF bounds what waits: what is kept back, and what is to be when it has been
    // read.
    size_t withheld_ = 0, to_withhold_ = 0;

    std::deque<Ref<TcpSocket>> pending_;  // connections that were not accepted yet
    TcpSocket* listener_ = nullptr;       // whose pending_ this one is in
};

}  // namespace kos::lx
