/*
 * Messages of the domain name system (RFC 1035, 3 and 4), as far as a relay needs them: one question, and the
 * addresses of an answer. Names that point anywhere but backwards, or are too long, end the message. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_DNS_H_
#define KOS_SERVICES_NETROUTER_DNS_H_

#include <string_view>

#include "ip.h"

namespace kos::netrouter {

enum : uint16_t { kDnsA = 1, kDnsCname = 5, kDnsAaaa = 28, kDnsOpt = 41 };
enum : uint8_t { kDnsFormat = 1, kDnsFailure = 2, kDnsNoName = 3, kDnsNotImplemented = 4, kDnsRefused = 5 };

constexpr size_t kMostNameText = 253;  // RFC 1035, 2.3.4, as text
constexpr size_t kMostQueryBytes = 300;
constexpr uint16_t kMostAnswerBytes = 1232;         // fits any way without fragments (DNS flag day 2020)
constexpr uint16_t kMostStreamAnswerBytes = 16384;  // by TCP, which could be 65535: nobody's addresses take so many
constexpr unsigned kMostRecords = 512;

struct DnsName {
    char text[kMostNameText + 3];  // lower case, labels with dots between, none at the end; "" is the root
    uint8_t size = 0;
    std::string_view view() const { return {text, size}; }
};

struct DnsQuery {
    uint16_t id = 0;
    uint16_t type = 0;
    bool wants_recursion = false;
    bool has_options = false;     // EDNS (RFC 6891)
    uint16_t answer_bytes = 512;  // that the asker takes
    bool wants_proofs = false;    // its DO bit
    DnsName name;
};

struct DnsAddress {
    Ip ip;
    uint32_t ttl_s = 0;
};

// How a server was asked: what an answer must bring back to be believed (RFC 5452, 4), besides addresses and ports.
struct DnsAsked {
    uint16_t id = 0;
    // Which letters of the name were capitals, bit by bit and again from the 65th on: a name says the same with either,
    // and who has not seen the question does not know.
    uint64_t capitals = 0;
    bool has_options = true;  // false: of a server that does not know EDNS
};

struct DnsAnswer {
    uint16_t id = 0;
    uint16_t type = 0;
    uint8_t code = 0;
    bool is_truncated = false;
    uint16_t options_at = 0;  // its EDNS record, if that is the last one; else 0
    DnsName name;             // of the question
    unsigned count = 0;       // addresses of that name or of names that it is an alias for
    DnsAddress addresses[kMostRecords];
};

enum class DnsError : uint8_t { kNone, kMalformed, kUnsupported };

// A query with exactly one question of class IN. kUnsupported: something else than a query, `id` is set then.
DnsError read_query(const uint8_t* bytes, size_t count, DnsQuery& query);
// An answer to one. Every record is walked through.
DnsError read_answer(const uint8_t* bytes, size_t count, DnsAnswer& answer);

// A query to a server, which may take kMostAnswerBytes for its answer whatever the asker takes. At most
// kMostQueryBytes.
size_t write_query(const DnsQuery& query, const DnsAsked& asked, uint8_t* out);
// Whether the number and the question of a message are those of this query, bit by bit.
bool is_answer_to(const DnsQuery& query, const DnsAsked& asked, const uint8_t* bytes, size_t count);
// What the asker gets of such an answer of `count` bytes, which `out` already has: his
// number and question, and no EDNS that he does not know. Returns its size.
size_t adapt_answer(const DnsQuery& query, const DnsAnswer& answer, uint8_t* out, size_t count);
// An answer of our own: `code`, and with it an address (if not none) that lives for `ttl_s`. At most kMostQueryBytes.
size_t write_answer(const DnsQuery& query, uint8_t code, const Ip& address, uint32_t ttl_s, uint8_t* out);
// What an asker gets of an answer that he cannot take whole: as many of its addresses as fit, as addresses of the name
// itself, and that it is cut off: who can asks again by TCP (RFC 2181, 9). At most query.answer_bytes and
// kMostAnswerBytes.
size_t write_short_answer(const DnsQuery& query, const DnsAnswer& answer, uint8_t* out);

// An address as text: a.b.c.d, or hexadecimal groups with :: once. False: it is none.
bool read_ip(std::string_view text, Ip& ip);

}  // namespace kos::netrouter

#endif
