// AF_UNIX: stream, datagram, sequenced packets, names, passed descriptors, credentials.
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static int pair[2];
static void make_pair(int type) { OK(socketpair(AF_UNIX, type, 0, pair)); }

static struct sockaddr_un named(const char* path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static int listening(const char* path, int type, int backlog) {
    const int fd = (int)OK(socket(AF_UNIX, type, 0));
    const struct sockaddr_un address = named(path);
    OK(bind(fd, (const struct sockaddr*)&address, sizeof address));
    OK(listen(fd, backlog));
    return fd;
}

static int try_connect(int fd, const char* path) {
    const struct sockaddr_un address = named(path);
    return connect(fd, (const struct sockaddr*)&address, sizeof address);
}

CASE(stream_pair) {
    make_pair(SOCK_STREAM);
    EQ(write(pair[0], "hello", 5), 5);
    EQ(write(pair[0], "world", 5), 5);
    char text[20];
    EQ(read(pair[1], text, 20), 10);
    EQ(send(pair[1], "back", 4, 0), 4);
    EQ(recv(pair[0], text, 2, MSG_PEEK), 2);
    EQ(recv(pair[0], text, 20, 0), 4);
    ERR(recv(pair[0], text, 20, MSG_DONTWAIT), EAGAIN);
    int waiting = -1;
    EQ(write(pair[0], "abc", 3), 3);
    OK(ioctl(pair[1], FIONREAD, &waiting));
    EQ(waiting, 3);
    EQ(recv(pair[1], text, 3, MSG_WAITALL), 3);
    ERR(lseek(pair[0], 0, SEEK_SET), ESPIPE);
}

CASE(stream_end) {
    make_pair(SOCK_STREAM);
    char byte;
    OK(write(pair[0], "x", 1));
    OK(close(pair[0]));
    EQ(read(pair[1], &byte, 1), 1);
    EQ(read(pair[1], &byte, 1), 0);
    ERR(send(pair[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    const pid_t child = must_fork();
    if (child == 0) {
        if (write(pair[1], "x", 1) < 0) _exit(1);
        _exit(0);
    }
    must_die(child, SIGPIPE);
}

CASE(shutdown_) {
    make_pair(SOCK_STREAM);
    char byte;
    OK(shutdown(pair[0], SHUT_WR));
    EQ(read(pair[1], &byte, 1), 0);
    ERR(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    OK(write(pair[1], "x", 1));
    EQ(read(pair[0], &byte, 1), 1);
    ERR(shutdown(pair[0], 77), EINVAL);
    struct pollfd wait = {pair[1], POLLIN | POLLRDHUP, 0};
    EQ(poll(&wait, 1, 0), 1);
    EQ(wait.revents, POLLIN | POLLRDHUP);
}

CASE(datagram_pair) {
    make_pair(SOCK_DGRAM);
    EQ(send(pair[0], "one", 3, 0), 3);
    EQ(send(pair[0], "", 0, 0), 0);
    EQ(send(pair[0], "three", 5, 0), 5);
    char text[20];
    EQ(recv(pair[1], text, 2, MSG_TRUNC), 3);  // the rest is lost
    EQ(recv(pair[1], text, 20, 0), 0);
    EQ(recv(pair[1], text, 20, 0), 5);
    OK(close(pair[1]));
    ERR(send(pair[0], "x", 1, MSG_NOSIGNAL), ECONNREFUSED);
}

CASE(sequenced_pair) {
    make_pair(SOCK_SEQPACKET);
    EQ(send(pair[0], "one", 3, 0), 3);
    EQ(send(pair[0], "two2", 4, 0), 4);
    char text[20];
    EQ(recv(pair[1], text, 20, 0), 3);
    struct iovec v = {text, 2};
    struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1};
    EQ(recvmsg(pair[1], &message, 0), 2);
    CHECK(message.msg_flags & MSG_TRUNC);
    OK(close(pair[0]));
    EQ(recv(pair[1], text, 20, 0), 0);
}

CASE(pair_errors) {
    ERR(socketpair(AF_UNIX, 77, 0, pair), EINVAL);
    ERR(socketpair(AF_UNIX, SOCK_STREAM, 77, pair), EPROTONOSUPPORT);
    ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD), EFAULT);
    ERR(socket(AF_UNIX, 99, 0), EINVAL);
    ERR(socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
    EQ(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
    EQ(fcntl(pair[1], F_GETFL), O_RDWR | O_NONBLOCK);
    ERR(send(1, "x", 1, 0), ENOTSOCK);
    ERR(send(777, "x", 1, 0), EBADF);
    ERR(listen(777, 1), EBADF);
}

CASE(named_stream) {
    abi_folder();
    const int server = listening("s", SOCK_STREAM, 5);
    struct stat st;
    OK(stat("s", &st));
    CHECK(S_ISSOCK(st.st_mode));
    const pid_t child = must_fork();
    if (child == 0) {
        const int fd = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
        OK(try_connect(fd, "s"));
        OK(write(fd, "hi", 2));
        char text[3];
        _exit(read(fd, text, 3) == 3 ? 0 : 1);
    }
    struct sockaddr_un from;
    socklen_t bytes = sizeof from;
    const int fd = (int)OK(accept(server, (struct sockaddr*)&from, &bytes));
    EQ(bytes, 2);  // the client has no name
    char text[3];
    EQ(read(fd, text, 3), 2);
    OK(write(fd, "yes", 3));
    must_exit(child, 0);
    bytes = sizeof from;
    OK(getsockname(fd, (struct sockaddr*)&from, &bytes));
    EQ(strcmp(from.sun_path, "s"), 0);
}

CASE(names_and_errors) {
    abi_folder();
    const int server = listening("s", SOCK_STREAM, 1);
    const int fd = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
    struct sockaddr_un address = named("s");
    ERR(bind(fd, (struct sockaddr*)&address, sizeof address), EADDRINUSE);
    ERR(try_connect(fd, "none"), ENOENT);
    write_file("file", "");
    ERR(try_connect(fd, "file"), ECONNREFUSED);
    ERR(open("s", O_RDWR), ENXIO);
    ERR(accept(fd, 0, 0), EINVAL);
    ERR(send(fd, "x", 1, MSG_NOSIGNAL), ENOTCONN);
    OK(fcntl(server, F_SETFL, O_NONBLOCK));
    ERR(accept4(server, 0, 0, 0), EAGAIN);
    ERR(accept4(server, 0, 0, 0x77), EINVAL);
    OK(try_connect(fd, "s"));
    ERR(try_connect(fd, "s"), EISCONN);
    const int got = (int)OK(accept4(server, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK));
    EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
    OK(close(server));
    const int other = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
    ERR(try_connect(other, "s"), ECONNREFUSED);
    const int dgram = (int)OK(socket(AF_UNIX, SOCK_DGRAM, 0));
    ERR(listen(dgram, 1), EOPNOTSUPP);
    ERR(try_connect(dgram, "s"), ECONNREFUSED);
}

CASE(abstract_names) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, "\0abi-name", 9);
    const socklen_t bytes = offsetof(struct sockaddr_un, sun_path) + 9;
    const int server = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0)), fd = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
    OK(bind(server, (struct sockaddr*)&address, bytes));
    OK(listen(server, 1));
    OK(connect(fd, (struct sockaddr*)&address, bytes));
    struct sockaddr_un peer;
    socklen_t got = sizeof peer;
    OK(getpeername(fd, (struct sockaddr*)&peer, &got));
    EQ(got, bytes);
    EQ(memcmp(&peer, &address, got), 0);
    OK(close(server));
    ERR(connect((int)OK(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr*)&address, bytes), ECONNREFUSED);
}

