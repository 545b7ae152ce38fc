// AF_INET, AF_INET6 and AF_NETLINK over loopback: connections, datagrams, ping, options, errors, interfaces.
#include "abi.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

// The reference system begins with an interface that is down.
static void loopback_up(void) {
    const int fd = (int)OK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    struct ifreq request = {.ifr_name = "lo"};
    OK(ioctl(fd, SIOCGIFFLAGS, &request));
    if (!(request.ifr_flags & IFF_UP)) {
        request.ifr_flags |= IFF_UP;
        OK(ioctl(fd, SIOCSIFFLAGS, &request));
    }
    OK(close(fd));
}

static struct sockaddr_in at4(uint32_t host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(host);
    return address;
}
static struct sockaddr_in6 at6(const struct in6_addr host, int port) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    address.sin6_addr = host;
    return address;
}
#define A(address) ((struct sockaddr*)&(address)), sizeof(address)

static int port_of(int fd) {
    struct sockaddr_in6 address;
    socklen_t bytes = sizeof address;
    OK(getsockname(fd, (struct sockaddr*)&address, &bytes));
    return ntohs(address.sin6_port);  // where sockaddr_in has it, too
}

static int listening_with(int backlog, int reuses) {
    loopback_up();
    const int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuses, sizeof reuses));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 0);
    OK(bind(fd, A(address)));
    OK(listen(fd, backlog));
    return fd;
}

static int listening(int backlog) { return listening_with(backlog, 0); }

// A connection to itself: [0] has connected, [1] was accepted.
static int ends[2];
static void connection(void) {
    const int listener = listening(5);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port_of(listener));
    ends[0] = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    OK(connect(ends[0], A(address)));
    ends[1] = (int)OK(accept(listener, NULL, NULL));
    OK(close(listener));
}

static int ready(int fd, short events, int timeout_ms) {
    struct pollfd wait = {fd, events, 0};
    OK(poll(&wait, 1, timeout_ms));
    return wait.revents;
}
static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t bytes = sizeof value;
    OK(getsockopt(fd, level, name, &value, &bytes));
    return value;
}
static void set(int fd, int level, int name, int value) { OK(setsockopt(fd, level, name, &value, sizeof value)); }

