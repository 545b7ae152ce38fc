#include "dns.h"

namespace kos::netrouter {

namespace {

constexpr size_t kHeader = 12;
constexpr unsigned kMostPointers = 32;
constexpr unsigned kMostAliases = 16;
constexpr uint16_t kClassIn = 1;
constexpr size_t kAddressBytes = 28;  // of a record with an address, at most
constexpr size_t kOptionBytes = 11;

constexpr uint16_t kResponse = 0x8000;
constexpr uint16_t kOpcode = 0x7800;
constexpr uint16_t kTruncated = 0x0200;
constexpr uint16_t kWantsRecursion = 0x0100;
constexpr uint16_t kHasRecursion = 0x0080;

char lower(uint8_t c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); }

// A name at `at`, which moves behind it. Bytes of labels that would confuse a reader (dots, controls) make it
// malformed: rules are about host names.
bool read_name(const uint8_t* bytes, size_t count, size_t& at, DnsName& name) {
    size_t i = at;
    size_t size = 0;
    size_t lowest = at;  // pointers must lead further back each time: no circles
    bool has_jumped = false;
    for (unsigned pointers = 0;;) {
        if (i >= count) return false;
        const uint8_t length = bytes[i];
        if (length == 0) {
            if (!has_jumped) at = i + 1;
            name.size = static_cast<uint8_t>(size);
            return true;
        }
        if (length >> 6 == 3) {
            if (i + 1 >= count || ++pointers > kMostPointers) return false;
            const size_t target = (size_t{length} & 0x3f) << 8 | bytes[i + 1];
            if (target < kHeader || target >= lowest) return false;
            if (!has_jumped) at = i + 2;
            has_jumped = true;
            lowest = target;
            i = target;
            continue;
        }
        if (length >> 6 != 0 || length > count - i - 1) return false;
        if (size + length + (size != 0 ? 1 : 0) > kMostNameText) return false;
        if (size != 0) name.text[size++] = '.';
        for (unsigned j = 1; j <= length; ++j) {
            const uint8_t c = bytes[i + j];
            if (c <= ' ' || c == '.' || c >= 0x7f) return false;
            name.text[size++] = lower(c);
        }
        i += size_t{length} + 1;
    }
}

struct Resource {
    DnsName name;
    uint16_t type;
    uint16_t kind;  // class
    uint32_t ttl_s;
    size_t data;
    uint16_t bytes;
};

bool read_resource(const uint8_t* bytes, size_t count, size_t& at, Resource& record) {
    if (!read_name(bytes, count, at, record.name) || count - at < 10) return false;
    record.type = load16(bytes + at);
    record.kind = load16(bytes + at + 2);
    record.ttl_s = load32(bytes + at + 4);
    record.bytes = load16(bytes + at + 8);
    record.data = at + 10;
    if (record.bytes > count - record.data) return false;
    // RFC 2181, 8: with the top bit set it counts as zero.
    if (record.ttl_s >> 31 != 0) record.ttl_s = 0;
    at = record.data + record.bytes;
    return true;
}

bool read_question(const uint8_t* bytes, size_t count, size_t& at, DnsName& name, uint16_t& type) {
    if (!read_name(bytes, count, at, name) || count - at < 4) return false;
    type = load16(bytes + at);
    const uint16_t kind = load16(bytes + at + 2);
    at += 4;
    return kind == kClassIn;
}

size_t write_name(std::string_view name, uint8_t* out) {
    size_t at = 0;
    while (!name.empty()) {
        const size_t dot = name.find('.');
        const size_t size = dot == std::string_view::npos ? name.size() : dot;
        out[at++] = static_cast<uint8_t>(size);
        for (size_t i = 0; i < size; ++i) out[at++] = static_cast<uint8_t>(name[i]);
        name.remove_prefix(size == name.size() ? size : size + 1);
    }
    out[at++] = 0;
    return at;
}

size_t write_header(const DnsQuery& query, uint16_t id, uint16_t flags, uint8_t* out) {
    __builtin_memset(out, 0, kHeader);
    store16(out, id);
    store16(out + 2, flags);
    store16(out + 4, 1);
    size_t at = kHeader + write_name(query.name.view(), out + kHeader);
    store16(out + at, query.type);
    store16(out + at + 2, kClassIn);
    return at + 4;
}

// A record of the name of the question.
size_t write_address(const Ip& address, uint32_t ttl_s, uint8_t* out, size_t at) {
    store16(out + at, 0xc000 | kHeader);
    store16(out + at + 2, address.is_v4() ? kDnsA : kDnsAaaa);
    store16(out + at + 4, kClassIn);
    store32(out + at + 6, ttl_s);
    store16(out + at + 10, address.is_v4() ? 4 : 16);
    at += 12;
    if (address.is_v4()) {
        store32(out + at, address.v4());
        return at + 4;
    }
    store_ip6(out + at, address);
    return at + 16;
}

size_t write_options(const DnsQuery& query, uint8_t* out, size_t at) {
    if (!query.has_options) return at;
    store16(out + 10, 1);
    out[at] = 0;
    store16(out + at + 1, kDnsOpt);
    store16(out + at + 3, query.answer_bytes < kMostAnswerBytes ? query.answer_bytes : kMostAnswerBytes);
    store32(out + at + 5, query.wants_proofs ? 0x8000 : 0);
    store16(out + at + 9, 0);
    return at + kOptionBytes;
}

}  // namespace

