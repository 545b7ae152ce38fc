// Messages: what is copied between threads, and the answers the kernel itself gives.
#pragma once

#include "core/abi.h"
#include "core/objects.h"

namespace keel {

// The tag of a message with the fields the kernel uses. Lengths above the maximum are cut.
struct MessageTag {
    Word word;
    Word label() const { return word >> kTagLabelShift; }
    unsigned length() const {
        unsigned const n = word & kTagLengthMask;
        return n < kMaxMessageWords ? n : kMaxMessageWords;
    }
    unsigned extra_caps() const { return word >> kTagCapsShift & kTagCapsMask; }
    // No capabilities and no more words than travel in registers: length in [6:0], capabilities in [8:7].
    bool fits_registers() const { return (word & 0x1ff) <= kRegisterMessageWords; }
    static constexpr MessageTag make(Word label, Word unwrapped, Word caps, Word length) {
        return {label << kTagLabelShift | unwrapped << kTagUnwrappedShift | caps << kTagCapsShift | length};
    }
};

// The thread's IPC buffer as the kernel sees it, null if it has none that allows the access.
IpcBuffer* ipc_buffer(const Tcb& tcb, bool for_writing);

// Where the capabilities of a message come from; `failed` tells the address that led nowhere.
struct ExtraCaps {
    Slot* slot[kMaxExtraCaps] = {};
};
// False: a capability address in the message did not resolve; `fault` says which.
bool find_extra_caps(const Tcb& sender, MessageTag tag, const IpcBuffer* buffer, ExtraCaps& caps, Fault& fault);

// Copies the sender's message (or its fault) to the receiver. `endpoint` is that of the send, for unwrapping; null in
// a reply. Capabilities travel if `grant`.
void transfer_message(Tcb& sender, const Endpoint* endpoint, Word badge, bool grant, Tcb& receiver);

// The kernel's answer to a call: label 0 and these words.
void reply_to_call(Tcb& caller, const Word* words, unsigned count);

}  // namespace keel
