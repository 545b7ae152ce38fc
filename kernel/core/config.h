// Build-time configuration of the kernel. KEEL_MAX_CORES and KEEL_DEBUG come from the build; everything else follows.
#pragma once

#include <sel4/config.h>

#include "arch/irq_config.h"
#include "core/types.h"

namespace keel {

constexpr unsigned kMaxCores = KEEL_MAX_CORES;
constexpr bool kSmp = kMaxCores > 1;
constexpr bool kDebugBuild = KEEL_DEBUG;

// The SMP variants have one domain and a schedule of two entries, as seL4's have.
constexpr unsigned kNumDomains = kSmp ? 1 : SEL4_NUM_DOMAINS;
// The last entry always ends the schedule: user level configures the ones before it.
constexpr unsigned kNumDomainSchedules = kSmp ? 2 : SEL4_NUM_DOMAIN_SCHEDULES;
constexpr unsigned kNumPriorities = SEL4_NUM_PRIORITIES;

// Longest time that the kernel assumes for one of its own runs; budgets are at least twice that.
constexpr Word kKernelWcetUs = SEL4_MIN_BUDGET_US / 2;
// Steps of long-running work between two looks for a waiting interrupt.
#ifndef KEEL_WORK_UNITS_PER_PREEMPTION_POINT
#define KEEL_WORK_UNITS_PER_PREEMPTION_POINT 64  // tests look after every step
#endif
constexpr unsigned kWorkUnitsPerPreemptionPoint = KEEL_WORK_UNITS_PER_PREEMPTION_POINT;
// Private interrupts exist once per core.
constexpr unsigned kNumIrqs = kMaxCores * kNumPrivateIrqs + (kMaxIrq + 1 - kNumPrivateIrqs);

}  // namespace keel
