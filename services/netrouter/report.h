/*
 * Denials and addresses as text, for the log. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_REPORT_H_
#define KOS_SERVICES_NETROUTER_REPORT_H_

#include "../common/text.h"
#include "event.h"

namespace kos::netrouter {

using Line = service::Text<240>;  // a line of the log

inline Line& add_hex(Line& line, unsigned value) {
    char digits[4];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % 16];
        value /= 16;
    } while (value != 0);
    while (count > 0) line.add(digits[--count]);
    return line;
}

// a.b.c.d, or as RFC 5952 has it: the longest row of zero groups as "::".
inline Line& add_ip(Line& line, const Ip& ip) {
    if (ip.is_v4()) {
        for (unsigned i = 0; i < 4; ++i) {
            if (i != 0) line.add('.');
            line.add_number(ip.v4() >> (24 - 8 * i) & 255);
        }
        return line;
    }
    unsigned groups[8];
    for (unsigned i = 0; i < 8; ++i)
        groups[i] = static_cast<unsigned>((i < 4 ? ip.high : ip.low) >> (48 - i % 4 * 16) & 0xffff);
    unsigned best = 8;
    unsigned best_count = 1;  // a single one is written out
    for (unsigned i = 0; i < 8; ++i) {
        unsigned count = 0;
        while (i + count < 8 && groups[i + count] == 0) ++count;
        if (count <= best_count) continue;
        best = i;
        best_count = count;
    }
    for (unsigned i = 0; i < 8; ++i) {
        if (i == best) {
            line.add("::");
            i += best_count - 1;
            continue;
        }
        if (i != 0 && i != best + best_count) line.add(':');
        add_hex(line, groups[i]);
    }
    return line;
}

inline Line& add_end(Line& line, const Ip& ip, uint16_t port, bool has_ports) {
    const bool is_bracketed = has_ports && !ip.is_v4();
    if (is_bracketed) line.add('[');
    add_ip(line, ip);
    if (is_bracketed) line.add(']');
    if (has_ports) line.add(':').add_number(port);
    return line;
}

// "denied: web out rule tcp 10.78.5.2:4000 -> 203.0.113.9:80", with the name if one was asked for, and how many more
// of the link were not written.
inline void write_denial(const Denial& denial, const char* domain, uint64_t suppressed, Line& line) {
    line.clear();
    line.add("denied: ").add(domain).add(denial.is_inbound ? " in " : " out ").add(name_of(denial.reason)).add(' ');
    const bool has_ports = denial.protocol == kTcp || denial.protocol == kUdp;
    switch (denial.protocol) {
        case kTcp: line.add("tcp "); break;
        case kUdp: line.add("udp "); break;
        case kIcmp4:
        case kIcmp6: line.add("icmp "); break;
        default: line.add("protocol ").add_number(denial.protocol).add(' '); break;
    }
    add_end(line, denial.source, denial.source_port, has_ports).add(" -> ");
    add_end(line, denial.destination, denial.destination_port, has_ports);
    if (denial.name[0] != 0) line.add(' ').add(denial.name);
    if (suppressed != 0) line.add(" (and ").add_number(suppressed).add(" before)");
}

}  // namespace kos::netrouter

#endif
