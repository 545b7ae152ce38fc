// Secure monitor calls through the SMC capability, on machines whose firmware answers them (the device tree's PSCI node
// says "smc"): elsewhere the instruction would stop the machine.
#include "bare.h"

#include <kos/roottask/bootargs.h>

namespace {

constexpr CPtr kSmc = seL4_CapSMC;
// Functions of PSCI (Arm DEN 0022, 5.1): PSCI_VERSION, PSCI_FEATURES, AFFINITY_INFO (64-bit).
constexpr Word kVersion = 0x84000000;
constexpr Word kFeatures = 0x8400000a;
constexpr Word kAffinityInfo = 0xc4000004;
constexpr Word kNotSupported = ~Word{0};

bool has_firmware() {
    const RootTask& root = root_task();
    char method[8];
    return device_tree_string(root.device_tree, root.device_tree_bytes, "psci", "method", method, sizeof(method)) &&
           method[0] == 's';
}

Result smc(CPtr cap, Word function, Word argument = 0) {
    return invoke(cap, seL4_ARMSMCCall, {}, {function, argument, 2, 3, 4, 5, 6, 7});
}

}  // namespace

KOS_TEST(smc_reaches_the_firmware) {
    if (!has_firmware()) {
        KOS_SKIP("no firmware behind smc");
    }
    Result answer = smc(kSmc, kVersion);
    EXPECT_OK(answer);
    EXPECT_EQ(answer.message.length(), 8u);
    Word version = answer.word(0);
    EXPECT_GE(version >> 16, 1u);  // 0.2 is as good, but no board here has it
    EXPECT_LT(version, Word{1} << 24);
    for (Word i = 4; i < 8; ++i) {
        EXPECT_EQ(answer.word(i), i);  // what the firmware does not write comes back
    }
    EXPECT_EQ(smc(kSmc, kAffinityInfo, 0).word(0), 0u);  // this core is on
    EXPECT_EQ(smc(kSmc, kFeatures, kVersion).word(0), 0u);
    // Functions that do not exist; all 64 bits of the number arrive.
    EXPECT_EQ(smc(kSmc, 0xc5001234).word(0), kNotSupported);
    EXPECT_EQ(smc(kSmc, kVersion | Word{1} << 32).word(0), kNotSupported);
    EXPECT_EQ(smc(kSmc, kVersion).word(0), version);
}

KOS_TEST(smc_error) {
    for (Word length = 0; length < 8; ++length) {
        Message answer = call(kSmc, Tag::make(seL4_ARMSMCCall + label_shift, length), Words{{kVersion}});
        EXPECT_EQ(answer.label(), Word{seL4_TruncatedMessage});
    }
    for (Word label : {Word{0}, Word{seL4_ARMPageTableMap}, Word{seL4_TCBSuspend}, Word{1000}}) {
        EXPECT_ERROR(invoke(kSmc, label, {}, {kVersion, 1, 2, 3, 4, 5, 6, 7}), seL4_IllegalOperation);
        EXPECT_ERROR(invoke(kSmc, label), seL4_IllegalOperation);
    }
}

KOS_TEST(smc_capability_for_one_function) {
    CPtr badged = t.mint(kSmc, kFeatures);
    CPtr copy = t.copy(badged);
    CPtr without_rights = t.mint(kSmc, kFeatures, seL4_NoRights);
    for (CPtr cap : {badged, copy, without_rights}) {
        for (Word other : {kVersion, kFeatures + 1, Word{0}, kFeatures | Word{1} << 40, ~Word{0}}) {
            EXPECT_ERROR(smc(cap, other), seL4_IllegalOperation);
        }
        // The length is looked at first.
        EXPECT_ERROR(invoke(cap, seL4_ARMSMCCall, {}, {kVersion, 1, 2, 3, 4, 5, 6}), seL4_TruncatedMessage);
        if (has_firmware()) {
            Result answer = smc(cap, kFeatures, kVersion);
            EXPECT_OK(answer);
            EXPECT_EQ(answer.word(0), 0u);
        }
    }
    // All 64 bits of the badge count.
    CPtr wide = t.mint(kSmc, kFeatures | Word{1} << 40);
    EXPECT_ERROR(smc(wide, kFeatures), seL4_IllegalOperation);
}

KOS_TEST(smc_badge_is_given_once) {
    CPtr badged = t.mint(kSmc, kVersion);
    for (Word badge : {kVersion, kFeatures, Word{0}}) {
        EXPECT_ERROR(cnode_mint(root_slot(t.slot()), root_slot(badged), seL4_AllRights, badge), seL4_IllegalOperation);
    }
    CPtr copy = t.copy(kSmc);
    EXPECT_ERROR(cnode_mutate(root_slot(t.slot()), root_slot(copy), kVersion), seL4_IllegalOperation);
    // Without a badge it is as good as the original.
    CPtr zero = t.mint(kSmc, 0);
    CPtr again = t.mint(zero, kFeatures);
    EXPECT_ERROR(smc(again, kVersion), seL4_IllegalOperation);
}

KOS_TEST(smc_revoke) {
    CPtr copy = t.copy(kSmc);
    CPtr from_copy = t.mint(copy, kVersion);
    CPtr badged = t.mint(kSmc, kVersion);
    CPtr same = t.mint(kSmc, kVersion);
    CPtr other = t.mint(kSmc, kFeatures);
    CPtr child = t.copy(badged);
    // A copy is nobody's parent; a capability with a badge is the parent of its copies.
    EXPECT_OK(cnode_revoke(root_slot(copy)));
    EXPECT_TRUE(holds_cap(t, from_copy));
    EXPECT_OK(cnode_revoke(root_slot(badged)));
    EXPECT_FALSE(holds_cap(t, child));
    for (CPtr left : {badged, copy, from_copy, same, other}) {
        EXPECT_TRUE(holds_cap(t, left));
    }
    EXPECT_OK(cnode_revoke(root_slot(kSmc)));
    for (CPtr gone : {badged, copy, from_copy, same, other}) {
        EXPECT_FALSE(holds_cap(t, gone));
    }
    EXPECT_TRUE(holds_cap(t, kSmc));
}

KOS_TEST(smc_capability_cannot_be_received_from) {
    BareThread thread;
    ASSERT_TRUE(thread.create(t));
    EXPECT_OK(thread.start_syscall({.x0 = kSmc, .x7 = static_cast<Word>(int64_t{seL4_SysNBWait})}));
    MessageCopy fault = thread.take();
    EXPECT_EQ(fault.label(), Word{seL4_Fault_CapFault});
    EXPECT_EQ(fault.word(seL4_CapFault_Addr), Word{kSmc});
    EXPECT_EQ(fault.word(seL4_CapFault_LookupFailureType), Word{seL4_MissingCapability});
}

KOS_TEST(smc_by_send_gives_no_answer) {
    if (!has_firmware()) {
        KOS_SKIP("no firmware behind smc");
    }
    ipc_buffer()->msg[4] = 77;
    Words words{{kVersion, 1, 2, 3}};
    SyscallRegisters r{
        kSmc, Tag::make(seL4_ARMSMCCall + label_shift, 8).word, words.w[0], words.w[1], words.w[2], words.w[3],
        0,    static_cast<Word>(int64_t{seL4_SysSend}),         0};
    svc(r);
    EXPECT_EQ(r.x2, kVersion);
    EXPECT_EQ(ipc_buffer()->msg[4], 77u);
}
