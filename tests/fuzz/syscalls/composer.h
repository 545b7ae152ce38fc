// Choosing arguments: capability addresses, slots, addresses, numbers. Mostly right, now and then wrong.
//
// A Composer fills one Request in the name of one thread, whose CSpace decides how slots are called.
#pragma once

#include "request.h"

namespace fuzz {

// Source or destination of a CNode operation.
struct Path {
    CPtr root;
    Word index;
    Word depth;
};

// A virtual address in an address space.
struct Place {
    CPtr vspace;
    Word address;
};

// What is to be mapped.
enum class AddressUse { kPage, kLargePage, kTable };

class Composer {
public:
    Composer(Random& random_source, const World& world, Space space, Request& request)
        : random(random_source), world_(world), space_(space), request_(request) {
        request_.clear();
    }

    Word cores() const { return world_.cores(); }
    bool by_worker() const { return space_ == Space::kWorkerDirect || space_ == Space::kWorkerNested; }

    // --- The invocation, in order: target and label, then words and capabilities.
    void invoke(CPtr target, Word label) {
        request_.target = target;
        request_.label = label;
    }
    void word(Word value) {
        if (request_.length < seL4_MsgMaxLength) {
            request_.words[request_.length++] = value;
        }
    }
    void extra(CPtr cap) {
        if (request_.cap_count < seL4_MsgMaxExtraCaps) {
            request_.caps[request_.cap_count++] = cap;
        }
    }
    Request& request() { return request_; }
    Effect& effect() { return request_.effect; }

    // --- Slots of the world and their addresses
    Word any_slot() { return random.below(kWorldSlots); }
    // A slot that is believed to hold this kind.
    Word slot(Kind kind) { return world_.find(kind, any_slot()); }
    Word slot_with(Kind kind, Word note) { return world_.find(kind, note, any_slot()); }
    Word note(Word slot) const { return world_.note(slot); }
    Word mostly(Kind kind, Word chance = 90) { return random.percent(chance) ? slot(kind) : any_slot(); }
    CPtr address(Word slot) {
        Space space = space_ == Space::kDriver && random.percent(8) ? Space::kDriverDetour : space_;
        return world_cap(space, slot);
    }
    // Address of an object of this kind; sometimes of something else, or of nothing.
    CPtr cap(Kind kind);
    CPtr garbage();
    // Names the slot below one of the CNodes that lead to it.
    Path path(Word slot);
    void path_words(const Path& path) {
        word(path.index);
        word(path.depth);
    }
    // One of the capabilities in the gate; workers have none and get something else.
    CPtr gate(Word index) { return by_worker() ? garbage() : gate_cap(index); }
    // A CNode capability to be the root of an operation or a CSpace.
    CPtr cnode();
    Word badge_or_guard();
    Word rights() { return random.percent(60) ? Word{seL4_AllRights} : random.below(16); }
    Word small() { return random.below(16); }
    Word priority() { return random.percent(95) ? random.below(256) : random.data(); }

    // --- Memory
    // An address space that workers may run in: never the root task's.
    CPtr vspace();
    Word user_address(AddressUse use);
    // Where to map something. A mapping replaces what is mapped there already, so that in the root task's address
    // space only far addresses may be named.
    Place place(AddressUse use);
    Word attributes() { return random.percent(70) ? Word{seL4_ARM_Default_VMAttributes} : random.below(8); }

    // A system call that is an invocation may be made wrong in one respect.
    void mutate();

    Random& random;

private:
    Word wrong_depth();
    Word spread(Word base, AddressUse use);

    const World& world_;
    Space space_;
    Request& request_;
};

}  // namespace fuzz
