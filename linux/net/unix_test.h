// The fixture of the tests of local sockets (unix_test.cpp, unix_files_test.cpp).
#pragma once

#include "net/unix.h"

#include "testing/process_test.h"

#include <string.h>

#include <string>
#include <vector>

namespace kos::lx::testing {

inline constexpr unsigned kIoctl = 29, kClose = 57, kRead = 63, kWrite = 64, kSocket = 198, kSocketpair = 199,
                          kBind = 200, kListen = 201, kAccept = 202, kConnect = 203, kGetsockname = 204,
                          kGetpeername = 205, kSendto = 206, kRecvfrom = 207, kSetsockopt = 208, kGetsockopt = 209,
                          kShutdown = 210, kSendmsg = 211, kRecvmsg = 212, kAccept4 = 242, kRecvmmsg = 243,
                          kSendmmsg = 269, kFcntl = 25;
inline constexpr uint64_t kFds = kArea, kName = kArea + 0x100, kLength = kArea + 0x200, kValue = kArea + 0x208,
                          kMessage = kArea + 0x300, kPieces = kArea + 0x400, kControl = kArea + 0x500,
                          kBuffer = kArea + 0x2000, kBufferBytes = 0x30000;

struct UserMessage {
    uint64_t name;
    uint32_t name_bytes, pad;
    uint64_t pieces, piece_count, control, control_bytes;
    uint32_t flags, pad2;
};
struct Piece {
    uint64_t address, bytes;
};
struct Rights {
    uint64_t bytes;
    int32_t level, type, fds[2];
};
struct UserCredentials {
    uint64_t bytes;
    int32_t level, type;
    int32_t pid;
    uint32_t uid, gid, pad;
};

class Sockets : public FilesTest {
protected:
    Thread& other = world.make_thread(process);
    int a = -1, b = -1;

    // Everything that tests left behind is gone with their processes.
    void TearDown() override {
        FilesTest::TearDown();
        UnixSocket::collect_garbage(true);
        EXPECT_EQ(UnixSocket::files_in_flight(), 0u);
    }

    void pair(int type = kSOCK_STREAM, int flags = kSOCK_NONBLOCK) {
        ASSERT_EQ(world.call(thread, kSocketpair, kAF_UNIX, type | flags, 0, kFds), 0);
        a = World::get<int32_t>(process, kFds);
        b = World::get<int32_t>(process, kFds + 4);
    }
    int make(int type = kSOCK_STREAM, int flags = kSOCK_NONBLOCK) {
        return static_cast<int>(world.call(thread, kSocket, kAF_UNIX, type | flags, 0));
    }
    uint64_t put_name(const std::string& name) {
        std::string bytes("\1\0", 2);
        bytes += name;
        EXPECT_TRUE(process.memory->copy_out(kName, bytes.data(), bytes.size()).ok());
        return bytes.size();
    }
    int64_t bind(int fd, const std::string& name) { return world.call(thread, kBind, fd, kName, put_name(name)); }
    int64_t connect(int fd, const std::string& name, Thread* by = nullptr) {
        uint64_t const bytes = put_name(name);
        return world.call(by ? *by : thread, kConnect, fd, kName, bytes);
    }
    int64_t accept(int fd, Thread* by = nullptr) { return world.call(by ? *by : thread, kAccept, fd, 0, 0); }
    int64_t send(int fd, const std::string& bytes, uint32_t flags = 0, Thread* by = nullptr) {
        EXPECT_TRUE(process.memory->copy_out(kBuffer, bytes.data(), bytes.size()).ok());
        return world.call(by ? *by : thread, kSendto, fd, kBuffer, bytes.size(), flags, 0, 0);
    }
    int64_t receive(int fd, size_t most = 1000, uint32_t flags = 0, Thread* by = nullptr) {
        return world.call(by ? *by : thread, kRecvfrom, fd, kBuffer, most, flags, 0, 0);
    }
    std::string got(int64_t bytes) {
        if (bytes < 0) return "error";
        std::string text(static_cast<size_t>(bytes), '\0');
        EXPECT_TRUE(process.memory->copy_in(text.data(), kBuffer, text.size()).ok());
        return text;
    }
    std::string take(int fd, size_t most = 1000, uint32_t flags = 0) { return got(receive(fd, most, flags)); }
    uint32_t poll(int fd) { return (*process.files->get(fd))->poll(); }
    int64_t close(int fd) { return world.call(thread, kClose, fd); }

    int64_t send_files(int to, std::vector<int> fds, const std::string& bytes = "x") {
        Rights rights{16 + fds.size() * 4, kSOL_SOCKET, kSCM_RIGHTS, {}};
        for (size_t i = 0; i < fds.size() && i < 2; ++i) rights.fds[i] = fds[i];
        World::put(process, kControl, rights);
        return send_message(to, bytes, kControl, rights.bytes);
    }
    int64_t send_message(int to, const std::string& bytes, uint64_t control, uint64_t control_bytes,
                         uint64_t name_bytes = 0) {
        EXPECT_TRUE(process.memory->copy_out(kBuffer, bytes.data(), bytes.size()).ok());
        World::put(process, kPieces, Piece{kBuffer, bytes.size()});
        World::put(process, kMessage,
                   UserMessage{name_bytes ? kName : 0, static_cast<uint32_t>(name_bytes), 0, kPieces, 1, control,
                               control_bytes, 0, 0});
        return world.call(thread, kSendmsg, to, kMessage, 0);
    }
    int64_t receive_message(int from, uint64_t control_bytes = 128, uint32_t flags = 0, size_t most = 1000) {
        World::put(process, kPieces, Piece{kBuffer, most});
        World::put(process, kControl, Rights{});
        World::put(process, kMessage, UserMessage{kName, 128, 0, kPieces, 1, kControl, control_bytes, 0xffff, 0});
        return world.call(thread, kRecvmsg, from, kMessage, flags);
    }
    UserMessage message() { return World::get<UserMessage>(process, kMessage); }
    Rights rights() { return World::get<Rights>(process, kControl); }
    int64_t set_option(int fd, int name, int32_t value) {
        World::put(process, kValue, value);
        return world.call(thread, kSetsockopt, fd, kSOL_SOCKET, name, kValue, 4);
    }
    int64_t option(int fd, int name) {
        World::put(process, kLength, int32_t{4});
        int64_t const result = world.call(thread, kGetsockopt, fd, kSOL_SOCKET, name, kValue, kLength);
        return result < 0 ? result : World::get<int32_t>(process, kValue);
    }
};

}  // namespace kos::lx::testing
