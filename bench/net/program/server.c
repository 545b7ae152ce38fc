// For Linux what examples/net_echo and source/main.c are on kos_net, with epoll: echo (TCP and UDP port 7), discard
// (9), as much as the peer takes (19). The same file runs on Debian's kernel and in a KOS domain.
//
//   server [--address ADDRESS] [-- PROGRAM ARGUMENT...]...
//
// --address: of the interface eth0, with QEMU's router, so that it is the only program there needs to be. Each PROGRAM
// is started beside it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kEcho = 7, kDiscard = 9, kSource = 19, kMost = 4096, kBytes = 65536 };
enum kind { kNothing, kListener, kEchoConnection, kDiscardConnection, kSourceConnection, kUdp };

struct socket_state {
    enum kind kind;
    uint16_t port;
    size_t count, sent;  // of the echo: what has been read, and what of it has been sent
    char* bytes;
};
static struct socket_state states[kMost];
static char scratch[kBytes];

static void need(int is_right, const char* what) {
    if (is_right) return;
    perror(what);
    exit(1);
}

static void set_address(struct sockaddr* to, const char* text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, text, &address.sin_addr);
    memcpy(to, &address, sizeof address);
}

static void set_up_interface(const char* own) {
    int const control = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_name = "eth0"};
    set_address(&request.ifr_addr, own);
    need(ioctl(control, SIOCSIFADDR, &request) == 0, "SIOCSIFADDR");
    set_address(&request.ifr_netmask, "255.255.255.0");
    need(ioctl(control, SIOCSIFNETMASK, &request) == 0, "SIOCSIFNETMASK");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    need(ioctl(control, SIOCSIFFLAGS, &request) == 0, "SIOCSIFFLAGS");
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
    set_address(&route.rt_dst, "0.0.0.0");
    set_address(&route.rt_genmask, "0.0.0.0");
    set_address(&route.rt_gateway, "10.0.2.2");
    need(ioctl(control, SIOCADDRT, &route) == 0, "SIOCADDRT");
    close(control);
}

static void watch(int epoll, int fd, enum kind kind, uint16_t port) {
    need(fd < kMost, "too many sockets");
    states[fd] = (struct socket_state){.kind = kind, .port = port};
    if (kind == kEchoConnection) states[fd].bytes = malloc(kBytes);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = fd};
    need(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void open_port(int epoll, uint16_t port, int type) {
    int const fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    int const on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in const here = {.sin_family = AF_INET, .sin_port = htons(port)};
    need(bind(fd, (const struct sockaddr*)&here, sizeof here) == 0, "bind");
    if (type == SOCK_STREAM) need(listen(fd, 255) == 0, "listen");
    watch(epoll, fd, type == SOCK_STREAM ? kListener : kUdp, port);
}

static void accept_all(int epoll, int listener) {
    uint16_t const port = states[listener].port;
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int const on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, fd,
              port == kEcho      ? kEchoConnection
              : port == kDiscard ? kDiscardConnection
                                 : kSourceConnection,
              port);
    }
}

// 0: the connection is over.
static int serve_echo(int fd, struct socket_state* its) {
    for (;;) {
        while (its->sent < its->count) {
            ssize_t const sent = send(fd, its->bytes + its->sent, its->count - its->sent, MSG_NOSIGNAL);
            if (sent < 0) return errno == EAGAIN;
            its->sent += (size_t)sent;
        }
        ssize_t const received = recv(fd, its->bytes, kBytes, 0);
        if (received <= 0) return received < 0 && errno == EAGAIN;
        its->count = (size_t)received;
        its->sent = 0;
    }
}

static int serve(int fd, struct socket_state* its) {
    ssize_t done;
    switch (its->kind) {
        case kEchoConnection: return serve_echo(fd, its);
        case kDiscardConnection:
            while ((done = recv(fd, scratch, sizeof scratch, 0)) > 0) {
            }
            return done < 0 && errno == EAGAIN;
        case kSourceConnection:
            do done = send(fd, scratch, sizeof scratch, MSG_NOSIGNAL);
            while (done > 0);
            return errno == EAGAIN;
        default: return 1;
    }
}

static void serve_udp(int fd) {
    struct sockaddr_in from;
    for (;;) {
        socklen_t length = sizeof from;
        ssize_t const count = recvfrom(fd, scratch, sizeof scratch, 0, (struct sockaddr*)&from, &length);
        if (count < 0) return;
        sendto(fd, scratch, (size_t)count, 0, (const struct sockaddr*)&from, length);
    }
}

// The arguments up to the next "--" are a program. Returns the rest.
static char** start(char** arguments) {
    char** end = arguments;
    while (*end != NULL && strcmp(*end, "--") != 0) ++end;
    char** const rest = *end != NULL ? end + 1 : end;
    *end = NULL;
    pid_t const child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        execv(arguments[0], arguments);
        need(0, arguments[0]);
    }
    return rest;
}

int main(int count, char** arguments) {
    (void)count;
    char** next = arguments + 1;
    if (next[0] != NULL && strcmp(next[0], "--address") == 0 && next[1] != NULL) {
        set_up_interface(next[1]);
        next += 2;
    }
    if (*next != NULL && strcmp(*next, "--") == 0) ++next;
    while (*next != NULL) next = start(next);
    int const epoll = epoll_create1(0);
    open_port(epoll, kEcho, SOCK_STREAM);
    open_port(epoll, kEcho, SOCK_DGRAM);
    open_port(epoll, kDiscard, SOCK_STREAM);
    open_port(epoll, kSource, SOCK_STREAM);
    for (;;) {
        struct epoll_event events[64];
        int const count = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < count; ++i) {
            int const fd = events[i].data.fd;
            struct socket_state* const its = &states[fd];
            if (its->kind == kListener) {
                accept_all(epoll, fd);
            } else if (its->kind == kUdp) {
                serve_udp(fd);
            } else if (!serve(fd, its)) {
                free(its->bytes);
                its->kind = kNothing;
                close(fd);
            }
        }
    }
}