CASE(connect_accept_names) {
    const int listener = listening(5);
    const int client = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port_of(listener)), mine, peer, theirs;
    OK(connect(client, A(address)));
    ERR(connect(client, A(address)), EISCONN);
    socklen_t bytes = sizeof peer;
    const int server = (int)OK(accept(listener, (struct sockaddr*)&peer, &bytes));
    EQ(bytes, sizeof peer);
    EQ(peer.sin_family, AF_INET);
    OK(getsockname(client, (struct sockaddr*)&mine, &bytes));
    EQ(memcmp(&mine, &peer, sizeof mine), 0);
    OK(getpeername(server, (struct sockaddr*)&theirs, &bytes));
    EQ(memcmp(&theirs, &peer, sizeof mine), 0);
    ERR(getpeername(listener, (struct sockaddr*)&theirs, &bytes), ENOTCONN);
    EQ(option(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    EQ(option(client, SOL_SOCKET, SO_ACCEPTCONN), 0);
    EQ(option(client, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    EQ(option(client, SOL_SOCKET, SO_DOMAIN), AF_INET);
}

CASE(stream_bytes) {
    connection();
    char text[20];
    EQ(send(ends[0], "hello", 5, 0), 5);
    struct iovec pieces[2] = {{(char*)"wo", 2}, {(char*)"rld", 3}};
    EQ(writev(ends[0], pieces, 2), 5);
    EQ(recv(ends[1], text, 10, MSG_WAITALL), 10);
    EQ(memcmp(text, "helloworld", 10), 0);
    EQ(send(ends[1], "abcdef", 6, MSG_NOSIGNAL), 6);
    EQ(ready(ends[0], POLLIN, 5000), POLLIN);
    EQ(recv(ends[0], text, 3, MSG_PEEK), 3);
    int waiting = -1;
    OK(ioctl(ends[0], FIONREAD, &waiting));
    EQ(waiting, 6);
    EQ(recv(ends[0], NULL, 2, MSG_TRUNC), 2);
    EQ(read(ends[0], text, 20), 4);
    EQ(memcmp(text, "cdef", 4), 0);
    ERR(recv(ends[0], text, 20, MSG_DONTWAIT), EAGAIN);
    ERR(send(ends[0], BAD, 5, 0), EFAULT);
    ERR(lseek(ends[0], 0, SEEK_SET), ESPIPE);
}

CASE(half_close) {
    connection();
    char text[20];
    OK(send(ends[0], "last", 4, 0));
    OK(shutdown(ends[0], SHUT_WR));
    ERR(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    EQ(recv(ends[1], text, 20, MSG_WAITALL), 4);
    EQ(read(ends[1], text, 20), 0);
    EQ(ready(ends[1], POLLIN | POLLRDHUP | POLLOUT, 0), POLLIN | POLLRDHUP | POLLOUT);
    OK(send(ends[1], "still", 5, 0));
    EQ(read(ends[0], text, 20), 5);
    OK(shutdown(ends[1], SHUT_WR));
    EQ(read(ends[0], text, 20), 0);
    EQ(ready(ends[0], POLLIN, 5000) & POLLHUP, POLLHUP);
    ERR(shutdown(ends[0], 9), EINVAL);
}

CASE(unconnected) {
    ERR(shutdown((int)OK(socket(AF_INET, SOCK_STREAM, 0)), SHUT_RDWR), ENOTCONN);
    const int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    char byte;
    ERR(recv(fd, &byte, 1, 0), ENOTCONN);
    ERR(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
    EQ(ready(fd, POLLOUT, 0), POLLOUT | POLLHUP);
}

CASE(sigpipe) {
    connection();
    OK(shutdown(ends[0], SHUT_WR));
    const pid_t child = must_fork();
    if (child == 0) {
        if (write(ends[0], "x", 1) < 0) _exit(1);
        _exit(0);
    }
    must_die(child, SIGPIPE);
}

CASE(refused) {
    const int listener = listening(1);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port_of(listener));
    OK(close(listener));
    const int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    ERR(connect(fd, A(address)), ECONNREFUSED);
    EQ(option(fd, SOL_SOCKET, SO_ERROR), 0);
    const int soon = (int)OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ERR(connect(soon, A(address)), EINPROGRESS);
    CHECK(ready(soon, POLLOUT, 5000) & POLLERR);
    EQ(option(soon, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    EQ(option(soon, SOL_SOCKET, SO_ERROR), 0);
}

CASE(connect_without_waiting) {
    const int listener = listening(5);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port_of(listener));
    const int fd = (int)OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    const int set_of = (int)OK(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET, .data.u64 = 7};
    OK(epoll_ctl(set_of, EPOLL_CTL_ADD, fd, &event));
    ERR(connect(fd, A(address)), EINPROGRESS);
    do {
        EQ(epoll_wait(set_of, &event, 1, 5000), 1);
    } while (event.events & EPOLLHUP);  // before it was begun
    EQ(event.events, EPOLLOUT);
    EQ(option(fd, SOL_SOCKET, SO_ERROR), 0);
    OK(fcntl(listener, F_SETFL, O_NONBLOCK));
    EQ(ready(listener, POLLIN, 5000), POLLIN);
    const int server = (int)OK(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EQ(OK(fcntl(server, F_GETFL)) & O_NONBLOCK, O_NONBLOCK);
    EQ(OK(fcntl(server, F_GETFD)), FD_CLOEXEC);
    ERR(accept(listener, NULL, NULL), EAGAIN);
    char byte;
    ERR(read(server, &byte, 1), EAGAIN);
}

CASE(epoll_edges) {
    connection();
    const int set_of = (int)OK(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP};
    OK(epoll_ctl(set_of, EPOLL_CTL_ADD, ends[1], &event));
    EQ(epoll_wait(set_of, &event, 1, 0), 0);
    OK(send(ends[0], "ab", 2, 0));
    EQ(epoll_wait(set_of, &event, 1, 5000), 1);
    EQ(event.events, EPOLLIN);
    EQ(epoll_wait(set_of, &event, 1, 0), 0);
    char byte;
    EQ(read(ends[1], &byte, 1), 1);
    EQ(epoll_wait(set_of, &event, 1, 0), 0);
    OK(send(ends[0], "c", 1, 0));
    EQ(epoll_wait(set_of, &event, 1, 5000), 1);
    OK(close(ends[0]));
    EQ(epoll_wait(set_of, &event, 1, 5000), 1);
    EQ(event.events, EPOLLIN | EPOLLRDHUP);
}

CASE(reset_by_linger) {
    connection();
    const struct linger none = {1, 0};
    OK(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &none, sizeof none));
    OK(close(ends[0]));
    char byte;
    CHECK(ready(ends[1], POLLIN, 5000) & POLLERR);
    ERR(read(ends[1], &byte, 1), ECONNRESET);
    EQ(read(ends[1], &byte, 1), 0);
    ERR(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
}

CASE(reset_by_unread_bytes) {
    connection();
    OK(send(ends[0], "unread", 6, 0));
    CHECK(ready(ends[1], POLLIN, 5000) & POLLIN);
    OK(close(ends[1]));
    char byte;
    CHECK(ready(ends[0], POLLIN, 5000) & POLLERR);
    ERR(read(ends[0], &byte, 1), ECONNRESET);
}

static void send_many(void) {
    static char bytes[40000];
    for (int i = 0; i < 100; ++i) {
        for (size_t at = 0; at < sizeof bytes; ++at) bytes[at] = (char)((size_t)i * 7 + at);
        size_t done = 0;
        while (done < sizeof bytes) done += (size_t)OK(send(ends[0], bytes + done, sizeof bytes - done, 0));
    }
}
CASE(many_bytes_in_order) {
    connection();
    const pid_t child = must_fork();
    if (child == 0) {
        OK(close(ends[1]));
        send_many();
        _exit(0);
    }
    OK(close(ends[0]));
    static char bytes[30011];
    size_t sum = 0;
    ssize_t got;
    while ((got = OK(read(ends[1], bytes, sizeof bytes))) > 0) {
        for (ssize_t at = 0; at < got; ++at, ++sum) {
            const char wanted = (char)(sum / 40000 * 7 + sum % 40000);
            if (bytes[at] != wanted) FAIL("byte %zu", sum);
        }
    }
    EQ(sum, 4000000);
    must_exit(child, 0);
}

// Many threads connect at once to a listener with room for few that accepts nobody at first: each gets its byte back.
static int many_at;
static void* connect_and_echo(void* number) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = at4(INADDR_LOOPBACK, many_at);
    const char sent = (char)(intptr_t)number;
    char got = 0;
    const int is_well = fd >= 0 && connect(fd, A(to)) == 0 && send(fd, &sent, 1, 0) == 1 && recv(fd, &got, 1, 0) == 1;
    close(fd);
    return is_well && got == sent ? number : 0;
}
static void* echo_byte(void* socket) {
    const int fd = (int)(intptr_t)socket;
    char byte;
    if (recv(fd, &byte, 1, 0) == 1) send(fd, &byte, 1, 0);
    close(fd);
    return 0;
}

CASE(many_at_once) {
    enum { kMany = 40 };
    const int listener = listening(5);
    many_at = port_of(listener);
    pthread_t clients[kMany], servers[kMany];
    for (intptr_t i = 0; i < kMany; ++i) EQ(pthread_create(&clients[i], 0, connect_and_echo, (void*)(i + 1)), 0);
    usleep(20000);
    for (int i = 0; i < kMany; ++i) {
        const intptr_t fd = OK(accept(listener, 0, 0));
        EQ(pthread_create(&servers[i], 0, echo_byte, (void*)fd), 0);
    }
    for (int i = 0; i < kMany; ++i) {
        void* result = 0;
        EQ(pthread_join(clients[i], &result), 0);
        CHECK(result);
        EQ(pthread_join(servers[i], 0), 0);
    }
    OK(close(listener));
}

CASE(full_buffers) {
    connection();
    OK(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    static char bytes[65536];
    size_t sum = 0;
    ssize_t sent;
    while ((sent = send(ends[0], bytes, sizeof bytes, 0)) > 0) {
        sum += (size_t)sent;
        if (sum > 64u << 20) FAIL("no end");
    }
    EQ(errno, EAGAIN);
    EQ(ready(ends[0], POLLOUT, 0), 0);
    int waiting = -1;
    OK(ioctl(ends[0], TIOCOUTQ, &waiting));
    CHECK(waiting > 0);
    size_t received = 0;
    while (received < sum) {
        const size_t wanted = sum - received < sizeof bytes ? sum - received : sizeof bytes;
        received += (size_t)OK(recv(ends[1], bytes, wanted, 0));
    }
    EQ(ready(ends[0], POLLOUT, 5000), POLLOUT);
}

CASE(timeouts) {
    connection();
    const struct timeval soon = {0, 30000};
    OK(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    const int64_t before = now_ns(CLOCK_MONOTONIC);
    char byte;
    ERR(read(ends[0], &byte, 1), EAGAIN);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 30000000);
}

CASE(ports) {
    const int listener = listening(5);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port_of(listener));
    const int other = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    ERR(bind(other, A(address)), EADDRINUSE);
    struct sockaddr_in any = at4(INADDR_ANY, port_of(listener)), foreign = at4(0x08080808, 0);
    ERR(bind(other, A(any)), EADDRINUSE);
    ERR(bind(other, A(foreign)), EADDRNOTAVAIL);
    ERR(bind(other, (struct sockaddr*)&any, 4), EINVAL);
    any.sin_family = AF_INET6;
    ERR(bind(other, A(any)), EAFNOSUPPORT);
    set(other, SOL_SOCKET, SO_REUSEADDR, 1);
    ERR(bind(other, A(address)), EADDRINUSE);
    struct sockaddr_in free = at4(INADDR_LOOPBACK, 0);
    OK(bind(other, A(free)));
    ERR(bind(other, A(free)), EINVAL);
    CHECK(port_of(other) != 0);
}

CASE(port_in_time_wait) {
    const int listener = listening_with(5, 1), port = port_of(listener);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port);
    const int client = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    OK(connect(client, A(address)));
    const int server = (int)OK(accept(listener, NULL, NULL));
    OK(close(listener));
    OK(close(server));
    char byte;
    EQ(read(client, &byte, 1), 0);
    OK(close(client));
    sleep_ms(50);
    const int again = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    ERR(bind(again, A(address)), EADDRINUSE);
    set(again, SOL_SOCKET, SO_REUSEADDR, 1);
    OK(bind(again, A(address)));
    OK(listen(again, 1));
}

CASE(version6) {
    loopback_up();
    const int listener = (int)OK(socket(AF_INET6, SOCK_STREAM, 0));
    EQ(option(listener, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    struct sockaddr_in6 any = at6(in6addr_any, 0);
    OK(bind(listener, A(any)));
    OK(listen(listener, 5));
    const int port = port_of(listener);
    const int six = (int)OK(socket(AF_INET6, SOCK_STREAM, 0)), four = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in6 to6 = at6(in6addr_loopback, port), peer;
    struct sockaddr_in to4 = at4(INADDR_LOOPBACK, port);
    OK(connect(six, A(to6)));
    OK(connect(four, A(to4)));
    socklen_t bytes = sizeof peer;
    int server = (int)OK(accept(listener, (struct sockaddr*)&peer, &bytes));
    CHECK(IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr));
    server = (int)OK(accept(listener, (struct sockaddr*)&peer, &bytes));
    CHECK(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
    OK(send(server, "mapped", 6, 0));
    char text[20];
    EQ(recv(four, text, 20, 0), 6);
    const int only = (int)OK(socket(AF_INET6, SOCK_STREAM, 0));
    set(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    ERR(connect(only, A(peer)), ENETUNREACH);
    ERR(connect(six, A(to4)), EISCONN);
}

CASE(datagrams) {
    loopback_up();
    const int to = (int)OK(socket(AF_INET, SOCK_DGRAM, 0)), from = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 0), peer;
    OK(bind(to, A(address)));
    address = at4(INADDR_LOOPBACK, port_of(to));
    ERR(send(from, "x", 1, 0), EDESTADDRREQ);
    EQ(sendto(from, "first", 5, 0, A(address)), 5);
    EQ(sendto(from, "", 0, 0, A(address)), 0);
    OK(connect(from, A(address)));
    EQ(send(from, "third", 5, 0), 5);
    char text[70000];
    socklen_t bytes = sizeof peer;
    int waiting = -1;
    OK(ioctl(to, FIONREAD, &waiting));
    EQ(waiting, 5);
    EQ(recvfrom(to, text, 2, MSG_PEEK | MSG_TRUNC, (struct sockaddr*)&peer, &bytes), 5);
    EQ(ntohs(peer.sin_port), port_of(from));
    EQ(recv(to, text, sizeof text, 0), 5);
    EQ(recv(to, text, sizeof text, 0), 0);
    EQ(recv(to, text, sizeof text, 0), 5);
    ERR(recv(to, text, sizeof text, MSG_DONTWAIT), EAGAIN);
    memset(text, 'l', sizeof text);
    EQ(send(from, text, 60000, 0), 60000);
    EQ(recv(to, text, sizeof text, 0), 60000);
    ERR(send(from, text, 65508, 0), EMSGSIZE);
    ERR(listen(to, 1), EOPNOTSUPP);
    ERR(accept(to, NULL, NULL), EOPNOTSUPP);
}

// All of 127/8 is the machine itself; what is not bound comes from 127.0.0.1.
CASE(own_network) {
    loopback_up();
    const int listener = (int)OK(socket(AF_INET, SOCK_STREAM, 0)), other = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = at4(0x7f010203, 0), name;
    OK(bind(listener, A(address)));
    OK(listen(listener, 5));
    address = at4(0x7f010203, port_of(listener));
    OK(connect(other, A(address)));
    socklen_t bytes = sizeof name;
    OK(getsockname(other, (struct sockaddr*)&name, &bytes));
    EQ(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
    const int server = (int)OK(accept(listener, (struct sockaddr*)&name, &bytes));
    EQ(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
    OK(getsockname(server, (struct sockaddr*)&name, &bytes));
    EQ(ntohl(name.sin_addr.s_addr), 0x7f010203);
    EQ(send(server, "x", 1, 0), 1);
    char text[8];
    EQ(recv(other, text, sizeof text, 0), 1);
    const int elsewhere = (int)OK(socket(AF_INET, SOCK_STREAM, 0)), from = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    address = at4(0x7f010204, port_of(listener));
    ERR(connect(elsewhere, A(address)), ECONNREFUSED);
    address = at4(0x7f000005, 0);
    OK(bind(from, A(address)));
    address = at4(0x7f010203, port_of(listener));
    OK(connect(from, A(address)));
    OK(close(OK(accept(listener, (struct sockaddr*)&name, &bytes))));
    EQ(ntohl(name.sin_addr.s_addr), 0x7f000005);
    const int to = (int)OK(socket(AF_INET, SOCK_DGRAM, 0)), sender = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    address = at4(INADDR_ANY, 0);
    OK(bind(to, A(address)));
    address = at4(0x7f090909, port_of(to));
    EQ(sendto(sender, "y", 1, 0, A(address)), 1);
    EQ(recvfrom(to, text, sizeof text, 0, (struct sockaddr*)&name, &bytes), 1);
    EQ(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
}

static int group_socket(uint32_t host, int port) {
    const int fd = (int)OK(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    struct sockaddr_in address = at4(host, port);
    OK(bind(fd, A(address)));
    return fd;
}

CASE(groups) {
    loopback_up();
    const uint32_t host = 0xef010203;
    struct ip_mreq request = {{htonl(host)}, {htonl(INADDR_LOOPBACK)}};
    const int first = group_socket(INADDR_ANY, 0), port = port_of(first);
    const int second = group_socket(host, port), third = group_socket(INADDR_ANY, port);
    OK(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request));
    ERR(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), EADDRINUSE);
    set(third, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    const int from = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct in_addr place = {htonl(INADDR_LOOPBACK)}, got;
    struct sockaddr_in address = at4(host, port);
    ERR(sendto(from, "x", 1, 0, A(address)), ENETUNREACH);
    OK(setsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &place, sizeof place));
    socklen_t bytes = sizeof got;
    OK(getsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &got, &bytes));
    EQ(ntohl(got.s_addr), INADDR_LOOPBACK);
    EQ(sendto(from, "one", 3, 0, A(address)), 3);
    char text[8];
    struct sockaddr_in name;
    bytes = sizeof name;
    EQ(recvfrom(first, text, sizeof text, 0, (struct sockaddr*)&name, &bytes), 3);
    EQ(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
    EQ(ntohs(name.sin_port), port_of(from));
    // A member or not, unless it wants only its own groups' messages.
    EQ(recv(second, text, sizeof text, 0), 3);
    ERR(recv(third, text, sizeof text, 0), EAGAIN);
    set(from, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    EQ(sendto(from, "two", 3, 0, A(address)), 3);
    EQ(recv(first, text, sizeof text, 0), 3);  // the loopback interface has no other way
    EQ(recv(second, text, sizeof text, 0), 3);
    OK(setsockopt(first, IPPROTO_IP, IP_DROP_MEMBERSHIP, &request, sizeof request));
    ERR(setsockopt(first, IPPROTO_IP, IP_DROP_MEMBERSHIP, &request, sizeof request), EADDRNOTAVAIL);
    EQ(sendto(from, "six", 3, 0, A(address)), 3);
    ERR(recv(first, text, sizeof text, 0), EAGAIN);
    ERR(recv(second, text, sizeof text, 0), EAGAIN);
    request.imr_multiaddr.s_addr = htonl(0x0a000001);
    ERR(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), EINVAL);
    request = (struct ip_mreq){{htonl(host)}, {htonl(0x08080808)}};
    ERR(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), ENODEV);
    ERR(setsockopt(first, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, 4), EINVAL);
    place.s_addr = htonl(0x08080808);
    ERR(setsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &place, sizeof place), EADDRNOTAVAIL);
    const int stream = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    request = (struct ip_mreq){{htonl(host)}, {htonl(INADDR_LOOPBACK)}};
    ERR(setsockopt(stream, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), EPROTO);
}

CASE(group_sources) {
    loopback_up();
    const uint32_t host = 0xe8000005;
    struct ip_mreq_source request = {{htonl(host)}, {htonl(INADDR_LOOPBACK)}, {htonl(0x7f000002)}};
    const int fd = group_socket(INADDR_ANY, 0), from = group_socket(0x7f000002, 0), other = group_socket(0x7f000003, 0);
    struct sockaddr_in address = at4(host, port_of(fd));
    char text[8];
    ERR(setsockopt(fd, IPPROTO_IP, IP_BLOCK_SOURCE, &request, sizeof request), EINVAL);
    OK(setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &request, sizeof request));
    ERR(setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &request, sizeof request), EADDRNOTAVAIL);
    ERR(setsockopt(fd, IPPROTO_IP, IP_BLOCK_SOURCE, &request, sizeof request), EINVAL);
    EQ(sendto(other, "o", 1, 0, A(address)), 1);
    EQ(sendto(from, "f", 1, 0, A(address)), 1);
    EQ(recv(fd, text, sizeof text, 0), 1);
    EQ(text[0], 'f');
    ERR(recv(fd, text, sizeof text, 0), EAGAIN);
    OK(setsockopt(fd, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, &request, sizeof request));
    const struct ip_mreq all = {{htonl(host)}, {htonl(INADDR_LOOPBACK)}};
    OK(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &all, sizeof all));
    ERR(setsockopt(fd, IPPROTO_IP, IP_UNBLOCK_SOURCE, &request, sizeof request), EADDRNOTAVAIL);
    OK(setsockopt(fd, IPPROTO_IP, IP_BLOCK_SOURCE, &request, sizeof request));
    EQ(sendto(from, "f", 1, 0, A(address)), 1);
    EQ(sendto(other, "o", 1, 0, A(address)), 1);
    EQ(recv(fd, text, sizeof text, 0), 1);
    EQ(text[0], 'o');
    ERR(recv(fd, text, sizeof text, 0), EAGAIN);
    OK(setsockopt(fd, IPPROTO_IP, IP_UNBLOCK_SOURCE, &request, sizeof request));
    EQ(sendto(from, "f", 1, 0, A(address)), 1);
    EQ(recv(fd, text, sizeof text, 0), 1);
}

CASE(groups_version6) {
    loopback_up();
    struct sockaddr_in6 address = at6(in6addr_any, 0);
    const int fd = (int)OK(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)),
              from = (int)OK(socket(AF_INET6, SOCK_DGRAM, 0));
    OK(bind(fd, A(address)));
    struct ipv6_mreq request = {.ipv6mr_interface = 1};
    EQ(inet_pton(AF_INET6, "ff02::1234", &request.ipv6mr_multiaddr), 1);
    OK(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request));
    ERR(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request), EADDRINUSE);
    set(from, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1);
    EQ(option(from, IPPROTO_IPV6, IPV6_MULTICAST_IF), 1);
    address = at6(in6addr_loopback, 0);
    OK(bind(from, A(address)));
    address = at6(request.ipv6mr_multiaddr, port_of(fd));
    ERR(sendto(from, "x", 1, 0, A(address)), ENETUNREACH);  // the loopback interface has no way to groups
    OK(setsockopt(fd, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &request, sizeof request));
    ERR(setsockopt(fd, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, &request, sizeof request), EADDRNOTAVAIL);
    request.ipv6mr_interface = 99;
    ERR(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request), ENODEV);
    request = (struct ipv6_mreq){.ipv6mr_multiaddr = in6addr_loopback, .ipv6mr_interface = 1};
    ERR(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request), EINVAL);
    const int wrong = 99;
    ERR(setsockopt(from, IPPROTO_IPV6, IPV6_MULTICAST_IF, &wrong, sizeof wrong), ENODEV);
}

