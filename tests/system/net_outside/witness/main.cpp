// Answers datagrams on port 9000 with what is known inside, so that the test outside can compare it with what it did:
//   state          one line of JSON: root's accounts, the instances of all domains, the router's counters
//   denials N      denials from number N on, one line of JSON each, then "next N"
//   restart NAME   restarts a domain: "ok", or the name of the status
// The question's first word, a number, is the answer's first word.
#include <kos/app.h>
#include <kos/net.h>
#include <kos/server.h>
#include <kos/idl/appman.hpp>
#include <kos/idl/net.hpp>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

constexpr uint16_t kPort = 9000;
constexpr size_t kMostBytes = 1400;  // of an answer: one packet

kos::idl::net::Client router;
kos::idl::appman::Client supervisor;

// An answer as it grows; what does not fit is left out, which the test sees as JSON that ends too early.
struct Answer {
    char text[kMostBytes + 1];
    size_t size = 0;

    [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) {
        va_list arguments;
        va_start(arguments, format);
        const int count = vsnprintf(text + size, sizeof text - size, format, arguments);
        va_end(arguments);
        if (count > 0)
            size = size + static_cast<size_t>(count) < kMostBytes ? size + static_cast<size_t>(count) : kMostBytes;
    }
    void add_address(const char* name, const uint8_t* bytes) {
        add("\"%s\":\"", name);
        for (unsigned i = 0; i < 16; ++i) add("%02x", bytes[i]);
        add("\",");
    }
};

void tell_refused(Answer& answer, uint64_t link) {
    const auto refused = router.counters(link);
    answer.add("%s[", link == 0 ? "" : ",");
    for (size_t i = 0; refused.ok() && i < refused->size(); ++i)
        answer.add("%s%llu", i == 0 ? "" : ",", static_cast<unsigned long long>((*refused)[i]));
    answer.add("]");
}

void tell_state(Answer& answer) {
    answer.add("{");
    const auto accounts = supervisor.accounts();
    if (accounts.ok()) {
        answer.add("\"accounts\":[%llu,%llu,%llu,%llu],", static_cast<unsigned long long>(accounts->untyped_bytes),
                   static_cast<unsigned long long>(accounts->domain_bytes),
                   static_cast<unsigned long long>(accounts->slots), static_cast<unsigned long long>(accounts->loans));
    }
    const auto domains = supervisor.list(0);
    answer.add("\"instances\":{");
    for (size_t i = 0; domains.ok() && i < domains->entries.size(); ++i) {
        const auto& domain = domains->entries[i];
        answer.add("%s\"%.31s\":%u", i == 0 ? "" : ",", reinterpret_cast<const char*>(&domain.name), domain.instance);
    }
    answer.add("},");
    const auto uplink = router.uplink();
    if (uplink.ok()) {
        answer.add_address("address4", uplink->address4);
        answer.add_address("address6", uplink->address6);
        answer.add_address("gateway4", uplink->gateway4);
        answer.add_address("gateway6", uplink->gateway6);
        answer.add("\"connections\":%u,\"packets_in\":%llu,\"denials\":%llu,", uplink->connections,
                   static_cast<unsigned long long>(uplink->packets_in),
                   static_cast<unsigned long long>(uplink->denials));
    }
    const auto links = router.links(0);
    answer.add("\"refused\":[");
    for (uint64_t link = 0; links.ok() && link <= links->entries.size(); ++link) tell_refused(answer, link);
    answer.add("]}");
}

void tell_denials(Answer& answer, uint64_t first) {
    const auto denials = router.denials(first);
    if (!denials.ok()) return answer.add("%s", kos_status_name(denials.status()));
    uint64_t next = first + denials->lost;
    for (const auto& denial : denials->entries) {
        if (answer.size > kMostBytes - 320) break;
        answer.add("{");
        answer.add_address("source", denial.source);
        answer.add_address("destination", denial.destination);
        answer.add(
            "\"name\":\"%.63s\",\"source_port\":%u,\"destination_port\":%u,\"domain\":%u,\"protocol\":%u,"
            "\"reason\":%u,\"is_inbound\":%u}\n",
            reinterpret_cast<const char*>(&denial.name), denial.source_port, denial.destination_port, denial.domain,
            denial.protocol, static_cast<unsigned>(denial.reason), denial.is_inbound);
        next = denial.sequence + 1;
    }
    answer.add("next %llu", static_cast<unsigned long long>(next));
}

void answer_to(char* question, Answer& answer) {
    char* words = strchr(question, ' ');
    if (words == nullptr) return;
    *words++ = 0;
    answer.add("%s ", question);
    if (strcmp(words, "state") == 0) return tell_state(answer);
    if (strncmp(words, "denials ", 8) == 0) return tell_denials(answer, strtoull(words + 8, nullptr, 10));
    if (strncmp(words, "restart ", 8) == 0) {
        const auto done = supervisor.restart(words + 8);
        return answer.add("%s", done.ok() ? "ok" : kos_status_name(done.status()));
    }
    answer.add("what?");
}

void ready(kos_net_socket_t* socket, void*) {
    static char question[128];
    static Answer answer;
    size_t count = 0;
    kos_net_address_t from;
    for (;;) {
        const kos_status_t status = kos_net_udp_receive(socket, question, sizeof question - 1, &count, &from);
        if (status != KOS_STATUS_OK) return;
        question[count] = 0;
        answer.size = 0;
        answer_to(question, answer);
        // What is lost is asked for again.
        if (answer.size != 0) (void)kos_net_udp_send(socket, &from, answer.text, answer.size);
    }
}

void signalled(kos_server_t*, uint64_t bits) {
    if (bits & kos_net_signals()) kos_net_work();
}

}  // namespace

int main() {
    const auto net = kos::idl::net::Client::connect("net_status");
    const auto appman = kos::idl::appman::Client::connect("appman");
    kos_assert(net.ok() && appman.ok());
    router = *net;
    supervisor = *appman;
    kos_net_address_t here{};
    here.port = kPort;
    kos_net_socket_t* socket = nullptr;
    kos_assert_ok(kos_net_open(nullptr));
    kos_assert_ok(kos_net_udp_open(&here, &socket));
    kos_net_watch(socket, ready, nullptr);
    kos_server_t server{};
    server.signalled = signalled;
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
