// Pages, capability slots and untyped memory.
#include "bench.h"

namespace kos::bench {

using namespace sel4;

namespace {

// Free in the root task's address space, far from the program image and from the console.
constexpr Word kAddress = 0x40000000;
constexpr Word kPageBytes = Word{1} << seL4_PageBits;

CPtr mapped_page(Row& row, seL4_CapRights_t rights) {
    const CPtr page = row.make(seL4_ARM_SmallPageObject);
    row.check_ok(roottask::map_page(row.arena(), seL4_CapInitThreadVSpace, page, kAddress, rights),
                 "the page can be mapped");
    return page;
}

CallRegisters staged_map(CPtr page) {
    return staged(page, seL4_ARMPageMap, {seL4_CapInitThreadVSpace},
                  {kAddress, seL4_ReadWrite, seL4_ARM_Default_VMAttributes});
}

volatile Word& word_at(Word address) { return *reinterpret_cast<volatile Word*>(address); }

void get_address(Row& row) {
    const CPtr page = row.make(seL4_ARM_SmallPageObject);
    const Word address = page_get_address(page).word(0);
    const OneCall call = repeat(row, row.passes(), staged(page, seL4_ARMPageGetAddress));
    row.check(address != 0 && call.sum_word0 == row.passes() * address, "each answer is the page's address");
}

void map_again(Row& row) {
    const CPtr page = mapped_page(row, seL4_CanRead);
    repeat(row, row.passes(), staged_map(page));
    word_at(kAddress) = 17;  // faults, and the run ends without a verdict, if the page is still read-only
    row.check(word_at(kAddress) == 17, "the page can be written");
}

// True if a thread that reads the address gets a page fault.
bool faults(Row& row, Word address) {
    const CPtr endpoint = row.make(seL4_EndpointObject);
    roottask::Thread thread;
    roottask::ThreadOptions options;
    options.priority = kAbovePriority;
    options.fault_endpoint = endpoint;
    row.check_ok(thread.create(row.arena(), options), "a thread can be created");
    row.check_ok(thread.start([address] { kos_fault_on_load(address); }), "it starts");
    const Message message = nb_recv(endpoint, row.make(seL4_ReplyObject));
    return message.label() == seL4_Fault_VMFault && message.word(seL4_VMFault_Addr) == address;
}

void unmap_map(Row& row) {
    const CPtr page = mapped_page(row, seL4_ReadWrite);
    word_at(kAddress) = 18;
    repeat(row, row.passes(), staged(page, seL4_ARMPageUnmap), staged_map(page));
    row.check(word_at(kAddress) == 18, "the page is mapped and has kept its contents");
    row.check_ok(page_unmap(page), "unmapping");
    row.check(faults(row, kAddress), "after unmapping, a read faults");
}

CallRegisters staged_delete(CPtr slot) {
    return staged(seL4_CapInitThreadCNode, seL4_CNodeDelete, {}, {slot, seL4_WordBits});
}

// Copying succeeds only into an empty slot, so each delete did its work too.
void copy_delete(Row& row, CPtr original) {
    const CPtr copy = row.arena().slot();
    const CallRegisters copying = staged(seL4_CapInitThreadCNode, seL4_CNodeCopy, {seL4_CapInitThreadCNode},
                                         {copy, seL4_WordBits, original, seL4_WordBits, seL4_AllRights});
    repeat(row, row.passes(), copying, staged_delete(copy));
}

struct ObjectRow {
    const char* name;
    Word type;
    Word size_bits;
    Word untyped_bits;
    // Large objects are cleared: fewer passes do.
    Word divisor;
};

constexpr ObjectRow kObjects[] = {
    {"retype_and_delete/frame_4k", seL4_ARM_SmallPageObject, 0, seL4_PageBits, 1},
    {"retype_and_delete/frame_2m", seL4_ARM_LargePageObject, 0, 21, 500},
    {"retype_and_delete/page_table", seL4_ARM_PageTableObject, 0, seL4_PageTableBits, 1},
    {"retype_and_delete/tcb", seL4_TCBObject, 0, seL4_TCBBits, 1},
    {"retype_and_delete/endpoint", seL4_EndpointObject, 0, seL4_EndpointBits, 1},
    {"retype_and_delete/cnode_1024_slots", seL4_CapTableObject, 10, 10 + seL4_SlotBits, 20},
};

// The untyped memory has room for one object, so each delete did its work too.
void retype_delete(Row& row, const ObjectRow& spec) {
    const CPtr untyped = row.make(seL4_UntypedObject, spec.untyped_bits);
    const CPtr slot = row.arena().slot();
    const CallRegisters retyping =
        staged(untyped, seL4_UntypedRetype, {seL4_CapInitThreadCNode}, {spec.type, spec.size_bits, 0, 0, slot, 1});
    // The first object of fresh memory is not what is measured.
    row.check_ok(untyped_retype(untyped, spec.type, spec.size_bits, {.root = seL4_CapInitThreadCNode, .offset = slot}),
                 "the first object");
    row.check_ok(cnode_delete(roottask::root_slot(slot)), "deleting the first object");
    repeat(row, row.passes() / spec.divisor + 1, retyping, staged_delete(slot));
}

// New memory for each object: another object keeps the untyped memory from being reset.
void retype_delete_onwards(Row& row) {
    constexpr Word kUntypedBits = 24;
    constexpr Word kRoom = (Word{1} << (kUntypedBits - seL4_PageBits)) - 1;
    const CPtr untyped = row.make(seL4_UntypedObject, kUntypedBits);
    const CPtr slot = row.arena().slot();
    const RetypeWindow other{.root = seL4_CapInitThreadCNode, .offset = row.arena().slot()};
    row.check_ok(untyped_retype(untyped, seL4_EndpointObject, 0, other), "the other object");
    const CallRegisters retyping =
        staged(untyped, seL4_UntypedRetype, {seL4_CapInitThreadCNode}, {seL4_ARM_SmallPageObject, 0, 0, 0, slot, 1});
    repeat(row, row.passes() < kRoom ? row.passes() : kRoom, retyping, staged_delete(slot));
}

// What is retyped again must not show what was there before.
void retyped_frame_is_clear(Row& row) {
    const CPtr untyped = row.make(seL4_UntypedObject, seL4_PageBits);
    const CPtr slot = row.arena().slot();
    const RetypeWindow window{.root = seL4_CapInitThreadCNode, .offset = slot};
    for (int round = 0; round < 2; ++round) {
        row.check_ok(untyped_retype(untyped, seL4_ARM_SmallPageObject, 0, window), "retyping");
        row.check_ok(roottask::map_page(row.arena(), seL4_CapInitThreadVSpace, slot, kAddress), "mapping");
        for (Word at = 0; at < kPageBytes; at += sizeof(Word)) {
            row.check(word_at(kAddress + at) == 0, "a new page is clear");
            word_at(kAddress + at) = ~Word{0};
        }
        row.check_ok(cnode_delete(roottask::root_slot(slot)), "deleting");
    }
}

}  // namespace

void memory_rows(Bench& bench) {
    bench.row("page/get_address", get_address);
    bench.row("page/map_again", map_again);
    bench.row("page/unmap_and_map", unmap_map);
    bench.row("cnode/copy_and_delete/frame", [](Row& row) { copy_delete(row, row.make(seL4_ARM_SmallPageObject)); });
    bench.row("cnode/copy_and_delete/endpoint", [](Row& row) { copy_delete(row, row.make(seL4_EndpointObject)); });
    bench.row("retype_and_delete/frame_4k/new_memory", retype_delete_onwards);
    for (const ObjectRow& spec : kObjects) {
        bench.row(spec.name, [&](Row& row) {
            if (spec.type == seL4_ARM_SmallPageObject) {
                retyped_frame_is_clear(row);
            }
            retype_delete(row, spec);
        });
    }
}

}  // namespace kos::bench