CASE(broadcasts) {
    loopback_up();
    const int fd = (int)OK(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)),
              from = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in address = at4(INADDR_ANY, 0);
    OK(bind(fd, A(address)));
    const int one = group_socket(INADDR_LOOPBACK, 0);
    address = at4(0x7fffffff, port_of(fd));
    ERR(sendto(from, "x", 1, 0, A(address)), EACCES);
    ERR(connect(from, A(address)), EACCES);
    struct sockaddr_in everywhere = at4(INADDR_BROADCAST, port_of(fd));
    ERR(sendto(from, "x", 1, 0, A(everywhere)), ENETUNREACH);
    set(from, SOL_SOCKET, SO_BROADCAST, 1);
    EQ(sendto(from, "x", 1, 0, A(address)), 1);
    char text[8];
    EQ(recv(fd, text, sizeof text, 0), 1);
    address = at4(0x7fffffff, port_of(one));
    EQ(sendto(from, "x", 1, 0, A(address)), 1);
    ERR(recv(one, text, sizeof text, 0), EAGAIN);
}

CASE(receive_buffer_takes_one_more) {
    loopback_up();
    const int fd = (int)OK(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)),
              from = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    set(fd, SOL_SOCKET, SO_RCVBUF, 3000);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 0);
    OK(bind(fd, A(address)));
    address = at4(INADDR_LOOPBACK, port_of(fd));
    static char text[30000];
    EQ(sendto(from, text, sizeof text, 0, A(address)), (long)sizeof text);
    EQ(sendto(from, text, 1, 0, A(address)), 1);
    EQ(recv(fd, text, sizeof text, 0), (long)sizeof text);
    ERR(recv(fd, text, sizeof text, 0), EAGAIN);
}

