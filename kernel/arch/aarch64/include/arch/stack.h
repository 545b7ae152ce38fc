// The stacks of a core, and the room in which a kernel exception leaves the registers.
#pragma once

#include "arch/context.h"

namespace keel {

struct alignas(4096) CoreStack {
    uint8_t guard[4096];             // not mapped: running over the stack is an exception
    uint8_t stack[KEEL_STACK_SIZE];  // grows down from ArchCpu::stack_top, the next member
    UserContext exception_context;   // entry.S, kernel_exception
    uint8_t padding[KEEL_EXCEPTION_CONTEXT_SIZE - sizeof(UserContext)];
    uint8_t exception_stack[KEEL_EXCEPTION_STACK_SIZE];
    uint8_t fill[4096 - KEEL_EXCEPTION_CONTEXT_SIZE];  // whole pages
};
static_assert(offsetof(CoreStack, exception_stack) == KEEL_CORE_STACK_TOP + KEEL_EXCEPTION_CONTEXT_SIZE);
static_assert(offsetof(CoreStack, exception_context) == KEEL_CORE_STACK_TOP);
static_assert(sizeof(CoreStack) == KEEL_CORE_STACK_BLOCK && sizeof(CoreStack) % 4096 == 0);

extern "C" CoreStack keel_core_stacks[];  // kernel_space.cpp

}  // namespace keel
