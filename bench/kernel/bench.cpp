// Running and reporting of rows (bench.h).
#include "bench.h"

#include <kos/roottask/bootargs.h>
#include <kos/roottask/console.h>

namespace kos::bench {

using namespace roottask;
using namespace sel4;

namespace {

constexpr Word kArenaBits = 25;
constexpr Word kArenaSlots = 8000;
constexpr Word kDefaultPasses = 2000;

bool starts_with(const char* text, const char* prefix) {
    while (*prefix != '\0' && *text == *prefix) {
        ++text;
        ++prefix;
    }
    return *prefix == '\0';
}

}  // namespace

bool Row::check(bool holds, const char* what) {
    if (!holds && failure_ == nullptr) {
        failure_ = what;
    }
    return holds;
}

CPtr Row::make(Word type, Word size_bits) {
    CPtr made = arena_.make(type, size_bits);
    check(made != kNullCap, "the arena could not make an object");
    return made;
}

void Row::result(uint64_t ticks, uint64_t passes, uint64_t user_instructions) {
    const uint64_t total = ticks * instructions_per_tick();
    const uint64_t user = user_instructions * passes;
    if (check(total > user, "more user instructions counted than all instructions measured")) {
        result_exact((total - user + passes / 2) / passes);
        measured_passes_ = passes;
    }
}

void Row::result_exact(uint64_t instructions) {
    value_ = instructions;
    measured_ = true;
}

Bench::Bench(RootTask& root) : passes_(bootargs_number("passes", kDefaultPasses)) {
    bootargs_text("rows", prefix_, sizeof(prefix_));
    bootargs_text("row", only_, sizeof(only_));
    if (!sched_control_configure(root.boot_info->schedcontrol.start, seL4_CapInitThreadSC, kLongBudget).ok() ||
        !tcb_set_priority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, kPriority).ok()) {
        KOS_FATAL("could not set budget and priority");
    }
    if (!other_.create(root.allocator).ok() || !root.allocator.make_arena(kArenaBits, kArenaSlots, arena_)) {
        KOS_FATAL("no memory for rows");
    }
    check_counter();
}

// Without -icount the counter says nothing about instructions.
void Bench::check_counter() {
    constexpr uint64_t kPasses = 80000;
    const uint64_t start = counter_ticks();
    kos_loop_empty(kPasses);
    const uint64_t counted = (counter_ticks() - start) * instructions_per_tick();
    const uint64_t expected = kPasses * kos_loop_empty_instructions;
    if (counted < expected || counted > expected + 64) {
        print("{} instructions took {} ns of the counter\n", expected, counted);
        KOS_FATAL("the counter does not count instructions: QEMU needs -icount shift=0");
    }
}

bool Bench::begin(const char* name, Row& row) {
    const bool chosen = only_[0] == '\0' || (starts_with(name, only_) && starts_with(only_, name));
    if (!chosen || !starts_with(name, prefix_)) {
        return false;
    }
    print("# {}\n", name);
    row.arena_ = arena_;
    row.passes_ = passes_;
    return true;
}

void Bench::end(const char* name, Row& row) {
    row.check(row.measured_, "the row has no result");
    Text<512> json;
    if (row.failure_ != nullptr) {
        ++failed_;
        format(json, "{{\"test\":\"{}\",\"result\":\"fail\",\"detail\":\"", name);
        put_json_escaped(json, row.failure_);
        json.put("\"}");
    } else {
        ++measured_;
        format(json, "{{\"row\":\"{}\",\"value\":{},\"unit\":\"instructions\",\"passes\":{}}", name, row.value_,
               row.measured_passes_);
    }
    put_record(json.text());
    row.arena_.free_all();
    reset_thread_memory();
}

void Bench::finish() {
    Text<128> json;
    const bool good = failed_ == 0 && measured_ > 0;
    format(json, "{{\"verdict\":\"{}\",\"rows\":{},\"failed\":{}}", good ? "pass" : "fail", measured_, failed_);
    put_record(json.text());
}

CallRegisters staged(CPtr object, Word label, std::initializer_list<CPtr> caps, std::initializer_list<Word> words) {
    Words registers;
    const Tag tag = stage_invocation(label, caps, words, registers);
    return CallRegisters{object, tag.word, {registers.w[0], registers.w[1], registers.w[2], registers.w[3]}};
}

OneCall repeat(Row& row, Word passes, const CallRegisters& invocation) {
    OneCall call{.in = invocation, .x7 = number(seL4_SysCall), .passes = passes};
    kos_loop_one(&call);
    row.check(Tag{call.or_tag}.label() == seL4_NoError, "every invocation succeeds");
    row.result(call.ticks, passes, kos_loop_one_instructions);
    return call;
}

void repeat(Row& row, Word passes, const CallRegisters& first, const CallRegisters& second) {
    TwoCalls calls{.first = first,
                   .first_x7 = number(seL4_SysCall),
                   .second = second,
                   .second_x7 = number(seL4_SysCall),
                   .passes = passes};
    kos_loop_two(&calls);
    row.check(Tag{calls.or_first_tag}.label() == seL4_NoError, "every first invocation succeeds");
    row.check(Tag{calls.or_second_tag}.label() == seL4_NoError, "every second invocation succeeds");
    row.result(calls.ticks, passes, kos_loop_two_instructions);
}

}  // namespace kos::bench