CASE(named_datagrams) {
    abi_folder();
    const int a = (int)OK(socket(AF_UNIX, SOCK_DGRAM, 0)), b = (int)OK(socket(AF_UNIX, SOCK_DGRAM, 0));
    struct sockaddr_un name_a = named("a"), name_b = named("b"), from;
    OK(bind(a, (struct sockaddr*)&name_a, sizeof name_a));
    OK(bind(b, (struct sockaddr*)&name_b, sizeof name_b));
    EQ(sendto(a, "text", 4, 0, (struct sockaddr*)&name_b, sizeof name_b), 4);
    char text[10];
    socklen_t bytes = sizeof from;
    EQ(recvfrom(b, text, 10, 0, (struct sockaddr*)&from, &bytes), 4);
    EQ(strcmp(from.sun_path, "a"), 0);
    OK(connect(b, (struct sockaddr*)&name_a, sizeof name_a));
    EQ(send(b, "back", 4, 0), 4);
    EQ(recv(a, text, 10, 0), 4);
    ERR(send(a, "x", 1, 0), ENOTCONN);
    name_b = named("none");
    ERR(sendto(a, "x", 1, 0, (struct sockaddr*)&name_b, sizeof name_b), ENOENT);
}

static void send_fds(int socket, const int* fds, int count) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)] = {0};
    char byte = 'f';
    struct iovec v = {&byte, 1};
    struct msghdr message = {.msg_iov = &v,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count)};
    struct cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(head), fds, sizeof(int) * (size_t)count);
    EQ(sendmsg(socket, &message, 0), 1);
}