CASE(urgent_data) {
    connection();
    char text[8];
    int mark = -1;
    ERR(recv(ends[1], text, sizeof text, MSG_OOB), EINVAL);
    EQ(send(ends[0], "abc", 3, MSG_OOB), 3);
    EQ(ready(ends[1], POLLIN | POLLPRI, 1000), POLLIN | POLLPRI);
    EQ(send(ends[0], "de", 2, 0), 2);
    EQ(recv(ends[1], text, sizeof text, MSG_OOB | MSG_PEEK), 1);
    EQ(recv(ends[1], text, sizeof text, MSG_OOB), 1);
    EQ(text[0], 'c');
    ERR(recv(ends[1], text, sizeof text, MSG_OOB), EINVAL);
    EQ(ready(ends[1], POLLPRI, 0), 0);
    EQ(recv(ends[1], text, sizeof text, 0), 2);
    EQ(memcmp(text, "ab", 2), 0);
    OK(ioctl(ends[1], SIOCATMARK, &mark));
    EQ(mark, 1);
    EQ(recv(ends[1], text, sizeof text, 0), 2);
    EQ(memcmp(text, "de", 2), 0);
    OK(ioctl(ends[1], SIOCATMARK, &mark));
    EQ(mark, 0);
    set(ends[1], SOL_SOCKET, SO_OOBINLINE, 1);
    EQ(send(ends[0], "fg", 2, MSG_OOB), 2);
    EQ(ready(ends[1], POLLIN, 1000), POLLIN);
    ERR(recv(ends[1], text, sizeof text, MSG_OOB), EINVAL);
    EQ(recv(ends[1], text, sizeof text, 0), 1);
    EQ(text[0], 'f');
    OK(ioctl(ends[1], SIOCATMARK, &mark));
    EQ(mark, 1);
    EQ(recv(ends[1], text, sizeof text, 0), 1);
    EQ(text[0], 'g');
    const int datagram = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 9);
    ERR(sendto(datagram, "x", 1, MSG_OOB, A(address)), EOPNOTSUPP);
}

