// Names by TCP (RFC 7766): connections of domains to the gateway's port 53, and ours to name servers whose answer by
// UDP was cut off. Questions of one connection are answered one after the other. Each has an end: who says nothing,
// takes nothing, or never comes to an end is cut off by time.
#include "checksum.h"
#include "router.h"

namespace kos::netrouter {

namespace {

constexpr uint64_t kIdleUs = 10000000;    // of a domain's connection (RFC 7766, 6.2.3: a few seconds)
constexpr uint64_t kFinishUs = 15000000;  // then what has not ended by itself is
constexpr uint64_t kAnswerUs = 4000000;   // of a server, all of it; who asks us waits 5 s as a rule
constexpr uint64_t kFarEndUs = 10000000;  // a server's connection, whatever it does
constexpr size_t kLeastMessage = 12;
constexpr uint16_t kNamePort = 53;

}  // namespace

// Segments of one connection, as packets.
class Router::StreamOut final : public Stream::Out {
public:
    StreamOut(Router& router, const Near& near, uint64_t now_us)
        : router_(router),
          to_(static_cast<Interface>(near.link + 1)),
          own_(near.gateway),
          peer_(near.client),
          own_port_(kNamePort),
          peer_port_(near.client_port),
          now_us_(now_us) {}
    StreamOut(Router& router, const Far& far, uint64_t now_us)
        : router_(router),
          to_(kWire),
          own_(far.own),
          peer_(far.server),
          own_port_(far.port),
          peer_port_(kNamePort),
          now_us_(now_us) {}

