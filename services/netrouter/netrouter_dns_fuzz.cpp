// Queries of a domain and answers of a name server.
#include "fuzz_network.h"

namespace kos::fuzz {

void run(Bytes input) {
    Reader reader(input);
    const bool is_answer = reader.below(2) != 0;
    const Bytes first = reader.bytes(reader.number<uint16_t>() % 1400);
    DnsQuery query;
    if (read_query(first.data(), first.size(), query) == DnsError::kNone) {
        uint8_t out[kMostQueryBytes];
        const DnsAsked asked{7, 0x5555aaaa3333cccc, true};
        const size_t count = write_query(query, asked, out);
        require(count <= sizeof out, "a query is too long");
        require(is_answer_to(query, asked, out, count), "our own query is another one");
        DnsQuery again;
        require(read_query(out, count, again) == DnsError::kNone, "our own query cannot be read");
        require(again.name.view() == query.name.view() && again.type == query.type,
                "our own query says something else");
        require(write_answer(query, 0, kServer6, 5, out) <= sizeof out, "an answer is too long");
    }
    DnsAnswer answer;
    if (read_answer(first.data(), first.size(), answer) == DnsError::kNone) {
        require(answer.count <= kMostRecords, "too many addresses");
        require(answer.options_at < first.size(), "EDNS behind the end");
        query = {};
        query.name = answer.name;
        for (const uint16_t most : {512, 1232, 65535}) {
            uint8_t out[kMostAnswerBytes];
            query.answer_bytes = most;
            query.has_options = most != 512;
            const size_t count = write_short_answer(query, answer, out);
            require(count <= most && count <= sizeof out, "a short answer is too long");
            DnsAnswer again;
            require(read_answer(out, count, again) == DnsError::kNone && again.count <= answer.count,
                    "a short answer cannot be read");
        }
    }
    // Through the router: a query, and what is said about it.
    Network network(false);
    Bench& bench = network.bench;
    const Ip gateway = bench.policy->links[0].gateway4;
    if (!is_answer) {
        bench.link(0, make_udp(bench.address4(0), 3333, gateway, 53, {first.begin(), first.end()}));
        return network.check();
    }
    netrouter::Bytes question{0,   1,   1,   0,   0,   1,   0, 0,   0,   0,   0, 0, 1, 'a', 7, 'e',
                              'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 1, 0,   1};
    bench.link(0, make_udp(bench.address4(0), 3333, gateway, 53, question));
    const netrouter::Bytes sent = bench.host.take(kWire);
    require(sent.size() > 28, "an allowed name is not asked for");
    netrouter::Bytes reply(first.begin(), first.end());
    if (reply.size() >= 2) std::copy(sent.begin() + 28, sent.begin() + 30, reply.begin());
    for (size_t i = 12; i < question.size() && i < reply.size(); ++i) {
        if (reply[i] == question[i]) reply[i] = sent[28 + i];  // capitals as they were
    }
    bench.outside(make_udp(kGateway4, 53, kOwn4, load16(&sent[20]), reply));
    network.check();
}

std::vector<Buffer> seeds() {
    netrouter::Bytes question{0,   1,   1,   0,   0,   1,   0, 0,   0,   0,   0, 0, 1, 'a', 7, 'e',
                              'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 1, 0,   1};
    netrouter::Bytes answer = question;
    answer[2] = 0x81;
    answer[3] = 0x80;
    answer[7] = 2;
    answer.insert(answer.end(), {0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 0, 0, 4, 1, 'b', 0xc0, 14});
    answer.insert(answer.end(), {0xc0, 43, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 203, 0, 113, 9});
    Writer first;
    first.number<uint8_t>(0).number(static_cast<uint16_t>(question.size())).bytes(question);
    Writer second;
    second.number<uint8_t>(1).number(static_cast<uint16_t>(answer.size())).bytes(answer);
    return {first.result(), second.result()};
}

}  // namespace kos::fuzz