static int receive_fds(int socket, int* fds, size_t room, int flags, int* message_flags) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)] = {0};
    char byte = 0;
    struct iovec v = {&byte, 1};
    struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    EQ(recvmsg(socket, &message, flags), 1);
    if (message_flags) *message_flags = message.msg_flags;
    struct cmsghdr* const head = CMSG_FIRSTHDR(&message);
    if (!head) return 0;
    EQ(head->cmsg_type, SCM_RIGHTS);
    const int count = (int)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(head), sizeof(int) * (size_t)count);
    return count;
}

CASE(descriptors_are_passed) {
    make_pair(SOCK_STREAM);
    int ends[2], got[8];
    OK(pipe(ends));
    const pid_t child = must_fork();
    if (child == 0) {
        close(ends[0]);
        close(ends[1]);
        EQ(receive_fds(pair[1], got, CMSG_SPACE(sizeof(int) * 8), MSG_CMSG_CLOEXEC, 0), 1);
        EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
        _exit(write(got[0], "passed", 6) == 6 ? 0 : 1);
    }
    send_fds(pair[0], &ends[1], 1);
    OK(close(ends[1]));
    char text[10];
    EQ(read(ends[0], text, 10), 6);
    must_exit(child, 0);
    EQ(read(ends[0], text, 10), 0);
}

CASE(several_descriptors) {
    make_pair(SOCK_STREAM);
    int fds[3], got[8], flags;
    for (int i = 0; i < 3; ++i) fds[i] = (int)OK(open("/dev/zero", O_RDONLY));
    send_fds(pair[0], fds, 3);
    EQ(receive_fds(pair[1], got, CMSG_SPACE(sizeof(int) * 8), 0, &flags), 3);
    EQ(flags & MSG_CTRUNC, 0);
    char byte = 1;
    EQ(read(got[2], &byte, 1), 1);
    EQ(byte, 0);
    send_fds(pair[0], fds, 3);
    EQ(receive_fds(pair[1], got, CMSG_LEN(sizeof(int)), 0, &flags), 1);
    CHECK(flags & MSG_CTRUNC);
    send_fds(pair[0], fds, 2);
    EQ(read(pair[1], &byte, 1), 1);  // the descriptors are dropped
}

CASE(passed_in_flight_and_closed) {
    // A socket in its own queue: nobody can ever receive it. Closing all must not hurt.
    for (int i = 0; i < 20; ++i) {
        make_pair(SOCK_STREAM);
        send_fds(pair[0], pair, 2);
        OK(close(pair[0]));
        OK(close(pair[1]));
    }
}

