// What travels over local sockets beside bytes: files and credentials.
#include "net/unix_test.h"

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

TEST_F(Sockets, FilesTravel) {
    pair();
    int const event = static_cast<int>(world.call(thread, 19, 7, kO_NONBLOCK));
    EXPECT_EQ(send_files(a, {event, event}), 1);
    close(event);
    EXPECT_EQ(receive_message(b, 128, kMSG_CMSG_CLOEXEC), 1);
    EXPECT_EQ(message().flags, kMSG_CMSG_CLOEXEC);
    EXPECT_EQ(message().control_bytes, 24u);
    EXPECT_EQ(rights().bytes, 24u);
    EXPECT_EQ(rights().type, kSCM_RIGHTS);
    EXPECT_TRUE(process.files->close_on_exec(rights().fds[0]));
    EXPECT_EQ(world.call(thread, kRead, rights().fds[1], kBuffer, 8), 8);
    EXPECT_EQ(World::get<uint64_t>(process, kBuffer), 7u);
    EXPECT_EQ(send_files(a, {555}), error(Errno::kEBADF));
    // No room for them, or for one.
    EXPECT_EQ(send_files(a, {a, b}), 1);
    EXPECT_EQ(receive_message(b, 0), 1);
    EXPECT_EQ(message().flags, kMSG_CTRUNC);
    EXPECT_EQ(UnixSocket::files_in_flight(), 0u);
    EXPECT_EQ(send_files(a, {a, b}), 1);
    EXPECT_EQ(receive_message(b, 20), 1);
    EXPECT_EQ(message().flags, kMSG_CTRUNC);
    EXPECT_EQ(rights().bytes, 20u);
    // Peeking gives them, too.
    EXPECT_EQ(send_files(a, {a}), 1);
    EXPECT_EQ(receive_message(b, 128, kMSG_PEEK), 1);
    EXPECT_EQ(rights().bytes, 20u);
    EXPECT_EQ(receive_message(b), 1);
    EXPECT_EQ(rights().bytes, 20u);
    // read(2) drops them.
    EXPECT_EQ(send_files(a, {a}), 1);
    EXPECT_EQ(take(b), "x");
    EXPECT_EQ(UnixSocket::files_in_flight(), 0u);
}

TEST_F(Sockets, FilesAreABorderOfAStream) {
    pair();
    EXPECT_EQ(send(a, "1234"), 4);
    EXPECT_EQ(send_files(a, {a}, "5"), 1);
    EXPECT_EQ(send(a, "6789"), 4);
    EXPECT_EQ(receive_message(b), 5);
    EXPECT_EQ(rights().bytes, 20u);
    EXPECT_EQ(receive_message(b), 4);
    EXPECT_EQ(message().control_bytes, 0u);
}

TEST_F(Sockets, BadControlData) {
    pair();
    World::put(process, kControl, Rights{8, kSOL_SOCKET, kSCM_RIGHTS, {}});
    EXPECT_EQ(send_message(a, "x", kControl, 24), error(Errno::kEINVAL));
    World::put(process, kControl, Rights{100, kSOL_SOCKET, kSCM_RIGHTS, {}});
    EXPECT_EQ(send_message(a, "x", kControl, 24), error(Errno::kEINVAL));
    World::put(process, kControl, Rights{~uint64_t{0}, kSOL_SOCKET, kSCM_RIGHTS, {}});
    EXPECT_EQ(send_message(a, "x", kControl, 24), error(Errno::kEINVAL));
    World::put(process, kControl, Rights{20, kSOL_SOCKET, 99, {}});
    EXPECT_EQ(send_message(a, "x", kControl, 24), error(Errno::kEINVAL));
    EXPECT_EQ(send_message(a, "x", kControl, 1 << 20), error(Errno::kENOBUFS));
    EXPECT_EQ(send_message(a, "x", 0x10, 24), error(Errno::kEFAULT));
    EXPECT_EQ(world.call(thread, kSendmsg, a, 0x10, 0), error(Errno::kEFAULT));
}

TEST_F(Sockets, CyclesOfFilesAreCollected) {
    for (int round = 0; round < 3; ++round) {
        pair();
        EXPECT_EQ(send_files(a, {a, b}), 1);
        EXPECT_EQ(send_files(b, {a, b}), 1);
        EXPECT_EQ(UnixSocket::files_in_flight(), 4u);
        close(a);
        close(b);
        pair();
        EXPECT_EQ(UnixSocket::files_in_flight(), 0u);
        close(a);
        close(b);
    }
    // A listener with a connection that holds it.
    int const listener = make(), client = make();
    bind(listener, "/l");
    world.call(thread, kListen, listener, 5);
    connect(client, "/l");
    EXPECT_EQ(send_files(client, {listener, client}), 1);
    close(client);
    close(listener);
    pair();
    EXPECT_EQ(UnixSocket::files_in_flight(), 0u);
}

TEST_F(Sockets, LongChainsOfFilesEndWithoutDeepRecursion) {
    pair();
    for (int i = 0; i < 10000; ++i) {
        int const old_a = a, old_b = b;
        pair();
        int64_t const sent = send_files(a, {old_a, old_b});
        close(old_a);
        close(old_b);
        if (UnixSocket::files_in_flight() == UnixSocket::kInFlightMax) {
            EXPECT_EQ(send_files(a, {a}), error(Errno::kETOOMANYREFS));
            break;
        }
        ASSERT_EQ(sent, 1) << i;
    }
    EXPECT_GT(UnixSocket::files_in_flight(), 10000u);
    close(a);
    close(b);
    EXPECT_EQ(UnixSocket::files_in_flight(), 0u);
}

TEST_F(Sockets, CredentialsOfPeersAndSenders) {
    pair();
    World::put(process, kLength, int32_t{12});
    EXPECT_EQ(world.call(thread, kGetsockopt, a, kSOL_SOCKET, kSO_PEERCRED, kValue, kLength), 0);
    EXPECT_EQ(World::get<int32_t>(process, kValue), process.pid);
    EXPECT_EQ(set_option(b, kSO_PASSCRED, 1), 0);
    EXPECT_EQ(send(a, "x"), 1);
    EXPECT_EQ(receive_message(b), 1);
    auto const found = World::get<UserCredentials>(process, kControl);
    EXPECT_EQ(found.bytes, 28u);
    EXPECT_EQ(found.type, kSCM_CREDENTIALS);
    EXPECT_EQ(found.pid, process.pid);
    EXPECT_EQ(message().control_bytes, 32u);
    UserCredentials wanted{28, kSOL_SOCKET, kSCM_CREDENTIALS, init.pid, 5, 6, 0};
    World::put(process, kControl, wanted);
    EXPECT_EQ(send_message(a, "x", kControl, 28), 1);
    EXPECT_EQ(receive_message(b), 1);
    EXPECT_EQ(World::get<UserCredentials>(process, kControl).pid, init.pid);
    EXPECT_EQ(World::get<UserCredentials>(process, kControl).gid, 6u);
    wanted.pid = 4000;
    World::put(process, kControl, wanted);
    EXPECT_EQ(send_message(a, "x", kControl, 28), error(Errno::kESRCH));
    process.credentials.capabilities = 0;
    wanted.pid = init.pid;
    World::put(process, kControl, wanted);
    EXPECT_EQ(send_message(a, "x", kControl, 28), error(Errno::kEPERM));
    wanted.bytes = 20;
    World::put(process, kControl, wanted);
    EXPECT_EQ(send_message(a, "x", kControl, 28), error(Errno::kEINVAL));
}

}  // namespace
