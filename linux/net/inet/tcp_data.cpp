// Bytes of connections, readiness, and what programs ask of a connection's state.
#include "net/inet/tcp.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <string.h>

#include <algorithm>
#include <span>
#include <utility>

namespace kos::lx {

namespace {

constexpr int kIP_TOS = 1, kIP_TTL = 2, kIP_PKTINFO = 8, kIP_PKTOPTIONS = 9;
constexpr int kTCP_MAXSEG = 2, kTCP_INFO = 11, kTCP_CONGESTION = 13;
constexpr size_t kPieceMost = 0xffff;  // of one tcp_write

// As linux/tcp_states.h numbers them.
unsigned linux_state(enum tcp_state state) {
    switch (state) {
        case ESTABLISHED: return 1;
        case SYN_SENT: return 2;
        case SYN_RCVD: return 3;
        case FIN_WAIT_1: return 4;
        case FIN_WAIT_2: return 5;
        case TIME_WAIT: return 6;
        case CLOSE_WAIT: return 8;
        case LAST_ACK: return 9;
        case LISTEN: return 10;
        case CLOSING: return 11;
        default: return 7;
    }
}

struct TcpInfo {  // struct tcp_info of linux/tcp.h, as far as it is told
    uint8_t state, congestion_state, retransmits, probes, backoff, options, scales, limits;
    uint32_t rto_us, ato_us, send_mss, receive_mss;
    uint32_t unacked, sacked, lost, retransmitted, facks;
    uint32_t last_data_sent, last_ack_sent, last_data_received, last_ack_received;
    uint32_t path_mtu, receive_threshold, rtt_us, rtt_variance_us, send_threshold, send_window, advertised_mss,
        reordering;
    uint32_t receive_rtt_us, receive_space, total_retransmitted;
};

// Not acknowledged yet. tcp_sndbuf() knows no more than 64 KiB.
size_t queued_bytes(const tcp_pcb& block) { return TCP_SND_BUF - std::min<size_t>(TCP_SND_BUF, block.snd_buf); }

uint32_t segments_of(const tcp_seg* list) {
    uint32_t count = 0;
    for (; list; list = list->next) ++count;
    return count;
}

}  // namespace

// --- Sending

size_t TcpSocket::room() const {
    size_t const queued = queued_bytes(*block_);
    size_t const allowed = send_buffer_ > queued ? send_buffer_ - queued : 0;
    return std::min<size_t>(block_->snd_buf, allowed);
}

Result<size_t> TcpSocket::send(IoBuffer& from, SocketMessage& message, Process&) {
    bool const is_urgent = message.flags & kMSG_OOB;
    if (is_urgent && !peer_here()) return Errno::kEOPNOTSUPP;
    if (error_ != Errno::kOK) return take_error();
    if (is_send_shut_) return Errno::kEPIPE;
    if (state_ == State::kConnecting) return Errno::kEAGAIN;
    if (state_ != State::kConnected || !block_) return Errno::kEPIPE;
    if (from.remaining() == 0) return size_t{0};
    bool const has_more = message.flags & kMSG_MORE || is_on(Option::kCork);
    auto const done = write_pieces(from, has_more);
    if (done.ok()) {
        sent_ += *done;
        if (is_urgent && from.remaining() == 0) peer_here()->expect_urgent(sent_ - 1);
        // Less than a segment waits for the rest if the program has said that there is more.
        network_.hold();
        if (!has_more || (block_->unsent && block_->unsent->next)) tcp_output(block_);
        network_.sent();
    }
    return done;
}

Result<size_t> TcpSocket::write_pieces(IoBuffer& from, bool has_more) {
    size_t done = 0;
    while (from.remaining()) {
        size_t const most = std::min({room(), from.remaining(), kPieceMost});
        if (most == 0) break;
        auto const window = from.window(most);
        if (!window.ok()) return done ? Result<size_t>(done) : window.error();
        u8_t const more = has_more || window->size() < from.remaining() ? TCP_WRITE_FLAG_MORE : 0;
        err_t const error =
            tcp_write(block_, window->data(), static_cast<u16_t>(window->size()), TCP_WRITE_FLAG_COPY | more);
        if (error != ERR_OK) {
            if (error != ERR_MEM) return done ? Result<size_t>(done) : errno_of(error);
            // Tried again when something is acknowledged, or after a while.
            waits_for_memory_ = true;
            if (done) break;
            tcp_output(block_);
            return Errno::kEAGAIN;
        }
        done += window->size();
        from.advance(window->size());
    }
    return done ? Result<size_t>(done) : Errno::kEAGAIN;
}

// --- Urgent data

TcpSocket* TcpSocket::peer_here() const {
    if (state_ != State::kConnected) return nullptr;
    for (InetSocket* const each : network_.sockets) {
        if (each->transport() != kIPPROTO_TCP || each->socket_type() != kSOCK_STREAM) continue;
        auto* const other = static_cast<TcpSocket*>(each);
        bool const is_ours = other->has_remote_ && other->local_.port == remote_.port &&
                             other->remote_.port == local_.port && is_same(other->local_.address, remote_.address) &&
                             is_same(other->remote_.address, local_.address);
        if (is_ours) return other;
    }
    return nullptr;
}

void TcpSocket::expect_urgent(uint64_t place) {
    urgent_ = Urgent::kTold;
    urgent_at_ = place;
}

bool TcpSocket::is_urgent_ahead() const {
    return urgent_ != Urgent::kNone && urgent_at_ >= read_ && urgent_at_ < read_ + received_bytes_;
}

bool TcpSocket::is_urgent_apart() const { return is_urgent_ahead() && !(kept_options_ >> kSO_OOBINLINE & 1); }

size_t TcpSocket::readable() const { return received_bytes_ - (is_urgent_apart() ? 1 : 0); }

Result<size_t> TcpSocket::receive_urgent(IoBuffer& to, SocketMessage& message, bool keeps) {
    if (kept_options_ >> kSO_OOBINLINE & 1 || urgent_ == Urgent::kNone || urgent_ == Urgent::kRead)
        return Errno::kEINVAL;
    if (urgent_ == Urgent::kTold) return Errno::kEAGAIN;
    message.flags = kMSG_OOB;
    if (to.remaining() == 0) {
        message.flags |= kMSG_TRUNC;
        return size_t{0};
    }
    KOS_TRY(size_t const moved, to.out(&urgent_byte_, 1));
    if (moved == 0) return Errno::kEFAULT;
    if (!keeps) urgent_ = Urgent::kRead;
    return size_t{1};
}

// --- Receiving

bool TcpSocket::is_loopback() const {
    return is_v6(remote_.address) ? ip6_addr_isloopback(ip_2_ip6(&remote_.address))
                                  : ip4_addr_isloopback(ip_2_ip4(&remote_.address));
}

void TcpSocket::received(pbuf* packet) {
    uint64_t const begin = read_ + received_bytes_;
    received_bytes_ += packet->tot_len;
    packets_.push_back(packet);
    if (urgent_ == Urgent::kTold && urgent_at_ >= begin && urgent_at_ - begin < packet->tot_len) {
        urgent_byte_ = static_cast<char>(pbuf_get_at(packet, static_cast<u16_t>(urgent_at_ - begin)));
        urgent_ = Urgent::kArrived;
        wake(kPOLLPRI);
    }
    // Inside the domain an acknowledgement costs little, and who waits for it (Nagle) need not wait for a timer.
    if (is_loopback()) tcp_ack_now(block_);
    if (poll() & kPOLLIN) wake(kReadable);
}

void TcpSocket::clear_received() {
    for (pbuf* const packet : packets_) pbuf_free(packet);
    packets_.clear();
    received_bytes_ = used_ = 0;
}

void TcpSocket::credit(size_t bytes) {
    while (block_ && bytes) {
        size_t const piece = std::min(bytes, kPieceMost);
        tcp_recved(block_, static_cast<u16_t>(piece));
        bytes -= piece;
    }
}

size_t TcpSocket::take(size_t most) {
    size_t done = 0;
    while (done < most && !packets_.empty()) {
        pbuf* const packet = packets_.front();
        size_t const piece = std::min<size_t>(most - done, packet->tot_len - used_);
        used_ += piece;
        done += piece;
        if (used_ < packet->tot_len) break;
        pbuf_free(packet);
        packets_.pop_front();
        used_ = 0;
    }
    received_bytes_ -= done;
    read_ += done;
    // What was not asked for in time is not there any more.
    if (urgent_ != Urgent::kNone && urgent_ != Urgent::kTold && read_ > urgent_at_ + 1) urgent_ = Urgent::kNone;
    size_t const kept = std::min(done, to_withhold_);
    to_withhold_ -= kept;
    withheld_ += kept;
    credit(done - kept);
    return done;
}

// Window by window, not packet by packet: looking one up costs as much as copying some hundred bytes.
Result<size_t> TcpSocket::copy_out(IoBuffer& to, size_t wanted) {
    size_t skip = used_, filled = 0;
    std::span<std::byte> window;
    size_t const before = to.done();
    for (const pbuf* packet : packets_) {
        for (const pbuf* piece = packet; piece; piece = piece->next) {
            size_t const skipped = std::min<size_t>(skip, piece->len);
            skip -= skipped;
            std::span<const std::byte> from{static_cast<const std::byte*>(piece->payload) + skipped,
                                            piece->len - skipped};
            while (!from.empty()) {
                if (filled == window.size()) {
                    to.advance(std::exchange(filled, 0));
                    size_t const done = to.done() - before;
                    if (done == wanted) return done;
                    auto const next = to.window(wanted - done);
                    if (!next.ok()) return done ? Result<size_t>(done) : next.error();
                    window = *next;
                }
                size_t const count = std::min(from.size(), window.size() - filled);
                memcpy(window.data() + filled, from.data(), count);
                filled += count;
                from = from.subspan(count);
            }
        }
    }
    to.advance(filled);
    return to.done() - before;
}

Result<size_t> TcpSocket::receive(IoBuffer& to, SocketMessage& message, Process&) {
    uint32_t const asked = message.flags;
    message.flags = 0;
    message.address.clear();
    if (asked & kMSG_ERRQUEUE) return Errno::kEAGAIN;
    if (asked & kMSG_OOB) return receive_urgent(to, message, asked & kMSG_PEEK);
    if (state_ == State::kListening) return Errno::kENOTCONN;
    // Reading ends before urgent data, and begins behind it again.
    if (is_urgent_apart() && is_at_mark()) take(1);
    size_t const wanted =
        is_urgent_ahead() && !is_at_mark() ? std::min<uint64_t>(to.remaining(), urgent_at_ - read_) : to.remaining();
    if (received_bytes_ == 0) {
        if (error_ != Errno::kOK) return take_error();
        if (is_read_closed()) return size_t{0};
        if (state_ == State::kIdle) return Errno::kENOTCONN;
        return wanted == 0 && state_ == State::kConnected ? Result<size_t>(size_t{0}) : Errno::kEAGAIN;
    }
    auto const low = static_cast<size_t>(receive_low_water_);
    bool const would_wait = !is_non_blocking() && !(asked & (kMSG_DONTWAIT | kMSG_PEEK));
    if (would_wait && received_bytes_ < std::min(low, wanted) && !is_read_closed() && error_ == Errno::kOK) {
        return Errno::kEAGAIN;
    }
    size_t done = std::min(wanted, received_bytes_);
    if (!(asked & kMSG_TRUNC)) {  // else dropped unread
        KOS_TRY(done, copy_out(to, done));
    }
    if (!(asked & kMSG_PEEK)) {
        take(done);
        network_.sent();
    }
    return done;
}

// --- Readiness

uint32_t TcpSocket::poll() {
    uint32_t events = error_ != Errno::kOK ? kPOLLERR : 0;
    switch (state_) {
        case State::kListening: return pending_.empty() ? 0 : kReadable;
        case State::kConnecting: return events;
        case State::kIdle:
            events |= kWritable | kPOLLHUP;
            if (has_failed_) events |= kReadable | kPOLLRDHUP;
            return events & ~kPOLLWRBAND;
        default: break;
    }
    bool const is_read_over = has_ended_ || is_receive_shut_, is_write_over = is_send_shut_;
    if (is_read_over) events |= kReadable | kPOLLRDHUP;
    if (urgent_ == Urgent::kArrived) events |= kPOLLPRI;
    if (readable() && readable() >= static_cast<size_t>(receive_low_water_)) events |= kReadable;
    if (is_read_over && is_write_over) events |= kPOLLHUP;
    if (!block_ || is_write_over) return events | (kWritable & ~kPOLLWRBAND);
    size_t const queued = queued_bytes(*block_);
    bool const has_pieces = tcp_sndqueuelen(block_) < TCP_SND_QUEUELEN * 3 / 4;
    if (has_pieces && room() > 0 && room() >= std::min<size_t>(queued, send_buffer_) / 2) {
        events |= kWritable & ~kPOLLWRBAND;
    }
    return events;
}

// --- What programs ask

uint64_t TcpSocket::send_bytes() const { return block_ && state_ == State::kConnected ? queued_bytes(*block_) : 0; }

uint64_t TcpSocket::unsent_bytes() const {
    uint64_t sum = 0;
    if (!block_ || state_ != State::kConnected) return sum;
    for (const tcp_seg* segment = block_->unsent; segment; segment = segment->next) sum += segment->len;
    return sum;
}

InetSocket::Line TcpSocket::line() const {
    Line line{local_, remote_, block_ ? linux_state(block_->state) : 7, send_bytes(), received_bytes_};
    if (state_ == State::kListening) {
        line.state = linux_state(LISTEN);
        line.to_receive = pending_.size();
    }
    return line;
}

Result<std::string> TcpSocket::special_option(int level, int name) {
    if (level == kIPPROTO_IP && name == kIP_PKTOPTIONS) return packet_options();
    if (level != kIPPROTO_TCP) return InetSocket::special_option(level, name);
    switch (name) {
        case kTCP_MAXSEG: {
            constexpr int32_t kWithout = 536;  // before a connection
            bool const is_known = block_ && state_ == State::kConnected;
            return int_option(is_known ? tcp_mss(block_) : segment_most_ ? segment_most_ : kWithout);
        }
        case kTCP_INFO: return information();
        case kTCP_CONGESTION: return std::string("reno\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        default: return Errno::kENOPROTOOPT;
    }
}

Status TcpSocket::set_special_option(int level, int name, std::string_view value) {
    if (level != kIPPROTO_TCP) return InetSocket::set_special_option(level, name, value);
    if (name == kTCP_CONGESTION) {
        return value.substr(0, value.find('\0')) == "reno" ? Status() : Status(Errno::kENOENT);
    }
    if (name != kTCP_MAXSEG) return Errno::kENOPROTOOPT;
    KOS_TRY(int32_t const number, option_int(value));
    constexpr int32_t kLeast = 88, kMost = 32767;
    if (number && (number < kLeast || number > kMost)) return Errno::kEINVAL;
    segment_most_ = static_cast<uint16_t>(number);
    apply_options();
    return {};
}

// As control data: what the program has asked to be told of received packets, which for a stream are those that the
// connection began with.
std::string TcpSocket::packet_options() const {
    std::string all;
    auto const add = [&all](int type, std::string_view value) {
        struct {
            uint64_t bytes;
            int32_t level, type;
        } const header{sizeof header + value.size(), kIPPROTO_IP, type};
        all.append(reinterpret_cast<const char*>(&header), sizeof header).append(value);
        all.resize((all.size() + 7) & ~size_t{7});
    };
    if (is_on(Option::kPacketInfo)) {
        const netif* const interface = has_remote_ ? ip_route(&local_.address, &remote_.address) : nullptr;
        std::string const local = bytes_of_v4(local_.address), remote = bytes_of_v4(remote_.address);
        add(kIP_PKTINFO, int_option(interface ? Network::index_of(*interface) : 0) + local + remote);
    }
    if (is_on(Option::kReceiveTtl)) add(kIP_TTL, int_option(get(Option::kMulticastTtl)));
    if (is_on(Option::kReceiveTos)) add(kIP_TOS, int_option(first_tos_));
    return all;
}

std::string TcpSocket::information() const {
    constexpr uint32_t kTickUs = TCP_SLOW_INTERVAL * 1000;
    constexpr uint8_t kHasSack = 2, kHasScale = 4;
    TcpInfo info{};
    info.state = static_cast<uint8_t>(line().state);
    info.path_mtu = TCP_MSS + 40;
    if (block_ && state_ != State::kListening) {
        const tcp_pcb& block = *block_;
        info.retransmits = block.nrtx;
        info.probes = block.persist_probe;
        info.backoff = block.persist_backoff;
        if (block.flags & TF_SACK) info.options |= kHasSack;
        if (block.flags & TF_WND_SCALE) {
            info.options |= kHasScale;
            info.scales = static_cast<uint8_t>((block.snd_scale & 15) | (block.rcv_scale & 15) << 4);
        }
        info.rto_us = static_cast<uint32_t>(std::max<int>(block.rto, 0)) * kTickUs;
        info.send_mss = info.receive_mss = info.advertised_mss = block.mss;
        info.unacked = segments_of(block.unacked);
        info.rtt_us = static_cast<uint32_t>(std::max<int>(block.sa, 0)) * kTickUs / 8;
        info.rtt_variance_us = static_cast<uint32_t>(std::max<int>(block.sv, 0)) * kTickUs / 4;
        info.send_threshold = block.ssthresh / std::max<u16_t>(block.mss, 1);
        info.send_window = block.cwnd / std::max<u16_t>(block.mss, 1);
        info.receive_space = static_cast<uint32_t>(block.rcv_wnd);
    }
    return {reinterpret_cast<const char*>(&info), sizeof info};
}

}  // namespace kos::lx
