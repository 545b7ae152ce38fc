// The choices of composer.h.
#include "composer.h"

namespace fuzz {

namespace {

// No invocation has a greater label (abi/include/sel4/syscalls.h).
constexpr Word kLabelsEnd = 61;

// In the order of how many page tables are missing there in a new world. The first shares all with the workers' code.
constexpr Word kNearBase = 0x440000;
constexpr Word kNearBases[] = {kNearBase, kNearBase, 0x600000, 0x800000};
constexpr Word kFarBases[] = {0x40000000, 0x40200000, 0x8000000000, 0x4100000000};

}  // namespace

CPtr Composer::garbage() {
    switch (random.below(6)) {
        case 0: return 0;
        case 1: return any_slot();
        case 2: return random.data();
        // One wrong bit: guards, indices of the gate, other slots.
        case 3: return address(any_slot()) ^ Word { 1 } << random.below(59);
        case 4: return gate_cap(random.between(5, 15));
        default: return address(0);
    }
}

CPtr Composer::cap(Kind kind) {
    Word choice = random.below(100);
    if (choice < 93) {
        return address(slot(kind));
    }
    return choice < 98 ? address(any_slot()) : garbage();
}

CPtr Composer::cnode() {
    if (!by_worker() && random.percent(90)) {
        return root_cap(random.below(4));
    }
    return random.percent(80) ? address(random.between(kSlotSmallCnode, kSlotDetour)) : cap(Kind::kCnode);
}

Word Composer::wrong_depth() {
    static constexpr Word kDepths[] = {0, 1, 2, 6, 7, 9, 16, 32, 63, 64, 65, 128, 255, 256 + 8};
    return random.pick(kDepths);
}

Path Composer::path(Word slot) {
    Word choice = random.below(100);
    bool worker = by_worker();
    Path path{};
    if (choice < 70) {
        // Bits of the index above the depth are ignored.
        Word above = random.percent(10) ? random.data() << kWorldRadix : 0;
        path = {worker ? address(kSlotWorldPlain) : root_cap(kRootWorldPlain), above | slot, kWorldRadix};
    } else if (choice < 83) {
        path = {worker ? address(kSlotWorldGuarded) : root_cap(kRootWorldGuarded), kWorldGuard << kWorldRadix | slot,
                kWorldGuardBits + kWorldRadix};
    } else if (choice < 93) {
        path = {worker ? address(kSlotDetour) : root_cap(kRootDetour),
                kDetourGuard << (kDetourRadix + kInnerGuardBits + kWorldRadix) | inner_cap(slot),
                kDetourGuardBits + kDetourRadix + kInnerGuardBits + kWorldRadix};
    } else if (choice < 96) {
        path = {address(kSlotWorldPlain), slot, kWorldRadix};
    } else if (choice < 98) {
        path = {cnode(), slot, random.percent(50) ? Word{2} : wrong_depth()};
    } else {
        path = {garbage(), slot, kWorldRadix};
    }
    if (random.percent(2)) {
        path.depth = wrong_depth();
    }
    return path;
}

Word Composer::badge_or_guard() {
    switch (random.below(4)) {
        case 0: return 0;
        case 1: return random.between(1, 255);
        case 2: return guard_data(random.below(16), random.below(6));
        default: return random.data();
    }
}

CPtr Composer::vspace() {
    return random.percent(70) && !by_worker() ? gate_cap(kGateWorkerVspace) : cap(Kind::kVspace);
}

Word Composer::spread(Word base, AddressUse use) {
    if (use == AddressUse::kPage || base == kNearBase) {
        base += random.below(6) * kPageBytes;
    }
    return random.percent(2) ? base + random.below(kPageBytes) : base;
}

Word Composer::user_address(AddressUse use) {
    static constexpr Word kOdd[] = {0, kCodeAddress, kBufferAddress, 0x7fff'ffff'f000, 0x8000'0000'0000,
                                    // No table of any kernel reaches there: how deep the walk gets is visible.
                                    0xffff'8000'0000'0000, 0x0001'0000'0000'0000, 0x440008, 0x4400'0001};
    if (random.percent(4)) {
        return random.percent(80) ? random.pick(kOdd) : random.data();
    }
    return random.percent(70) ? spread(random.pick(kNearBases), use) : spread(random.pick(kFarBases), use);
}

Place Composer::place(AddressUse use) {
    if (random.percent(8) && !by_worker()) {
        return {gate_cap(kGateRootVspace), spread(random.pick(kFarBases), use)};
    }
    return {vspace(), user_address(use)};
}

void Composer::mutate() {
    switch (random.below(7)) {
        case 0: request_.length = random.below(request_.length + 1); break;
        case 1: {
            Word length = random.percent(80) ? request_.length + random.below(4) : random.below(128);
            for (Word i = request_.length; i < length && i < seL4_MsgMaxLength; ++i) {
                request_.words[i] = random.data();
            }
            request_.length = length;
            break;
        }
        case 2: request_.cap_count = random.below(4); break;
        case 3: request_.caps[random.below(3)] = random.percent(60) ? address(any_slot()) : garbage(); break;
        case 4: request_.label = random.percent(90) ? random.below(kLabelsEnd) : random.data() >> 12; break;
        case 5:
            if (request_.length > 0) {
                Word& word = request_.words[random.below(request_.stored_words())];
                word = random.percent(50) ? word ^ Word { 1 } << random.below(64) : random.data();
            }
            break;
        default: request_.target = random.percent(60) ? address(any_slot()) : garbage(); break;
    }
    // What the changed request would do to the world is not known.
    request_.effect = Effect{};
}

}  // namespace fuzz