    void send(const Segment& segment) override {
        uint8_t* packet = router_.answer_;
        uint8_t* out = packet + own_header_bytes(peer_);
        const size_t header = segment.most_bytes != 0 ? 24 : 20;
        static_assert(40 + 24 + Stream::kMostSegment <= kScratch);
        __builtin_memset(out, 0, header);
        store16(out, own_port_);
        store16(out + 2, peer_port_);
        store32(out + 4, segment.sequence);
        store32(out + 8, segment.acknowledged);
        out[12] = static_cast<uint8_t>(header / 4 << 4);
        out[13] = segment.flags;
        store16(out + 14, segment.window);
        if (segment.most_bytes != 0) {
            out[20] = 2;
            out[21] = 4;
            store16(out + 22, segment.most_bytes);
        }
        if (segment.count != 0) __builtin_memcpy(out + header, segment.data, segment.count);
        const size_t length = write_ip(own_, peer_, kTcp, 64, header + segment.count, packet, false);
        // Not sent is as good as lost: it is repeated.
        (void)router_.send_whole(to_, peer_, packet, length, now_us_);
    }

private:
    Router& router_;
    Interface to_;
    Ip own_;
    Ip peer_;
    uint16_t own_port_;
    uint16_t peer_port_;
    uint64_t now_us_;
};

// As if a packet of that connection were at hand.
Router::Job Router::job_of(const Near& near, uint64_t now_us) const {
    Job job;
    job.from = static_cast<Interface>(near.link + 1);
    job.now_us = now_us;
    job.packet.source = near.client;
    job.packet.destination = near.gateway;
    job.packet.source_port = near.client_port;
    job.packet.destination_port = kNamePort;
    job.packet.protocol = kTcp;
    job.packet.is_v6 = !near.client.is_v4();
    return job;
}

// --- Of domains

void Router::input_near(const Job& job, const uint8_t* packet) {
    const Packet& parsed = job.packet;
    const Segment segment = read_segment(packet + parsed.transport, parsed.transport_bytes());
    Near* found = nullptr;
    for (Near& near : near_) {
        const bool is_it = !near.stream.is_free() && near.link == job.from - 1 &&
                           near.client_port == parsed.source_port && near.client == parsed.source;
        if (is_it) found = &near;
    }
    const bool begins = (segment.flags & (kSyn | kAck | kRst)) == kSyn;
    // The same port again, for a new connection.
    if (found != nullptr && begins && found->stream.state() == Stream::State::kClosed) {
        drop_near(*found, job.now_us);
        found = nullptr;
    }
    if (found == nullptr) {
        if (!begins) return refuse(job, Reason::kNoConnection);
        found = accept_near(job, segment);
        if (found == nullptr) refuse(job, Reason::kTable);
        return;
    }
    StreamOut out(*this, *found, job.now_us);
    found->stream.input(segment, job.now_us, out);
    if (found->stream.is_free()) return drop_near(*found, job.now_us);
    serve_near(*found, job.now_us);
}

// A place for a connection that begins. Who has as many as it may, or more than the one who asks, loses the one that
// has been idle for longest; not one whose question is being looked after.
Router::Near* Router::accept_near(const Job& job, const Segment& syn) {
    const auto link = static_cast<uint8_t>(job.from - 1);
    uint64_t first = 0;
    if (!host_.random(&first)) return nullptr;
    unsigned of_link[kMaxLinks] = {};
    Near* place = nullptr;
    for (Near& near : near_) {
        if (near.stream.is_free()) {
            place = &near;
        } else {
            ++of_link[near.link];
        }
    }
    if (place == nullptr || of_link[link] >= kNearOfLink) {
        place = nullptr;
        for (Near& near : near_) {
            if (near.stream.is_free() || near.has_query) continue;
            const bool may_go = of_link[link] >= kNearOfLink ? near.link == link : of_link[near.link] > of_link[link];
            if (!may_go) continue;
            if (place == nullptr || near.stream.progress_us() < place->stream.progress_us()) place = &near;
        }
        if (place == nullptr) return nullptr;
        drop_near(*place, job.now_us);
    }
    place->link = link;
    place->has_query = false;
    place->client = job.packet.source;
    place->gateway = job.packet.destination;
    place->client_port = job.packet.source_port;
    StreamOut out(*this, *place, job.now_us);
    place->stream.accept({place->in, sizeof place->in, place->out, sizeof place->out}, syn,
                         static_cast<uint32_t>(first), job.now_us, out);
    return place;
}

// The next question, as soon as the answer to the one before has arrived.
void Router::serve_near(Near& near, uint64_t now_us) {
    Stream& stream = near.stream;
    if (near.has_query || stream.state() != Stream::State::kOpen || stream.is_finishing()) return;
    if (!stream.has_all_arrived()) return;
    StreamOut out(*this, near, now_us);
    const size_t count = stream.received_bytes();
    const size_t length = count < 2 ? 0 : load16(stream.received());
    if (count >= 2 && (length < kLeastMessage || length > sizeof near.in - 2)) {
        drop_near(near, now_us);
        return refuse(job_of(near, now_us), Reason::kMalformed);
    }
    if (count < 2 || count < 2 + length) {
        if (stream.has_peer_ended()) stream.finish(now_us, out);
        return;
    }
    uint8_t question[kStreamQuestions];
    __builtin_memcpy(question, stream.received() + 2, length);
    stream.consume(2 + length, out);
    near.has_query = true;
    const Asker asker{near.link, static_cast<uint8_t>(&near - near_), near.client, near.client_port};
    input_query(job_of(near, now_us), asker, question, length);
}

// The answer of `count` bytes lies behind the two for its length, in what was reserved.
void Router::reply_near(Near& near, size_t count, uint64_t now_us) {
    store16(near.out, static_cast<uint16_t>(count));
    near.has_query = false;
    StreamOut out(*this, near, now_us);
    near.stream.commit(2 + count, now_us, out);
}

// Ends it at once, and what is being looked after for it.
void Router::drop_near(Near& near, uint64_t now_us) {
    StreamOut out(*this, near, now_us);
    near.stream.reset(out);
    near.has_query = false;
    for (Query& query : queries_) {
        if (!query.is_used || query.asker.stream != &near - near_) continue;
        if (query.far != kNoStream) {
            Far& far = far_[query.far];
            far.query = kNoStream;
            StreamOut far_out(*this, far, now_us);
            far.stream.reset(far_out);
        }
        end_query(query);
    }
}

// --- To servers

// Asks the server again whose answer was cut off. False: there is no room for another connection.
bool Router::ask_by_stream(Query& query, uint64_t now_us) {
    Far* place = nullptr;
    for (Far& far : far_) {
        // One that only has to end makes room.
        if (far.stream.is_free() || (place == nullptr && far.query == kNoStream)) place = &far;
    }
    uint64_t first = 0;
    uint16_t port = 0;
    if (place == nullptr || !host_.random(&first) || !choose_own_port(&port)) return false;
    StreamOut old(*this, *place, now_us);
    place->stream.reset(old);
    const Ip& to = query.server_ip;
    place->own = to.is_v4() ? own4_ : is_link_local(to) ? autoconf_.network().link_local : own6_;
    place->server = to;
    place->port = port;
    place->begun_us = now_us;
    place->has_asked = false;
    place->query = static_cast<uint8_t>(&query - queries_);
    query.far = static_cast<uint8_t>(place - far_);
    query.asked.id = static_cast<uint16_t>(first >> 32);
    query.asked.capitals = 0;  // a connection proves as much
    StreamOut out(*this, *place, now_us);
    place->stream.connect({place->in, sizeof place->in, place->out, sizeof place->out}, static_cast<uint32_t>(first),
                          now_us, out);
    return true;
}

Router::Far* Router::find_far(const Packet& packet) {
    if (packet.source_port != kNamePort) return nullptr;
    for (Far& far : far_) {
        const bool is_it = !far.stream.is_free() && far.port == packet.destination_port &&
                           far.server == packet.source && far.own == packet.destination;
        if (is_it) return &far;
    }
    return nullptr;
}

void Router::input_far(Far& far, const Packet& packet, uint64_t now_us) {
    StreamOut out(*this, far, now_us);
    far.stream.input(read_segment(scratch_ + packet.transport, packet.transport_bytes()), now_us, out);
    if (far.stream.is_free()) return fail_far(far, now_us);
    if (far.query == kNoStream || far.stream.state() != Stream::State::kOpen) return;
    if (!far.has_asked) {
        const Query& query = queries_[far.query];
        uint8_t* message = far.stream.reserve(sizeof far.out);
        if (message == nullptr) return fail_far(far, now_us);
        far.has_asked = true;
        const size_t bytes = write_query(query.query, query.asked, message + 2);
        store16(message, static_cast<uint16_t>(bytes));
        far.stream.commit(2 + bytes, now_us, out);
    }
    read_far(far, now_us);
}

// The answer, once it is whole. Nothing but an answer to the question is believed, and nothing behind it is read.
void Router::read_far(Far& far, uint64_t now_us) {
    const size_t count = far.stream.received_bytes();
    const uint8_t* at = far.stream.received();
    const size_t length = count < 2 ? 0 : load16(at);
    const bool is_wrong = count >= 2 && (length < kLeastMessage || length > sizeof far.in - 2);
    if (is_wrong) return fail_far(far, now_us);
    if (count < 2 || count < 2 + length) {
        if (far.stream.has_peer_ended()) fail_far(far, now_us);
        return;
    }
    Query& query = queries_[far.query];
    DnsAnswer& answer = read_answer_;
    if (!is_answer_to(query.query, query.asked, at + 2, length) ||
        read_answer(at + 2, length, answer) != DnsError::kNone) {
        ++counters_[kWire].refused[static_cast<unsigned>(Reason::kMalformed)];
        return fail_far(far, now_us);
    }
    far.query = kNoStream;
    const Query ended = query;
    end_query(query);
    grant_answer(ended, answer, now_us);
    take_answer(ended, answer, at + 2, length, now_us);
    StreamOut out(*this, far, now_us);
    far.stream.finish(now_us, out);
}

// No answer comes that way: the asker gets the addresses that came by UDP, or hears that there is none.
void Router::fail_far(Far& far, uint64_t now_us) {
    StreamOut out(*this, far, now_us);
    far.stream.reset(out);
    if (far.query == kNoStream) return;
    Query& query = queries_[far.query];
    far.query = kNoStream;
    const Query ended = query;
    end_query(query);
    Near& near = near_[ended.asker.stream];
    if (ended.short_bytes == 0) return answer_query(ended, kDnsFailure, now_us);
    near.out[4] &= static_cast<uint8_t>(~2);  // by TCP there is no more of it
    reply_near(near, ended.short_bytes, now_us);
}

void Router::tick_streams(uint64_t now_us) {
    for (Near& near : near_) {
        if (near.stream.is_free()) continue;
        StreamOut out(*this, near, now_us);
        near.stream.tick(now_us, out);
        const uint64_t idle = now_us - near.stream.progress_us();
        if (near.stream.is_free() || (!near.has_query && idle >= kFinishUs)) {
            drop_near(near, now_us);
        } else if (!near.has_query && idle >= kIdleUs) {
            near.stream.finish(now_us, out);
        }
    }
    for (Far& far : far_) {
        if (far.stream.is_free()) continue;
        StreamOut out(*this, far, now_us);
        far.stream.tick(now_us, out);
        const uint64_t age = now_us - far.begun_us;
        if (far.stream.is_free() || age >= (far.query == kNoStream ? kFarEndUs : kAnswerUs)) fail_far(far, now_us);
    }
}

}  // namespace kos::netrouter
