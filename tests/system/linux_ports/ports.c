// Linux program: records, results, order of the tests.
#define _GNU_SOURCE
#include "ports.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kTestsOfFirst = 13 };  // passed, or there would be no second instance

static const char* present;
static int present_failures, passed, failed;

static void put(const char* text) {
    for (size_t left = strlen(text); left;) {
        ssize_t const now = write(1, text, left);
        if (now < 0 && errno != EINTR) return;
        if (now > 0) text += now, left -= (size_t)now;
    }
}

void begin(const char* test) {
    present = test;
    present_failures = 0;
}

void end(void) {
    char text[200];
    present_failures ? ++failed : ++passed;
    snprintf(text, sizeof text, "\x1e{\"test\":\"%s\",\"result\":\"%s\"}\n", present,
             present_failures ? "fail" : "pass");
    put(text);
}

bool check(bool holds, const char* what, int line) {
    char text[300];
    if (holds) return true;
    ++present_failures;
    snprintf(text, sizeof text, "%s: line %d: not so: %s\n", present, line, what);
    put(text);
    return false;
}

static struct sockaddr_un address_of(const char* folder, const char* name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/run/kos/%s/%s", folder, name);
    return address;
}

int connect_port(const char* name) {
    struct sockaddr_un const address = address_of("port", name);
    int const fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr*)&address, sizeof address) < 0) {
        check(false, name, errno);
        end();
        exit(1);
    }
    return fd;
}

int open_port(const char* name) {
    static record_t hello;
    int const fd = connect_port(name);
    CHECK(receive(fd, &hello, 1000) && hello.head.kind == KOS_PORT_HELLO);
    return fd;
}

bool send_record(int fd, const record_t* record, int sent_fd, int flags) {
    struct iovec pieces[2] = {{(void*)&record->head, sizeof record->head},
                              {(void*)record->payload, record->payload_bytes}};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    if (sent_fd >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof sent_fd);
        memcpy(CMSG_DATA(&control.head), &sent_fd, sizeof sent_fd);
    }
    return sendmsg(fd, &message, flags | MSG_NOSIGNAL) == (ssize_t)(sizeof record->head + record->payload_bytes);
}

bool receive(int fd, record_t* record, int timeout_ms) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec pieces[2] = {{&record->head, sizeof record->head}, {record->payload, sizeof record->payload}};
    struct msghdr message = {
        .msg_iov = pieces, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    memset(&record->head, 0, sizeof record->head);
    record->fd = -1;
    if (poll(&ready, 1, timeout_ms) != 1) return false;
    ssize_t const length = recvmsg(fd, &message, MSG_DONTWAIT);
    if (length < (ssize_t)sizeof record->head || record->head.version != KOS_PORT_VERSION) return false;
    record->payload_bytes = (size_t)length - sizeof record->head;
    const struct cmsghdr* const first = CMSG_FIRSTHDR(&message);
    if (first && first->cmsg_type == SCM_RIGHTS) memcpy(&record->fd, CMSG_DATA(first), sizeof record->fd);
    return true;
}

kos_port_record_t request(uint32_t label, uint64_t call_id, uint64_t param) {
    return (kos_port_record_t){
        .version = KOS_PORT_VERSION, .kind = KOS_PORT_CALL, .label = label, .call_id = call_id, .param = param};
}

void send_head(int fd, kos_port_record_t head) {
    CHECK(send(fd, &head, sizeof head, MSG_NOSIGNAL) == (ssize_t)sizeof head);
}

record_t call(int fd, uint32_t label, uint64_t param, uint64_t word0, uint64_t word1) {
    static uint64_t last = 1000;
    record_t answer;
    kos_port_record_t head = request(label, ++last, param);
    head.flags = KOS_PORT_WORDS;
    head.words[0] = word0;
    head.words[1] = word1;
    send_head(fd, head);
    if (!receive(fd, &answer, 10000)) answer.head.kind = 0;
    CHECK(answer.head.call_id == last);
    return answer;
}

bool is_end(int fd) {
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}

static void test_names(void) {
    static const struct {
        const char *folder, *name;
        int type, error;
    } refused[] = {{"port", "nothing", SOCK_SEQPACKET, ENOENT}, {"port", "console", SOCK_SEQPACKET, ENOENT},
                   {"port", "greeter", SOCK_SEQPACKET, ENOENT}, {"bind", "greeter", SOCK_SEQPACKET, ENOENT},
                   {"port", "peer", SOCK_STREAM, EPROTOTYPE},   {"parameters", "colour", SOCK_SEQPACKET, ECONNREFUSED}};
    begin("names");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; ++i) {
        struct sockaddr_un const address = address_of(refused[i].folder, refused[i].name);
        int const fd = socket(AF_UNIX, refused[i].type, 0);
        int const result = connect(fd, (const struct sockaddr*)&address, sizeof address);
        if (!CHECK(result == -1 && errno == refused[i].error)) check(false, refused[i].name, errno);
        close(fd);
    }
    char text[32] = {0};
    FILE* const file = fopen("/run/kos/parameters/colour", "r");
    CHECK(file && fgets(text, sizeof text, file) && strcmp(text, "green") == 0);
    if (file) fclose(file);
    CHECK(access("/run/kos/parameters/taste", F_OK) == -1 && errno == ENOENT);
    CHECK(access("/run/kos/port/active", F_OK) == 0);
    end();
}

static int instance(void) {
    int number = 0;
    FILE* const file = fopen("/run/kos/domain/instance", "r");
    if (!file || fscanf(file, "%d", &number) != 1) number = -1;
    if (file) fclose(file);
    return number;
}

int main(void) {
    setbuf(stdout, NULL);
    if (instance() == 1) {
        test_names();
        test_native_servers();
        test_serving();  // ends with the end of this domain
        return 1;
    }
    test_after_restart();
    char text[120];
    snprintf(text, sizeof text, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
             failed ? "fail" : "pass", passed + kTestsOfFirst, failed);
    put(text);
    for (;;) pause();
}
