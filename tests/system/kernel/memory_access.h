// Memory of the initial address space seen by a thread that really reads, writes or executes it. Shared by the tests of
// address spaces.
#pragma once

#include "faults.h"
#include "stubs.h"

inline constexpr CPtr kVSpace = seL4_CapInitThreadVSpace;
inline constexpr Word kPage = Word{1} << seL4_PageBits;
inline constexpr Word kLarge = Word{1} << seL4_LargePageBits;
inline constexpr Word kHuge = Word{1} << seL4_HugePageBits;
inline constexpr Word kTop = seL4_UserTop + 1;

// Values of FSR without the level of the translation table, which is in the low two bits (Arm ARM, ESR_EL1, DFSC).
inline constexpr Word kNotMapped = 0x92000004;
inline constexpr Word kNotMappedWrite = 0x92000044;
inline constexpr Word kNotMappedExecute = 0x82000004;
inline constexpr Word kRefused = 0x9200000c;
inline constexpr Word kRefusedWrite = 0x9200004c;
inline constexpr Word kRefusedExecute = 0x8200000c;

inline volatile Word& word_at(Word address) { return *reinterpret_cast<volatile Word*>(address); }

// The fault of a thread that runs `body`; badge 0 if it got through.
template <typename Body>
MessageCopy fault_of(TestContext& t, const Body& body) {
    FaultingThread faulting;
    if (!faulting.create(t)) {
        return {};
    }
    EXPECT_OK(faulting.thread().start(body));
    MessageCopy fault = faulting.take();
    EXPECT_EQ(faulting.thread().finished(), fault.badge == 0);
    return fault;
}

// FSR of the fault, 0 if there was none.
inline Word read_fault(TestContext& t, Word address) {
    return fault_of(t, [address] { stub_read_word(address); }).word(seL4_VMFault_FSR);
}
inline Word write_fault(TestContext& t, Word address) {
    return fault_of(t, [address] { stub_write_word(address); }).word(seL4_VMFault_FSR);
}
inline Word execute_fault(TestContext& t, Word address) {
    return fault_of(t, [address] { stub_jump(address); }).word(seL4_VMFault_FSR);
}

// Writes a function that returns `value` (less than 65536) to `address`, which `page` is mapped at.
inline void write_function(CPtr page, Word address, uint16_t value) {
    volatile uint32_t* code = reinterpret_cast<volatile uint32_t*>(address);
    code[0] = 0xd2800000u | uint32_t{value} << 5;  // movz x0, #value
    code[1] = 0xd65f03c0u;                         // ret
    EXPECT_OK(page_cache(page, CacheOperation::kUnifyInstruction, 0, 8));
}
inline Word call_function(Word address) { return reinterpret_cast<Word (*)()>(address)(); }

// A new VSpace with an identifier of the initial pool.
inline CPtr assigned_vspace(TestContext& t) {
    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    EXPECT_OK(asid_pool_assign(seL4_CapInitThreadASIDPool, vspace));
    return vspace;
}
