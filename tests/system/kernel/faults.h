// A thread whose faults the test receives, for the fault tests.
#pragma once

#include "support.h"

// The thread runs above the test, so when start() returns its first fault is already waiting at the endpoint.
class FaultingThread {
public:
    static constexpr Word kBadge = 0xfa;

    bool create(TestContext& t, ThreadOptions options = {}) {
        endpoint_ = t.make(seL4_EndpointObject);
        reply_ = t.make(seL4_ReplyObject);
        options.priority = kAboveMain;
        options.fault_endpoint = t.mint(endpoint_, kBadge);
        return t.create(thread_, options);
    }

    // The fault that is waiting; a message with badge 0 if there is none.
    MessageCopy take() { return nb_recv(endpoint_, reply_); }
    void answer(Word label = 0, std::initializer_list<Word> words = {}) {
        Words registers;
        stage_invocation(0, {}, words, registers);
        reply(reply_, Tag::make(label, words.size()), registers);
    }
    Thread& thread() { return thread_; }
    CPtr endpoint() const { return endpoint_; }
    CPtr reply_object() const { return reply_; }

private:
    CPtr endpoint_ = kNullCap;
    CPtr reply_ = kNullCap;
    Thread thread_;
};