DnsError read_query(const uint8_t* bytes, size_t count, DnsQuery& query) {
    if (count < kHeader) return DnsError::kMalformed;
    query.id = load16(bytes);
    const uint16_t flags = load16(bytes + 2);
    if (flags & kResponse) return DnsError::kMalformed;
    if ((flags & kOpcode) != 0 || load16(bytes + 4) != 1 || load16(bytes + 6) != 0 || load16(bytes + 8) != 0 ||
        load16(bytes + 10) > 1) {
        return DnsError::kUnsupported;
    }
    query.wants_recursion = (flags & kWantsRecursion) != 0;
    query.has_options = false;
    query.wants_proofs = false;
    query.answer_bytes = 512;
    size_t at = kHeader;
    if (!read_question(bytes, count, at, query.name, query.type)) return DnsError::kMalformed;
    if (load16(bytes + 10) == 1) {
        Resource record;
        if (!read_resource(bytes, count, at, record) || record.type != kDnsOpt) return DnsError::kMalformed;
        query.has_options = true;
        query.answer_bytes = record.kind < 512 ? uint16_t{512} : record.kind;
        query.wants_proofs = (load32(bytes + record.data - 6) & 0x8000) != 0;
    }
    return at == count ? DnsError::kNone : DnsError::kMalformed;
}

DnsError read_answer(const uint8_t* bytes, size_t count, DnsAnswer& answer) {
    if (count < kHeader) return DnsError::kMalformed;
    answer.id = load16(bytes);
    const uint16_t flags = load16(bytes + 2);
    if ((flags & kResponse) == 0 || (flags & kOpcode) != 0 || load16(bytes + 4) != 1) return DnsError::kUnsupported;
    answer.code = flags & 15;
    answer.is_truncated = (flags & kTruncated) != 0;
    answer.count = 0;
    size_t at = kHeader;
    if (!read_question(bytes, count, at, answer.name, answer.type)) return DnsError::kMalformed;
    const unsigned answers = load16(bytes + 6);
    const unsigned records = answers + load16(bytes + 8) + load16(bytes + 10);
    if (records > kMostRecords) return DnsError::kUnsupported;
    // Addresses count if they are of the name that was asked for, or of one at the end of its aliases, which come
    // first.
    DnsName wanted = answer.name;
    unsigned aliases = 0;
    answer.options_at = 0;
    for (unsigned i = 0; i < records; ++i) {
        Resource record;
        const size_t begin = at;
        if (!read_resource(bytes, count, at, record)) return DnsError::kMalformed;
        const bool is_options = record.type == kDnsOpt && record.name.size == 0 && i + 1 == records;
        if (is_options && load16(bytes + 10) != 0) answer.options_at = static_cast<uint16_t>(begin);
        if (i >= answers || record.kind != kClassIn || record.name.view() != wanted.view()) continue;
        if (record.type == kDnsCname && ++aliases <= kMostAliases) {
            size_t target = record.data;
            DnsName alias;
            if (!read_name(bytes, record.data + record.bytes, target, alias)) return DnsError::kMalformed;
            if (target != record.data + record.bytes) return DnsError::kMalformed;
            wanted = alias;
        }
        const bool is_a = record.type == kDnsA;
        if (is_a || record.type == kDnsAaaa) {
            if (record.bytes != (is_a ? 4 : 16)) return DnsError::kMalformed;
            const uint8_t* data = bytes + record.data;
            answer.addresses[answer.count++] = {is_a ? load_ip4(data) : load_ip6(data), record.ttl_s};
        }
    }
    return at == count ? DnsError::kNone : DnsError::kMalformed;
}

size_t write_query(const DnsQuery& query, const DnsAsked& asked, uint8_t* out) {
    size_t at = write_header(query, asked.id, kWantsRecursion, out);
    // The lengths of labels are below 64, so no letters.
    for (size_t i = kHeader; i < at - 4; ++i) {
        if (out[i] >= 'a' && out[i] <= 'z' && (asked.capitals >> (i % 64) & 1) != 0) out[i] -= 32;
    }
    if (asked.has_options) {
        DnsQuery larger = query;
        larger.has_options = true;
        larger.answer_bytes = kMostAnswerBytes;
        at = write_options(larger, out, at);
    }
    return at;
}