// Sockets that share an address get what arrives in turn; those that are left get all of it.
CASE(shared_port) {
    loopback_up();
    int fds[3], port = 0;
    for (int i = 0; i < 3; ++i) {
        fds[i] = (int)OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        set(fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
        struct sockaddr_in address = at4(INADDR_LOOPBACK, port);
        OK(bind(fds[i], A(address)));
        OK(listen(fds[i], 64));
        port = port_of(fds[i]);
    }
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port);
    const int lonely = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    ERR(bind(lonely, A(address)), EADDRINUSE);
    int count[3] = {0};
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 40; ++i) {
            const int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
            OK(connect(fd, A(address)));
            int taken = -1;
            for (int tries = 0; taken < 0 && tries < 200; ++tries) {
                for (int k = round; k < 3 && taken < 0; ++k) {
                    taken = accept(fds[k], NULL, NULL);
                    if (taken >= 0) ++count[k];
                }
                if (taken < 0) usleep(1000);
            }
            CHECK(taken >= 0);
            OK(close(taken));
            OK(close(fd));
        }
        if (round == 0) CHECK(count[0] > 0 && count[1] > 0 && count[2] > 0);
        OK(close(fds[round]));
    }
    EQ(count[0] + count[1] + count[2], 120);
    ERR(connect(lonely, A(address)), ECONNREFUSED);
}