CASE(bad_descriptor_is_not_passed) {
    make_pair(SOCK_STREAM);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    char byte = 'f';
    struct iovec v = {&byte, 1};
    struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr* const head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    const int bad = 777;
    memcpy(CMSG_DATA(head), &bad, sizeof bad);
    ERR(sendmsg(pair[0], &message, 0), EBADF);
    head->cmsg_len = 1 << 20;
    ERR(sendmsg(pair[0], &message, 0), EINVAL);
    head->cmsg_len = CMSG_LEN(sizeof(int));
    head->cmsg_type = 99;
    ERR(sendmsg(pair[0], &message, 0), EINVAL);
}

CASE(peer_credentials) {
    make_pair(SOCK_STREAM);
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    OK(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &bytes));
    EQ(peer.pid, getpid());
    EQ(peer.uid, 0);
    EQ(peer.gid, 0);
    EQ(bytes, sizeof peer);
}

CASE(passed_credentials) {
    make_pair(SOCK_DGRAM);
    const int on = 1;
    OK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    OK(send(pair[0], "x", 1, 0));
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
    char byte;
    struct iovec v = {&byte, 1};
    struct msghdr message = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    EQ(recvmsg(pair[1], &message, 0), 1);
    struct cmsghdr* const head = CMSG_FIRSTHDR(&message);
    CHECK(head && head->cmsg_type == SCM_CREDENTIALS);
    struct ucred peer;
    memcpy(&peer, CMSG_DATA(head), sizeof peer);
    EQ(peer.pid, getpid());
}

CASE(options) {
    make_pair(SOCK_STREAM);
    int value = -1;
    socklen_t bytes = sizeof value;
    OK(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &bytes));
    EQ(value, SOCK_STREAM);
    OK(getsockopt(pair[0], SOL_SOCKET, SO_DOMAIN, &value, &bytes));
    EQ(value, AF_UNIX);
    OK(getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &value, &bytes));
    EQ(value, 0);
    OK(getsockopt(pair[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes));
    EQ(value, 0);
    OK(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, &bytes));
    CHECK(value > 4000);
    value = 32768;
    OK(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
    ERR(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, 2), EINVAL);
    ERR(getsockopt(pair[0], SOL_SOCKET, 9999, &value, &bytes), ENOPROTOOPT);
    const struct timeval soon = {0, 2000};
    OK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    char byte;
    ERR(read(pair[0], &byte, 1), EAGAIN);
}

CASE(stream_flow) {
    make_pair(SOCK_STREAM);
    const pid_t child = must_fork();
    if (child == 0) {
        close(pair[0]);
        static char block[10000];
        for (int i = 0; i < 100; ++i) {
            memset(block, i, sizeof block);
            size_t done = 0;
            while (done < sizeof block) done += (size_t)OK(write(pair[1], block + done, sizeof block - done));
        }
        _exit(0);
    }
    close(pair[1]);
    static char got[7777];
    size_t total = 0;
    ssize_t n;
    while ((n = read(pair[0], got, sizeof got)) > 0)
        for (ssize_t i = 0; i < n; ++i, ++total) CHECK(got[i] == (char)(total / 10000));
    EQ(total, 1000000);
    must_exit(child, 0);
}

CASE(nonblocking_fills) {
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    char block[4096] = "";
    size_t total = 0;
    ssize_t n;
    while ((n = write(pair[0], block, sizeof block)) > 0) total += (size_t)n;
    EQ(errno, EAGAIN);
    CHECK(total >= 4096);
    struct pollfd wait = {pair[0], POLLOUT, 0};
    EQ(poll(&wait, 1, 0), 0);
    while (read(pair[1], block, sizeof block) > 0) {
    }
    EQ(poll(&wait, 1, 1000), 1);
}

CASE(several_messages) {
    make_pair(SOCK_DGRAM);
    struct iovec out[3] = {{(void*)"a", 1}, {(void*)"bb", 2}, {(void*)"ccc", 3}};
    struct mmsghdr messages[3];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < 3; ++i) messages[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
    EQ(sendmmsg(pair[0], messages, 3, 0), 3);
    char bytes[3][10];
    struct iovec in[3] = {{bytes[0], 10}, {bytes[1], 10}, {bytes[2], 10}};
    for (int i = 0; i < 3; ++i) messages[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
    EQ(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, 0), 3);
    EQ(messages[2].msg_len, 3);
}
