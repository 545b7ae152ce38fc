// The few parts of the ABI that the portable kernel handles itself, under the kernel's own names. The ABI's names are
// used in syscall/, in the invocations of arch/ and in init/ only.
#pragma once

#include <sel4/config.h>
#include <sel4/objects.h>
#include <sel4/types.h>

#include "core/types.h"

namespace keel {

// Frame shared with a thread; user level can change it at any time, so each word that is checked before it is used is
// read by this, which the compiler cannot turn into two loads.
using IpcBuffer = seL4_IPCBuffer;
inline Word read_once(const seL4_Word& word) { return __atomic_load_n(&word, __ATOMIC_RELAXED); }

constexpr unsigned kTagLabelShift = seL4_MessageInfo_LabelShift;
constexpr unsigned kTagUnwrappedShift = seL4_MessageInfo_CapsUnwrappedShift;
constexpr unsigned kTagCapsShift = seL4_MessageInfo_ExtraCapsShift;
constexpr Word kTagCapsMask = seL4_MessageInfo_ExtraCapsMask;
constexpr Word kTagLengthMask = seL4_MessageInfo_LengthMask;

constexpr Word kMinBudgetUs = SEL4_MIN_BUDGET_US;

enum class ObjectType : Word {
    kUntyped = seL4_UntypedObject,
    kThread = seL4_TCBObject,
    kEndpoint = seL4_EndpointObject,
    kNotification = seL4_NotificationObject,
    kCNode = seL4_CapTableObject,
    kSchedContext = seL4_SchedContextObject,
    kReply = seL4_ReplyObject,
    kFrame1GiB = seL4_ARM_HugePageObject,
    kVSpace = seL4_ARM_VSpaceObject,
    kFrame4KiB = seL4_ARM_SmallPageObject,
    kFrame2MiB = seL4_ARM_LargePageObject,
    kPageTable = seL4_ARM_PageTableObject,
};
constexpr Word kObjectTypes = seL4_ObjectTypeCount;

// log2 of the sizes in memory.
constexpr unsigned kSlotBits = seL4_SlotBits;
constexpr unsigned kTcbBits = seL4_TCBBits;
constexpr unsigned kEndpointBits = seL4_EndpointBits;
constexpr unsigned kNotificationBits = seL4_NotificationBits;
constexpr unsigned kReplyBits = seL4_ReplyBits;
constexpr unsigned kTableBits = seL4_PageTableBits;
static_assert(seL4_VSpaceBits == seL4_PageTableBits);

}  // namespace keel