CASE(datagrams_in_parts) {
    loopback_up();
    const int fd = (int)OK(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)),
              from = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 0);
    OK(bind(fd, A(address)));
    address = at4(INADDR_LOOPBACK, port_of(fd));
    char text[16];
    EQ(sendto(from, "ab", 2, MSG_MORE, A(address)), 2);
    ERR(recv(fd, text, sizeof text, 0), EAGAIN);
    EQ(sendto(from, "cd", 2, MSG_MORE, A(address)), 2);
    EQ(sendto(from, "e", 1, 0, A(address)), 1);
    EQ(recv(fd, text, sizeof text, 0), 5);
    EQ(memcmp(text, "abcde", 5), 0);
    EQ(option(from, IPPROTO_UDP, 1 /* UDP_CORK */), 0);
    set(from, IPPROTO_UDP, 1, 1);
    OK(connect(from, A(address)));
    EQ(send(from, "f", 1, 0), 1);
    EQ(send(from, "g", 1, 0), 1);
    ERR(recv(fd, text, sizeof text, 0), EAGAIN);
    set(from, IPPROTO_UDP, 1, 0);
    EQ(recv(fd, text, sizeof text, 0), 2);
    ERR(recv(fd, text, sizeof text, 0), EAGAIN);
}

// What a connection began with (IP_PKTOPTIONS).
CASE(packet_options_of_streams) {
    loopback_up();
    const int listener = listening(5), fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    set(listener, IPPROTO_IP, IP_RECVTOS, 1);
    set(listener, IPPROTO_IP, IP_RECVTTL, 1);
    set(fd, IPPROTO_IP, IP_TOS, 32);
    set(fd, IPPROTO_IP, IP_TTL, 33);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port_of(listener));
    OK(connect(fd, A(address)));
    const int server = (int)OK(accept(listener, NULL, NULL));
    char data[128];
    socklen_t bytes = sizeof data;
    OK(getsockopt(server, IPPROTO_IP, IP_PKTOPTIONS, data, &bytes));
    EQ(bytes, 48);
    struct msghdr message = {.msg_control = data, .msg_controllen = bytes};
    struct cmsghdr* control = CMSG_FIRSTHDR(&message);
    EQ(control->cmsg_type, IP_TTL);
    EQ(*(int*)CMSG_DATA(control), 33);
    control = CMSG_NXTHDR(&message, control);
    EQ(control->cmsg_type, IP_TOS);
    EQ(control->cmsg_len, CMSG_LEN(sizeof(int)));
    EQ(*(int*)CMSG_DATA(control), 32);
    bytes = sizeof data;
    OK(getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, data, &bytes));
    EQ(bytes, 0);
}

CASE(options_of_other_levels) {
    loopback_up();
    const int four = (int)OK(socket(AF_INET, SOCK_DGRAM, 0)), six = (int)OK(socket(AF_INET6, SOCK_DGRAM, 0));
    int value = 1;
    socklen_t bytes = sizeof value;
    ERR(getsockopt(four, IPPROTO_IPV6, IPV6_V6ONLY, &value, &bytes), EOPNOTSUPP);
    ERR(setsockopt(four, IPPROTO_IPV6, IPV6_V6ONLY, &value, bytes), ENOPROTOOPT);
    ERR(getsockopt(four, IPPROTO_TCP, TCP_NODELAY, &value, &bytes), EOPNOTSUPP);
    EQ(option(six, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    struct sockaddr_in6 address = at6(in6addr_loopback, 0);
    OK(bind(six, A(address)));
    EQ(option(six, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    struct sockaddr_in to = at4(INADDR_LOOPBACK, 0), name;
    OK(bind(four, A(to)));
    to = at4(INADDR_LOOPBACK, port_of(four));
    set(four, IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
    // Control data of another level is nobody's.
    union {
        struct cmsghdr header;
        char bytes[64];
    } control = {{CMSG_LEN(sizeof(int)), IPPROTO_IPV6, IPV6_TCLASS}};
    char text[8];
    struct iovec piece = {"x", 1};
    struct msghdr message = {&to, sizeof to, &piece, 1, &control, CMSG_SPACE(sizeof(int)), 0};
    EQ(sendmsg(four, &message, 0), 1);
    piece = (struct iovec){text, sizeof text};
    message = (struct msghdr){&name, sizeof name, &piece, 1, &control, sizeof control, 0};
    EQ(recvmsg(four, &message, 0), 1);
    CHECK(control.header.cmsg_level == IPPROTO_IP && control.header.cmsg_type == IP_ORIGDSTADDR);
    EQ(memcmp(CMSG_DATA(&control.header), &to, sizeof to), 0);
    struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    EQ(inet_pton(AF_INET6, "fe80::1", &local.sin6_addr), 1);
    const int other = (int)OK(socket(AF_INET6, SOCK_STREAM, 0));
    ERR(bind(other, A(local)), EINVAL);
    ERR(connect(other, A(local)), EINVAL);
    EQ(inet_pton(AF_INET6, "2001:db8::1", &local.sin6_addr), 1);
    ERR(connect(other, A(local)), ENETUNREACH);
}

CASE(datagram_refused) {
    loopback_up();
    const int gone = (int)OK(socket(AF_INET, SOCK_DGRAM, 0)), fd = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 0);
    OK(bind(gone, A(address)));
    address = at4(INADDR_LOOPBACK, port_of(gone));
    OK(close(gone));
    OK(connect(fd, A(address)));
    OK(send(fd, "x", 1, 0));
    CHECK(ready(fd, POLLIN, 5000) & POLLERR);
    char byte;
    ERR(recv(fd, &byte, 1, 0), ECONNREFUSED);
    ERR(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    OK(connect(fd, &none, sizeof none));
    ERR(send(fd, "x", 1, 0), EDESTADDRREQ);
}

CASE(datagram_control) {
    loopback_up();
    const int to = (int)OK(socket(AF_INET, SOCK_DGRAM, 0)), from = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 0);
    OK(bind(to, A(address)));
    address = at4(INADDR_LOOPBACK, port_of(to));
    set(to, IPPROTO_IP, IP_PKTINFO, 1);
    set(to, IPPROTO_IP, IP_RECVTTL, 1);
    set(to, IPPROTO_IP, IP_RECVTOS, 1);
    set(from, IPPROTO_IP, IP_TTL, 33);
    set(from, IPPROTO_IP, IP_TOS, 0x48);
    OK(sendto(from, "x", 1, 0, A(address)));
    char control[256], byte;
    struct iovec piece = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    EQ(recvmsg(to, &message, 0), 1);
    int ttl = -1, tos = -1, interface = -1;
    for (struct cmsghdr* one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
        EQ(one->cmsg_level, IPPROTO_IP);
        if (one->cmsg_type == IP_TTL) memcpy(&ttl, CMSG_DATA(one), sizeof ttl);
        if (one->cmsg_type == IP_TOS) tos = *(unsigned char*)CMSG_DATA(one);
        if (one->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(one), sizeof info);
            interface = info.ipi_ifindex;
            EQ(info.ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
        }
    }
    EQ(ttl, 33);
    EQ(tos, 0x48);
    EQ(interface, (int)if_nametoindex("lo"));
    OK(sendto(from, "x", 1, 0, A(address)));
    message.msg_controllen = 20;
    EQ(recvmsg(to, &message, 0), 1);
    EQ(message.msg_flags, MSG_CTRUNC);
}

CASE(unreachable) {
    loopback_up();
    const int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = at4(0x08080808, 53);
    if (if_nametoindex("eth0")) abi_skip("there is a way");
    ERR(connect(fd, A(address)), ENETUNREACH);
}

CASE(options) {
    loopback_up();
    const int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0)), datagram = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    static const struct {
        int level, name, value;
    } flags[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1},         {SOL_SOCKET, SO_KEEPALIVE, 1},    {SOL_SOCKET, SO_PRIORITY, 4},
        {SOL_SOCKET, SO_BROADCAST, 1},         {IPPROTO_TCP, TCP_NODELAY, 1},    {IPPROTO_TCP, TCP_CORK, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 11},       {IPPROTO_TCP, TCP_KEEPINTVL, 12}, {IPPROTO_TCP, TCP_KEEPCNT, 13},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 5000}, {IPPROTO_IP, IP_TTL, 17},         {IPPROTO_IP, IP_TOS, 0x10},
        {IPPROTO_IP, IP_RECVTTL, 1},           {IPPROTO_IP, IP_RECVTOS, 1},      {IPPROTO_IP, IP_RECVERR, 1},
        {IPPROTO_IP, IP_MTU_DISCOVER, 2},      {IPPROTO_IP, IP_PKTINFO, 1}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) {
        set(fd, flags[i].level, flags[i].name, flags[i].value);
        EQ(option(fd, flags[i].level, flags[i].name), flags[i].value);
    }
    set(fd, SOL_SOCKET, SO_RCVBUF, 10000);
    EQ(option(fd, SOL_SOCKET, SO_RCVBUF), 20000);
    set(fd, SOL_SOCKET, SO_SNDBUF, 10000);
    EQ(option(fd, SOL_SOCKET, SO_SNDBUF), 20000);
    set(fd, IPPROTO_IP, IP_TTL, -1);
    EQ(option(fd, IPPROTO_IP, IP_TTL), 64);
    int value = 256;
    ERR(setsockopt(fd, IPPROTO_IP, IP_TTL, &value, sizeof value), EINVAL);
    value = 1;
    ERR(setsockopt(fd, IPPROTO_TCP, 99, &value, sizeof value), ENOPROTOOPT);
    ERR(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 2), EINVAL);
    ERR(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value), ENOPROTOOPT);
    ERR(setsockopt(datagram, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value), ENOPROTOOPT);
    ERR(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nosuch", 7), ENODEV);
    unsigned char byte = 0;
    socklen_t one = 1;
    OK(getsockopt(fd, IPPROTO_IP, IP_TOS, &byte, &one));
    EQ(byte, 0x10);
}