bool is_answer_to(const DnsQuery& query, const DnsAsked& asked, const uint8_t* bytes, size_t count) {
    uint8_t question[kMostQueryBytes];
    DnsAsked plain = asked;
    plain.has_options = false;
    const size_t size = write_query(query, plain, question);
    return count >= size && load16(bytes) == asked.id &&
           __builtin_memcmp(bytes + kHeader, question + kHeader, size - kHeader) == 0;
}

size_t adapt_answer(const DnsQuery& query, const DnsAnswer& answer, uint8_t* out, size_t count) {
    store16(out, query.id);
    (void)write_name(query.name.view(), out + kHeader);
    if (query.has_options || answer.options_at == 0) return count;
    store16(out + 10, static_cast<uint16_t>(load16(out + 10) - 1));
    return answer.options_at;
}

size_t write_answer(const DnsQuery& query, uint8_t code, const Ip& address, uint32_t ttl_s, uint8_t* out) {
    const uint16_t flags =
        static_cast<uint16_t>(kResponse | kHasRecursion | (query.wants_recursion ? kWantsRecursion : 0) | code);
    size_t at = write_header(query, query.id, flags, out);
    if (!address.is_none()) {
        store16(out + 6, 1);
        at = write_address(address, ttl_s, out, at);
    }
    return write_options(query, out, at);
}

size_t write_short_answer(const DnsQuery& query, const DnsAnswer& answer, uint8_t* out) {
    const uint16_t flags = static_cast<uint16_t>(
        kResponse | kHasRecursion | (query.wants_recursion ? kWantsRecursion : 0) | answer.code | kTruncated);
    size_t at = write_header(query, query.id, flags, out);
    const size_t most = query.answer_bytes < kMostAnswerBytes ? query.answer_bytes : kMostAnswerBytes;
    uint16_t count = 0;
    for (unsigned i = 0; i < answer.count && at + kAddressBytes + kOptionBytes <= most; ++i, ++count)
        at = write_address(answer.addresses[i].ip, answer.addresses[i].ttl_s, out, at);
    store16(out + 6, count);
    return write_options(query, out, at);
}

namespace {

bool read_ip4(std::string_view text, uint32_t& value) {
    value = 0;
    for (unsigned part = 0; part < 4; ++part) {
        unsigned number = 0;
        unsigned digits = 0;
        while (!text.empty() && text[0] >= '0' && text[0] <= '9' && digits < 4) {
            number = number * 10 + static_cast<unsigned>(text[0] - '0');
            text.remove_prefix(1);
            ++digits;
        }
        if (digits == 0 || digits > 3 || number > 255) return false;
        value = value << 8 | number;
        if (part == 3) break;
        if (text.empty() || text[0] != '.') return false;
        text.remove_prefix(1);
    }
    return text.empty();
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

bool read_ip(std::string_view text, Ip& ip) {
    uint32_t value = 0;
    if (read_ip4(text, value)) {
        ip = ip4(value);
        return true;
    }
    uint16_t groups[8] = {};
    unsigned count = 0;
    int gap = -1;
    if (text.starts_with("::")) {
        gap = 0;
        text.remove_prefix(2);
    }
    while (!text.empty()) {
        unsigned number = 0;
        unsigned digits = 0;
        while (!text.empty() && digit_of(text[0]) >= 0 && digits < 5) {
            number = number << 4 | static_cast<unsigned>(digit_of(text[0]));
            text.remove_prefix(1);
            ++digits;
        }
        if (digits == 0 || digits > 4 || count == 8) return false;
        groups[count++] = static_cast<uint16_t>(number);
        if (text.empty()) break;
        if (text[0] != ':' || text.size() == 1) return false;
        text.remove_prefix(1);
        if (text[0] == ':') {
            if (gap >= 0) return false;
            gap = static_cast<int>(count);
            text.remove_prefix(1);
        }
    }
    if (gap < 0 ? count != 8 : count > 7) return false;
    uint16_t all[8] = {};
    for (unsigned i = 0; i < count; ++i) {
        const bool is_behind = gap >= 0 && static_cast<int>(i) >= gap;
        all[is_behind ? i + 8 - count : i] = groups[i];
    }
    ip = {};
    for (unsigned i = 0; i < 4; ++i) ip.high = ip.high << 16 | all[i];
    for (unsigned i = 4; i < 8; ++i) ip.low = ip.low << 16 | all[i];
    return !ip.is_v4();
}

}  // namespace kos::netrouter
