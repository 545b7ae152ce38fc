// Fixture for tests of messages: an endpoint, an active client and servers, and short names for their system calls.
#pragma once

#include <sel4/abi.h>

#include "testing/kernel_test.h"

namespace keel::testing {

class IpcTest : public KernelTest {
protected:
    IpcTest() : endpoint_(make_endpoint()), client_(make_thread(10)), reply_(make_reply()) { schedule_now(); }

    void schedule_now();
    // A thread without time, which waits on the endpoint with a reply object of its own.
    Made<Tcb> passive_server(unsigned priority, CPtr endpoint, CPtr reply) {
        Made<Tcb> const server = make_passive(priority);
        receive_as(*server, endpoint, reply);
        return server;
    }

    void send_as(Tcb& tcb, CPtr to, const Message& message = {}) { syscall_as(tcb, seL4_SysSend, to, message); }
    void call_as(Tcb& tcb, CPtr to, const Message& message = {}) { syscall_as(tcb, seL4_SysCall, to, message); }
    // A thread that has no time gets a turn on nobody's, so that it can begin to wait.
    void receive_as(Tcb& tcb, CPtr from, CPtr reply = 0);
    void reply_receive_as(Tcb& tcb, CPtr from, CPtr reply, const Message& message = {}) {
        syscall_as(tcb, seL4_SysReplyRecv, from, message, reply);
    }
    // Answers without waiting for more.
    void reply_as(Tcb& tcb, CPtr reply, const Message& message = {}) { syscall_as(tcb, seL4_SysSend, reply, message); }

    void expect_message(Tcb& tcb, Word badge, Word label, const std::vector<Word>& words) {
        EXPECT_EQ(badge_of(tcb), badge);
        EXPECT_EQ(label_of(tcb), label);
        EXPECT_EQ(words_of(tcb), words);
    }
    static std::vector<Word> numbers(unsigned count, Word first = 100) {
        std::vector<Word> words;
        for (unsigned i = 0; i < count; ++i) words.push_back(first + i);
        return words;
    }

    Made<Endpoint> endpoint_;
    Made<Tcb> client_;
    Made<Reply> reply_;
};

}  // namespace keel::testing