CASE(state_of_connection) {
    connection();
    struct tcp_info info;
    socklen_t bytes = sizeof info;
    OK(getsockopt(ends[0], IPPROTO_TCP, TCP_INFO, &info, &bytes));
    EQ(info.tcpi_state, TCP_ESTABLISHED);
    CHECK(info.tcpi_snd_mss > 500);
    CHECK(option(ends[0], IPPROTO_TCP, TCP_MAXSEG) > 500);
}

CASE(accepted_inherits) {
    const int listener = listening(5);
    set(listener, IPPROTO_TCP, TCP_NODELAY, 1);
    set(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    const int client = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port_of(listener));
    OK(connect(client, A(address)));
    const int server = (int)OK(accept(listener, NULL, NULL));
    EQ(option(server, IPPROTO_TCP, TCP_NODELAY), 1);
    EQ(option(server, SOL_SOCKET, SO_KEEPALIVE), 1);
}

CASE(wrong_sockets) {
    ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    ERR(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    ERR(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    ERR(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
    ERR(socket(AF_INET, 77, 0), EINVAL);
    int pair[2];
    ERR(socketpair(AF_INET, SOCK_STREAM, 0, pair), EOPNOTSUPP);
    const int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    ERR(accept(fd, NULL, NULL), EINVAL);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 1);
    address.sin_family = AF_UNIX;
    ERR(connect(fd, A(address)), EAFNOSUPPORT);
    ERR(connect(fd, (struct sockaddr*)&address, 8), EINVAL);
}

CASE(file_to_socket) {
    abi_folder();
    connection();
    static char text[50001], got[50001];
    for (size_t at = 0; at < sizeof text - 1; ++at) text[at] = (char)('a' + at % 23);
    write_file("file", text);
    const int file = (int)OK(open("file", O_RDONLY));
    const pid_t child = must_fork();
    if (child == 0) {
        off_t from = 10;
        size_t done = 0;
        while (done < 49990) done += (size_t)OK(sendfile(ends[0], file, &from, 49990 - done));
        EQ(from, 50000);
        _exit(0);
    }
    EQ(recv(ends[1], got, 49990, MSG_WAITALL), 49990);
    EQ(memcmp(got, text + 10, 49990), 0);
    must_exit(child, 0);
}

CASE(blocking_wakes) {
    connection();
    const pid_t child = must_fork();
    if (child == 0) {
        char text[5];
        EQ(recv(ends[1], text, 5, MSG_WAITALL), 5);
        EQ(memcmp(text, "hello", 5), 0);
        _exit(0);
    }
    wait_asleep(child);
    OK(send(ends[0], "he", 2, 0));
    wait_asleep(child);
    OK(send(ends[0], "llo", 3, 0));
    must_exit(child, 0);
    const int listener = listening(5);
    const pid_t waiting = must_fork();
    if (waiting == 0) {
        OK(accept(listener, NULL, NULL));
        _exit(0);
    }
    wait_asleep(waiting);
    const int client = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = at4(INADDR_LOOPBACK, port_of(listener));
    OK(connect(client, A(address)));
    must_exit(waiting, 0);
}

CASE(ping_raw) {
    loopback_up();
    const int fd = (int)OK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    struct icmphdr request = {.type = ICMP_ECHO, .un.echo = {htons(77), htons(1)}};
    request.checksum = (uint16_t) ~(uint16_t)(ICMP_ECHO + 77 * 256 + 256);
    struct sockaddr_in address = at4(INADDR_LOOPBACK, 0);
    EQ(sendto(fd, &request, sizeof request, 0, A(address)), sizeof request);
    unsigned char bytes[200];
    struct icmphdr answer;
    do {  // it sees the request, too
        CHECK(recv(fd, bytes, sizeof bytes, 0) == 28);
        EQ(bytes[0], 0x45);
        memcpy(&answer, bytes + 20, sizeof answer);
    } while (answer.type != ICMP_ECHOREPLY);
    EQ(answer.un.echo.id, htons(77));
}

CASE(interfaces) {
    loopback_up();
    struct ifaddrs* all;
    OK(getifaddrs(&all));
    int has4 = 0, has6 = 0;
    for (struct ifaddrs* one = all; one; one = one->ifa_next) {
        if (strcmp(one->ifa_name, "lo") != 0 || !one->ifa_addr) continue;
        CHECK(one->ifa_flags & IFF_LOOPBACK);
        if (one->ifa_addr->sa_family == AF_INET) {
            EQ(((struct sockaddr_in*)one->ifa_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
            EQ(((struct sockaddr_in*)one->ifa_netmask)->sin_addr.s_addr, htonl(0xff000000));
            has4 = 1;
        }
        if (one->ifa_addr->sa_family == AF_INET6) {
            has6 |= IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6*)one->ifa_addr)->sin6_addr);
        }
    }
    freeifaddrs(all);
    CHECK(has4);
    CHECK(has6);
    const unsigned index = if_nametoindex("lo");
    EQ(index, 1);
    char name[IF_NAMESIZE];
    CHECK(if_indextoname(index, name) != NULL);
    EQ(strcmp(name, "lo"), 0);
    EQ(if_nametoindex("nosuch"), 0);
    EQ(errno, ENODEV);
}

CASE(interface_requests) {
    loopback_up();
    const int fd = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct ifreq request = {.ifr_name = "lo"};
    OK(ioctl(fd, SIOCGIFMTU, &request));
    EQ(request.ifr_mtu, 65536);
    OK(ioctl(fd, SIOCGIFADDR, &request));
    EQ(((struct sockaddr_in*)&request.ifr_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    OK(ioctl(fd, SIOCGIFNETMASK, &request));
    EQ(((struct sockaddr_in*)&request.ifr_netmask)->sin_addr.s_addr, htonl(0xff000000));
    OK(ioctl(fd, SIOCGIFHWADDR, &request));
    EQ(request.ifr_hwaddr.sa_family, 772);
    struct ifreq many[8];
    struct ifconf configuration = {.ifc_len = sizeof many, .ifc_req = many};
    OK(ioctl(fd, SIOCGIFCONF, &configuration));
    CHECK(configuration.ifc_len >= (int)sizeof *many);
    EQ(strcmp(many[0].ifr_name, "lo"), 0);
    strcpy(request.ifr_name, "nosuch");
    ERR(ioctl(fd, SIOCGIFFLAGS, &request), ENODEV);
    CHECK(strstr(read_file("/proc/net/dev"), "    lo:") != NULL);
}

CASE(netlink) {
    loopback_up();
    const int fd = (int)OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    struct sockaddr_nl address = {.nl_family = AF_NETLINK}, mine;
    OK(bind(fd, A(address)));
    socklen_t bytes = sizeof mine;
    OK(getsockname(fd, (struct sockaddr*)&mine, &bytes));
    EQ(bytes, sizeof mine);
    EQ(mine.nl_pid, getpid());
    struct {
        struct nlmsghdr head;
        struct rtgenmsg body;
    } request = {{sizeof request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 42, 0}, {AF_UNSPEC}};
    EQ(sendto(fd, &request, sizeof request, 0, A(address)), sizeof request);
    static char answer[65536];
    int links = 0, is_done = 0;
    while (!is_done) {
        ssize_t left = OK(recv(fd, answer, sizeof answer, 0));
        for (struct nlmsghdr* one = (struct nlmsghdr*)answer; NLMSG_OK(one, left); one = NLMSG_NEXT(one, left)) {
            EQ(one->nlmsg_seq, 42);
            EQ(one->nlmsg_pid, getpid());
            CHECK(one->nlmsg_flags & NLM_F_MULTI);
            if (one->nlmsg_type == NLMSG_DONE) {
                is_done = 1;
            } else {
                EQ(one->nlmsg_type, RTM_NEWLINK);
                ++links;
            }
        }
    }
    CHECK(links >= 1);
    ERR(recv(fd, answer, sizeof answer, MSG_DONTWAIT), EAGAIN);
    ERR(socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
}

CASE(sockets_in_proc) {
    const int listener = listening(5);
    char wanted[40];
    snprintf(wanted, sizeof wanted, " 0100007F:%04X 00000000:0000 0A ", (unsigned)port_of(listener));
    CHECK(strstr(read_file("/proc/net/tcp"), wanted) != NULL);
    loopback_up();
    CHECK(strstr(read_file("/proc/net/if_inet6"), "00000000000000000000000000000001 01 80 10 80       lo") != NULL);
}

CASE(in_child_processes) {
    connection();
    const pid_t child = must_fork();
    if (child == 0) {
        OK(close(ends[0]));
        char text[3];
        EQ(recv(ends[1], text, 3, MSG_WAITALL), 3);
        OK(send(ends[1], "done", 4, 0));
        _exit(0);
    }
    OK(close(ends[1]));
    OK(send(ends[0], "abc", 3, 0));
    char text[10];
    EQ(recv(ends[0], text, 4, MSG_WAITALL), 4);
    EQ(recv(ends[0], text, 10, 0), 0);
    must_exit(child, 0);
}
