// Writes the records of a program on the host, which does the test and says what it has found over port 9000: lines
// "pass NAME", "fail NAME", "row NAME VALUE UNIT", then "end".
#define RECORDS_HERE
#include "records.h"

#include <kos/net.h>

#include <stdlib.h>

enum { kPort = 9000, kLineBytes = 160 };

static const uint64_t kPatienceUs = 100 * 1000000ull;

// 1: that was the last one.
static int handle(char* line) {
    char* const name = strchr(line, ' ');
    if (!strcmp(line, "end")) return 1;
    if (name && !strncmp(line, "pass ", 5)) {
        check(name + 1, 1, 0);
    } else if (name && !strncmp(line, "fail ", 5)) {
        check(name + 1, 0, 0);
    } else if (name && !strncmp(line, "row ", 4)) {
        char row[40];
        char unit[20];
        double value;
        char text[200];
        if (sscanf(name, " %39s %lf %19s", row, &value, unit) == 3) {
            snprintf(text, sizeof text, "\x1e{\"row\":\"%s\",\"value\":%.1f,\"unit\":\"%s\"}\n", row, value, unit);
            print_line(text);
        }
    } else {
        check("a line that the judge understands", 0, 0);
    }
    return 0;
}

int main(void) {
    begin_records();
    kos_net_address_t const here = {.port = kPort};
    kos_net_socket_t *listener, *peer;
    kos_assert_ok(kos_net_open(NULL));
    kos_assert_ok(kos_net_tcp_listen(&here, 4, &listener));
    uint64_t const end = kos_time_after_us(kPatienceUs);
    kos_status_t status = kos_net_wait(listener, KOS_NET_READABLE, end);
    if (status == KOS_STATUS_OK) status = kos_net_tcp_accept(listener, &peer);
    if (!check_status("the host has come", status, KOS_STATUS_OK)) print_verdict();
    char line[kLineBytes];
    size_t length = 0;
    for (;;) {
        size_t done = 0;
        char byte;
        status = kos_net_tcp_receive(peer, &byte, 1, &done);
        if (status == KOS_STATUS_EMPTY) {
            status = kos_net_wait(peer, KOS_NET_READABLE, end);
            if (status == KOS_STATUS_OK) continue;
        }
        if (status != KOS_STATUS_OK || done == 0) {
            check_status("the host has said \"end\"", status, KOS_STATUS_OK);
            check("the host has not gone before", 0, 0);
            break;
        }
        if (byte != '\n' && length < sizeof line - 1) {
            line[length++] = byte;
            continue;
        }
        line[length] = 0;
        length = 0;
        if (handle(line)) break;
    }
    print_verdict();
}
