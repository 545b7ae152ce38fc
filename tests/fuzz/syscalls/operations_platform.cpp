// Interrupts, address space identifiers, page tables, frames, caches.
#include "operations.h"

namespace fuzz {

namespace {

// --- Interrupts. Of the device lines none ever fires; software generated interrupts do.

Word interrupt(Random& random) {
    Word choice = random.below(100);
    if (choice < 25) {
        return random.below(16);
    }
    return choice < 95 ? random.between(16, SEL4_MAX_IRQ + 3) : random.data();
}

void irq_control_get(Composer& c) {
    Word to = c.mostly(Kind::kEmpty, 94);
    Path path = c.path(to);
    c.invoke(c.gate(kGateIrqControl), seL4_IRQIssueIRQHandler);
    c.word(interrupt(c.random));
    c.path_words(path);
    c.extra(path.root);
    c.effect() = {Effect::Type::kFill, to, World::kNoParent, 0, 1, Kind::kIrqHandler};
}

void irq_control_get_trigger(Composer& c) {
    Word to = c.mostly(Kind::kEmpty, 94);
    Path path = c.path(to);
    c.invoke(c.gate(kGateIrqControl), seL4_ARMIRQIssueIRQHandlerTrigger);
    c.word(interrupt(c.random));
    c.word(c.random.percent(95) ? c.random.below(2) : c.random.data());
    c.path_words(path);
    c.extra(path.root);
    c.effect() = {Effect::Type::kFill, to, World::kNoParent, 0, 1, Kind::kIrqHandler};
}

void irq_control_issue_sgi_signal(Composer& c) {
    Word to = c.mostly(Kind::kEmpty, 94);
    Path path = c.path(to);
    c.invoke(c.gate(kGateIrqControl), seL4_ARMIRQIssueSGISignal_OneNode);
    c.word(c.random.percent(90) ? c.random.below(16) : interrupt(c.random));
    c.word(c.random.percent(90) ? 0 : c.random.percent(80) ? c.random.between(8, 20) : c.random.data());
    c.path_words(path);
    c.extra(path.root);
    c.effect() = {Effect::Type::kFill, to, World::kNoParent, 0, 1, Kind::kSgiSignal};
}

// The number of the one above on kernels for several cores.
void irq_control_get_trigger_core(Composer& c) {
    irq_control_get_trigger(c);
    c.request().label = seL4_ARMIRQIssueIRQHandlerTriggerCore_SMP;
    c.word(c.random.percent(90) ? c.random.below(c.cores()) : c.random.data());
}

void irq_control_other(Composer& c) {
    if (c.cores() > 1) {
        irq_control_get_trigger_core(c);
    } else {
        irq_control_issue_sgi_signal(c);
    }
}

void irq_handler_ack(Composer& c) { c.invoke(c.cap(Kind::kIrqHandler), seL4_IRQAckIRQ); }

void irq_handler_set(Composer& c) {
    c.invoke(c.cap(Kind::kIrqHandler), seL4_IRQSetIRQHandler);
    c.extra(c.cap(Kind::kNotification));
}

void irq_handler_clear(Composer& c) { c.invoke(c.cap(Kind::kIrqHandler), seL4_IRQClearIRQHandler); }

void sgi_signal(Composer& c) { c.invoke(c.cap(Kind::kSgiSignal), c.random.below(4)); }

// --- Address spaces

void asid_control_make_pool(Composer& c) {
    Word to = c.mostly(Kind::kEmpty, 94);
    Path path = c.path(to);
    c.invoke(c.gate(kGateAsidControl), seL4_ARMASIDControlMakePool);
    c.path_words(path);
    c.extra(c.random.percent(80) ? c.address(c.slot_with(Kind::kUntyped, seL4_ASIDPoolBits)) : c.cap(Kind::kUntyped));
    c.extra(path.root);
    c.effect() = {Effect::Type::kFill, to, World::kNoParent, 0, 1, Kind::kAsidPool};
}

void asid_pool_assign(Composer& c) {
    c.invoke(c.random.percent(50) ? c.gate(kGateAsidPool) : c.cap(Kind::kAsidPool), seL4_ARMASIDPoolAssign);
    c.extra(c.cap(Kind::kVspace));
}

void page_table_map(Composer& c) {
    Place place = c.place(AddressUse::kTable);
    c.invoke(c.cap(Kind::kPageTable), seL4_ARMPageTableMap);
    c.word(place.address);
    c.word(c.attributes());
    c.extra(place.vspace);
}

void page_table_unmap(Composer& c) { c.invoke(c.cap(Kind::kPageTable), seL4_ARMPageTableUnmap); }

void page_map(Composer& c) {
    Word frame = c.slot(Kind::kFrame);
    Place place = c.place(c.random.percent(85) ? AddressUse::kPage : AddressUse::kLargePage);
    if (c.note(frame) != 0 && place.vspace != gate_cap(kGateRootVspace) && c.random.percent(70)) {
        place.address = c.note(frame);  // changes the rights of a mapping
    }
    c.invoke(c.random.percent(95) ? c.address(frame) : c.cap(Kind::kFrame), seL4_ARMPageMap);
    c.word(place.address);
    c.word(c.random.percent(60) ? Word{seL4_ReadWrite} : c.random.below(16));
    c.word(c.attributes());
    c.extra(place.vspace);
    c.effect() = {Effect::Type::kNote, frame, 0, 0, 1, Kind::kFrame, place.address};
}

void page_unmap(Composer& c) {
    Word frame = c.slot(Kind::kFrame);
    c.invoke(c.random.percent(95) ? c.address(frame) : c.cap(Kind::kFrame), seL4_ARMPageUnmap);
    c.effect() = {Effect::Type::kNote, frame, 0, 0, 1, Kind::kFrame, 0};
}

void page_get_address(Composer& c) { c.invoke(c.cap(Kind::kFrame), seL4_ARMPageGetAddress); }

void page_cache(Composer& c) {
    Word start = c.random.percent(90) ? c.random.below(kPageBytes) : c.random.data();
    c.invoke(c.cap(Kind::kFrame), seL4_ARMPageClean_Data + c.random.below(4));
    c.word(start);
    c.word(start + c.random.below(c.random.percent(80) ? 256 : 2 * kPageBytes));
}

void vspace_cache(Composer& c) {
    Place place = c.place(AddressUse::kPage);
    Word start = place.address + c.random.below(64);
    c.invoke(place.vspace, seL4_ARMVSpaceClean_Data + c.random.below(4));
    c.word(start);
    c.word(c.random.percent(90) ? start + c.random.below(1024) : c.user_address(AddressUse::kPage));
}

// --- Anything: a label that the object may or may not know, with what comes to hand.

void arbitrary(Composer& c) {
    Word length = c.random.below(9);
    c.invoke(c.address(c.any_slot()), c.random.below(61));
    for (Word i = 0; i < length; ++i) {
        c.word(c.random.percent(50) ? c.small() : c.random.data());
    }
    for (Word i = c.random.below(4); i > 0; --i) {
        c.extra(c.address(c.any_slot()));
    }
}

constexpr Operation kOperations[] = {
    {"irq_control_get", 5, false, true, irq_control_get},
    {"irq_control_get_trigger", 5, false, true, irq_control_get_trigger},
    {"irq_control_issue_sgi_signal", 5, false, true, irq_control_other},
    {"irq_handler_ack", 6, true, true, irq_handler_ack},
    {"irq_handler_set", 10, true, true, irq_handler_set},
    {"irq_handler_clear", 4, true, true, irq_handler_clear},
    {"sgi_signal", 8, true, true, sgi_signal},
    {"asid_control_make_pool", 5, false, true, asid_control_make_pool},
    {"asid_pool_assign", 6, true, true, asid_pool_assign},
    {"page_table_map", 24, true, true, page_table_map},
    {"page_table_unmap", 8, true, true, page_table_unmap},
    {"page_map", 40, true, true, page_map},
    {"page_unmap", 12, true, true, page_unmap},
    {"page_get_address", 4, false, true, page_get_address},
    {"page_cache", 8, true, true, page_cache},
    {"vspace_cache", 8, true, true, vspace_cache},
    {"arbitrary", 10, true, false, arbitrary},
};

}  // namespace

OperationTable platform_operations() { return {kOperations, sizeof(kOperations) / sizeof(kOperations[0])}; }

}  // namespace fuzz
