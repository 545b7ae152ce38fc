// One invocation of a kernel object while it is decoded and carried out.
//
// Every handler has the same shape: check the arguments, check the capabilities, then act; nothing is changed before
// all checks have passed. The words of an error reply follow the manual, chapter "API reference", section "Errors".
#pragma once

#include <sel4/abi.h>

#include "core/abi.h"
#include "core/cpu.h"
#include "core/ipc.h"

namespace keel {

enum class Outcome : uint8_t {
    kDone,       // succeeded; a caller gets an empty reply
    kReplied,    // succeeded; the reply is in the caller's registers and buffer already
    kError,      // refused; a caller gets `error`
    kPreempted,  // not finished: execute the system call again
};

struct SyscallError {
    seL4_Error code;
    Word word[2];          // argument or capability number; range; was-source; memory left
    LookupFailure lookup;  // kFailedLookup
};

class Invocation {
public:
    Cpu& cpu;
    Tcb& caller;
    Slot* slot;  // holds the invoked capability
    Cap cap;     // its content
    Word label;
    unsigned length;             // message words that are there
    Slot* extra[kMaxExtraCaps];  // slots of the capabilities in the message, null from the first missing one on
    IpcBuffer const* buffer;     // null: the thread has none
    bool is_call;
    bool is_blocking;
    bool may_donate;
    SyscallError error;

    Invocation(Cpu& on, Tcb& by, Slot& invoked, MessageTag tag, const ExtraCaps& caps, const IpcBuffer* from)
        : cpu(on),
          caller(by),
          slot(&invoked),
          cap(invoked.cap),
          label(tag.label()),
          length(tag.length()),
          extra{caps.slot[0], caps.slot[1], caps.slot[2]},
          buffer(from) {
        if (length > kRegisterMessageWords && !buffer) length = kRegisterMessageWords;
    }

    Word arg(unsigned i) const {
        return i < kRegisterMessageWords ? caller.context.message_word(i) : read_once(buffer->msg[i]);
    }

    Outcome fail(seL4_Error code, Word word0 = 0, Word word1 = 0) {
        error.code = code;
        error.word[0] = word0;
        error.word[1] = word1;
        return Outcome::kError;
    }
    Outcome invalid_argument(Word number) { return fail(seL4_InvalidArgument, number); }
    // 0 is the invoked capability, 1.. are the extra ones.
    Outcome invalid_capability(Word number) { return fail(seL4_InvalidCapability, number); }
    Outcome illegal_operation() { return fail(seL4_IllegalOperation); }
    Outcome range_error(Word min, Word max) { return fail(seL4_RangeError, min, max); }
    Outcome truncated() { return fail(seL4_TruncatedMessage); }
    Outcome failed_lookup(bool was_source, const LookupFailure& failure) {
        error.lookup = failure;
        return fail(seL4_FailedLookup, was_source);
    }

    // Answers a caller with `count` words; does nothing if the invocation was not a call.
    Outcome reply(const Word* words, unsigned count);
    Outcome reply(Word word) { return reply(&word, 1); }
};

// Handlers by capability type.
Outcome invoke_untyped(Invocation& inv);
Outcome invoke_cnode(Invocation& inv);
Outcome invoke_thread(Invocation& inv);
Outcome invoke_sched_context(Invocation& inv);
Outcome invoke_sched_control(Invocation& inv);
Outcome invoke_domain_control(Invocation& inv);
Outcome invoke_irq_control(Invocation& inv);
Outcome invoke_irq_handler(Invocation& inv);
// Architecture (kernel/arch/<isa>/).
Outcome invoke_irq_control_arch(Invocation& inv);  // labels that invoke_irq_control does not know
Outcome invoke_sgi_signal(Invocation& inv);
Outcome invoke_vspace(Invocation& inv);
Outcome invoke_page_table(Invocation& inv);
Outcome invoke_frame(Invocation& inv);
Outcome invoke_asid_control(Invocation& inv);
Outcome invoke_asid_pool(Invocation& inv);
Outcome invoke_smc(Invocation& inv);

// The slot that `index` and `depth` name below the CNode `root`; on failure the error is set in `inv` and null comes
// back. `as_source`: the slot is read from, not written to.
Slot* lookup_target_slot(Invocation& inv, const Cap& root, CPtr index, Word depth, bool as_source);
// Sets DeleteFirst unless the slot is empty.
bool ensure_empty(Invocation& inv, const Slot& slot);

}  // namespace keel
