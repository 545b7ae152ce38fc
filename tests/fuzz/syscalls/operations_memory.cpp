// Untyped memory and CNodes.
#include "operations.h"

namespace fuzz {

namespace {

Kind kind_of_type(Word type) {
    switch (type) {
        case seL4_UntypedObject: return Kind::kUntyped;
        case seL4_TCBObject: return Kind::kThread;
        case seL4_EndpointObject: return Kind::kEndpoint;
        case seL4_NotificationObject: return Kind::kNotification;
        case seL4_CapTableObject: return Kind::kCnode;
        case seL4_SchedContextObject: return Kind::kSchedContext;
        case seL4_ReplyObject: return Kind::kReply;
        case seL4_ARM_VSpaceObject: return Kind::kVspace;
        case seL4_ARM_HugePageObject:
        case seL4_ARM_SmallPageObject:
        case seL4_ARM_LargePageObject: return Kind::kFrame;
        case seL4_ARM_PageTableObject: return Kind::kPageTable;
        default: return Kind::kUnknown;
    }
}

Word object_size(Composer& c, Word type) {
    Random& random = c.random;
    if (random.percent(3)) {
        return random.percent(70) ? random.below(64) : random.data();
    }
    switch (type) {
        case seL4_UntypedObject: return random.percent(40) ? Word{12} : random.between(4, 15);
        case seL4_CapTableObject: return random.between(1, 5);
        case seL4_SchedContextObject: return random.between(7, 9);
        default: return random.percent(80) ? 0 : random.below(32);
    }
}

Word object_count(Random& random) {
    static constexpr Word kOdd[] = {0, 100, 255, 256, 257, 1ul << 32};
    if (random.percent(3)) {
        return random.pick(kOdd);
    }
    return random.percent(75) ? 1 : random.between(1, 4);
}

void untyped_retype(Composer& c) {
    static constexpr Word kTypes[] = {seL4_UntypedObject,       seL4_UntypedObject,       seL4_TCBObject,
                                      seL4_EndpointObject,      seL4_EndpointObject,      seL4_NotificationObject,
                                      seL4_CapTableObject,      seL4_SchedContextObject,  seL4_ReplyObject,
                                      seL4_ARM_HugePageObject,  seL4_ARM_VSpaceObject,    seL4_ARM_SmallPageObject,
                                      seL4_ARM_SmallPageObject, seL4_ARM_SmallPageObject, seL4_ARM_LargePageObject,
                                      seL4_ARM_PageTableObject, seL4_ARM_PageTableObject};
    Random& random = c.random;
    Word type = random.percent(98) ? random.pick(kTypes) : random.below(64);
    bool device = random.percent(5);
    Word from = device ? World::kNoParent : c.slot(Kind::kUntyped);
    Word to = c.mostly(Kind::kEmpty, 96);
    Word count = object_count(random);
    c.invoke(device               ? c.gate(kGateDevice)
             : random.percent(97) ? c.address(from)
                                  : c.cap(Kind::kUntyped),
             seL4_UntypedRetype);
    Word size = object_size(c, type);
    c.word(type);
    c.word(size);
    // The node: a root capability itself (depth 0), or a slot below it that holds the CNode.
    Word choice = random.below(100);
    if (choice < 75) {
        c.word(random.percent(90) ? 0 : random.data());
        c.word(0);
        c.extra(c.by_worker() ? c.address(kSlotWorldPlain) : root_cap(kRootWorldPlain));
    } else if (choice < 90) {
        c.word(kDetourGuard << kDetourRadix | kDetourIndex);
        c.word(kDetourGuardBits + kDetourRadix);
        c.extra(c.by_worker() ? c.address(kSlotDetour) : root_cap(kRootDetour));
    } else {
        Path node = c.path(random.percent(50) ? random.between(kSlotSmallCnode, kSlotDetour) : c.any_slot());
        c.word(node.index);
        c.word(node.depth);
        c.extra(node.root);
    }
    c.word(random.percent(98) ? to : random.data());
    c.word(count);
    c.effect() = {Effect::Type::kFill, to, from, 0, count, kind_of_type(type), type == seL4_UntypedObject ? size : 0};
}

// Where a capability to be copied or moved comes from: anything that is not empty, mostly.
Word source(Composer& c) {
    static constexpr Kind kKinds[] = {Kind::kEndpoint,     Kind::kEndpoint, Kind::kEndpoint,   Kind::kNotification,
                                      Kind::kNotification, Kind::kUntyped,  Kind::kReply,      Kind::kThread,
                                      Kind::kSchedContext, Kind::kFrame,    Kind::kFrame,      Kind::kPageTable,
                                      Kind::kVspace,       Kind::kAsidPool, Kind::kIrqHandler, Kind::kSgiSignal,
                                      Kind::kCnode,        Kind::kCnode,    Kind::kUnknown};
    return c.random.percent(95) ? c.slot(kKinds[c.random.below(sizeof(kKinds) / sizeof(kKinds[0]))]) : c.any_slot();
}

void two_paths(Composer& c, Word label, Effect::Type type) {
    Word to = c.mostly(Kind::kEmpty, 94);
    Word from = source(c);
    Path to_path = c.path(to);
    Path from_path = c.path(from);
    c.invoke(to_path.root, label);
    c.path_words(to_path);
    c.path_words(from_path);
    c.extra(from_path.root);
    c.effect() = {type, to, from, 0, 1, Kind::kEmpty};
}

void cnode_copy(Composer& c) {
    two_paths(c, seL4_CNodeCopy, Effect::Type::kCopy);
    c.word(c.rights());
}

void cnode_mint(Composer& c) {
    two_paths(c, seL4_CNodeMint, Effect::Type::kCopy);
    c.word(c.rights());
    c.word(c.badge_or_guard());
}

void cnode_move(Composer& c) { two_paths(c, seL4_CNodeMove, Effect::Type::kMove); }

void cnode_mutate(Composer& c) {
    two_paths(c, seL4_CNodeMutate, Effect::Type::kMove);
    c.word(c.badge_or_guard());
}

void cnode_rotate(Composer& c) {
    Word to = c.random.percent(80) ? c.slot(Kind::kEmpty) : source(c);
    Word pivot = source(c);
    Word from = source(c);
    if (c.random.percent(15)) {
        to = from;  // a swap
    }
    Path to_path = c.path(to);
    Path pivot_path = c.path(pivot);
    Path from_path = c.path(from);
    c.invoke(to_path.root, seL4_CNodeRotate);
    c.path_words(to_path);
    c.word(c.random.percent(80) ? 0 : c.badge_or_guard());
    c.path_words(pivot_path);
    c.word(c.random.percent(80) ? 0 : c.badge_or_guard());
    c.path_words(from_path);
    c.extra(pivot_path.root);
    c.extra(from_path.root);
    c.effect() = {Effect::Type::kRotate, to, from, pivot, 1, Kind::kEmpty};
}

void one_path(Composer& c, Word label, Word slot, Effect::Type type) {
    Path path = c.path(slot);
    c.invoke(path.root, label);
    c.path_words(path);
    c.effect() = {type, slot, slot, 0, 1, Kind::kEmpty};
}

// What a world cannot do without is spared most of the time.
bool structural(Word slot) {
    return (slot >= kSlotUntyped && slot < kSlotEndpoint) || (slot >= kSlotThread && slot < kSlotThread + kWorkers) ||
           (slot >= kSlotSmallCnode && slot <= kSlotDetour);
}

void cnode_delete(Composer& c) {
    Word slot = source(c);
    one_path(c, seL4_CNodeDelete, structural(slot) && c.random.percent(80) ? kSlotScratch : slot, Effect::Type::kEmpty);
}

void cnode_revoke(Composer& c) {
    Word slot = source(c);
    one_path(c, seL4_CNodeRevoke, slot, Effect::Type::kRevoke);
}

void cnode_revoke_untyped(Composer& c) { one_path(c, seL4_CNodeRevoke, c.slot(Kind::kUntyped), Effect::Type::kRevoke); }

void cnode_cancel_badged_sends(Composer& c) {
    one_path(c, seL4_CNodeCancelBadgedSends, c.mostly(Kind::kEndpoint), Effect::Type::kNone);
}

constexpr Operation kOperations[] = {
    {"untyped_retype", 60, true, true, untyped_retype},
    {"cnode_copy", 24, true, true, cnode_copy},
    {"cnode_mint", 30, true, true, cnode_mint},
    {"cnode_move", 16, true, true, cnode_move},
    {"cnode_mutate", 10, true, true, cnode_mutate},
    {"cnode_rotate", 12, true, true, cnode_rotate},
    {"cnode_delete", 30, true, true, cnode_delete},
    {"cnode_revoke", 8, true, true, cnode_revoke},
    {"cnode_revoke_untyped", 3, true, true, cnode_revoke_untyped},
    {"cnode_cancel_badged_sends", 8, true, true, cnode_cancel_badged_sends},
};

}  // namespace

OperationTable memory_operations() { return {kOperations, sizeof(kOperations) / sizeof(kOperations[0])}; }

}  // namespace fuzz
