// All system calls by number, put together from the families' tables.
#include "shim/layout.h"
#include "syscalls/families.h"
#include "task/message_call.h"

#include <array>

namespace kos::lx {

namespace {

constexpr unsigned kNumbers = 480;  // beyond the last one of Linux 6.12

struct Index {
    std::array<const SystemCall*, kNumbers> calls{};
    std::array<const SystemCall*, kPrivateCallsEnd - kPrivateCalls> private_calls{};
    Index() {
        for (auto family : {kFileCalls, kPathCalls, kDescriptorCalls, kPollCalls, kEventCalls, kSocketCalls,
                            kMemoryCalls, kTaskCalls, kRelationCalls, kSignalCalls, kTimeCalls, kFutexCalls,
                            kSharedMemoryCalls, kSemaphoreCalls, kMessageCalls, kPosixQueueCalls, kSystemCalls}) {
            for (const SystemCall& call : family) {
                if (call.number < kNumbers) calls[call.number] = &call;
                if (call.number >= kPrivateCalls && call.number < kPrivateCallsEnd)
                    private_calls[call.number - kPrivateCalls] = &call;
            }
        }
    }
};

}  // namespace

const SystemCall* find_system_call(unsigned number) {
    static const Index kIndex;
    if (number >= kPrivateCalls && number < kPrivateCallsEnd) return kIndex.private_calls[number - kPrivateCalls];
    return number < kNumbers ? kIndex.calls[number] : nullptr;
}

MessageCalls message_calls() {
    MessageCalls found{};
    for (unsigned number = 0; number < found.size(); ++number) {
        if (is_called_by_message(number)) found[number] = find_system_call(number);
    }
    return found;
}

}  // namespace kos::lx
