// Makes threads and moves their registers.
#include "platform/thread.h"

#include "platform/server.h"
#include "task/message_call.h"
#include "task/process.h"

#include <kos/root.h>

namespace kos::lx {

using namespace sel4;

namespace {

constexpr Word kCallRegisters = 12;  // pc, sp, spsr, x0..x8
constexpr Word kInstructionBytes = 4;

// What the shim answers getpid(2) and gettid(2) with.
Word numbers_of(const Thread& thread) {
    return static_cast<Word>(static_cast<uint32_t>(thread.process.pid)) << 32 | static_cast<uint32_t>(thread.tid);
}

void to_context(const Thread& thread, seL4_UserContext& to) {
    const Registers& from = thread.registers;
    to.pc = from.pc;
    to.sp = from.sp;
    to.spsr = from.pstate;
    Word* const low[] = {&to.x0,  &to.x1,  &to.x2,  &to.x3,  &to.x4,  &to.x5,  &to.x6,  &to.x7,
                         &to.x8,  &to.x9,  &to.x10, &to.x11, &to.x12, &to.x13, &to.x14, &to.x15,
                         &to.x16, &to.x17, &to.x18, &to.x19, &to.x20, &to.x21, &to.x22, &to.x23,
                         &to.x24, &to.x25, &to.x26, &to.x27, &to.x28, &to.x29, &to.x30};
    for (unsigned i = 0; i < 31; ++i) *low[i] = from.x[i];
    to.tpidr_el0 = from.tls;
    to.tpidrro_el0 = numbers_of(thread);
}

void from_context(const seL4_UserContext& from, Registers& to) {
    to.pc = from.pc;
    to.sp = from.sp;
    to.pstate = from.spsr;
    const Word low[] = {from.x0,  from.x1,  from.x2,  from.x3,  from.x4,  from.x5,  from.x6,  from.x7,
                        from.x8,  from.x9,  from.x10, from.x11, from.x12, from.x13, from.x14, from.x15,
                        from.x16, from.x17, from.x18, from.x19, from.x20, from.x21, from.x22, from.x23,
                        from.x24, from.x25, from.x26, from.x27, from.x28, from.x29, from.x30};
    for (unsigned i = 0; i < 31; ++i) to.x[i] = low[i];
    to.tls = from.tpidr_el0;
}

}  // namespace

Result<std::unique_ptr<KosThread>> KosThread::create(KosServer& server, Thread& thread, KosSpace& space) {
    Parts parts;
    parts.core = server.choose_core(thread.affinity);
    auto made = [&]() -> Status {
        KOS_TRY(parts.tcb, Objects::make(seL4_TCBObject, 0, seL4_TCBBits));
        KOS_TRY(parts.time, server.take_time(parts.core));
        KOS_TRY(parts.fault, Objects::take_slot());
        const auto& kernel = Objects::kernel();
        KOS_TRY(parts.cspace, Objects::make(seL4_CapTableObject, kCSpaceBits, kCSpaceBits + seL4_SlotBits));
        constexpr Word kRights = seL4_CanWrite | seL4_CanGrantReply;
        SlotPath const programs = Objects::path(server.programs());
        uint64_t const badge = server.badge_of(thread);
        bool const done =
            cnode_mint(Objects::path(parts.fault), programs, kRights, badge).ok() &&
            cnode_mint({parts.cspace.cap, 0, kCSpaceBits}, programs, kRights, badge | kMessageBadge).ok() &&
            tcb_configure(parts.tcb.cap, {parts.cspace.cap, server.guard(), space.vspace(), 0}, 0, 0).ok() &&
            tcb_set_sched_params(parts.tcb.cap, kernel.authority,
                                 {0, kernel.program_priority, parts.time.cap, parts.fault})
                .ok();
        return done ? Status() : Status(Errno::kENOMEM);
    }();
    auto result = std::unique_ptr<KosThread>(new KosThread(server, thread, parts));
    if (!made.ok()) return made.error();
    result->is_loaded_ = true;
    server.add(*result);
    return result;
}

KosThread::~KosThread() {
    if (!server_.is_waiting_for_answer(*this)) tcb_suspend(tcb());
    server_.remove(*this);
    // The server may be running on this very thread's time: what it is made of goes once that has been given back.
    server_.bury(objects_.tcb, objects_.time, objects_.cspace, objects_.fault, core_);
}

void KosThread::begin_call(const seL4_UserContext& context) {
    context_ = context;
    begin(Doing::kCall, false);
}

void KosThread::begin_stub_call(const Message& message) {
    enum : unsigned { kIp = 8, kSp = 9, kSpsr = 11 };
    context_.x0 = message.word(0);
    context_.x1 = message.word(1);
    context_.x2 = message.word(2);
    context_.x3 = message.word(3);
    context_.x4 = message.word(4);
    context_.x5 = message.word(5);
    context_.x6 = message.word(6);
    context_.x7 = message.word(7);
    context_.pc = message.word(kIp);
    context_.sp = message.word(kSp);
    context_.spsr = message.word(kSpsr);
    begin(Doing::kCall, false);
}

void KosThread::begin_fault() { begin(Doing::kFault, false); }

void KosThread::load() {
    if (is_loaded_) return;
    seL4_UserContext context{};
    if (!tcb_read_registers(tcb(), Suspend::kNo, seL4_UserContext_Words, context).ok()) return;
    from_context(context, thread_.registers);
    if (doing_ == Doing::kCall) thread_.registers.pc = context_.pc;
    Stub const stub = left_ = leave_stub();
    if (doing_ == Doing::kOutside && !is_by_message_ && is_unfinished(thread_)) {
        if (stub == Stub::kBeforeCall) {
            take_into_call();
        } else {
            forget_unfinished(thread_);
        }
        is_loaded_ = true;
        return;
    }
    if (doing_ == Doing::kCall) {
        if (stub != Stub::kNone)
            context_.pc = thread_.registers.pc - (stub == Stub::kAfterCall ? kInstructionBytes : 0);
        thread_.registers.pc = context_.pc + (is_again_ ? 0 : kInstructionBytes);
        if (has_saved_x7) thread_.registers.x[7] = saved_x7;
        if (!has_no_result_ && result_set_) thread_.registers.x[0] = static_cast<uint64_t>(result_);
    }
    is_loaded_ = true;
}

void KosThread::set_result(int64_t value) {
    if (has_no_result_) return;
    result_ = value;
    result_set_ = true;
    if (is_loaded_) thread_.registers.x[0] = static_cast<uint64_t>(value);
}

void KosThread::set_no_result() { has_no_result_ = true; }

void KosThread::set_again() {
    is_again_ = true;
    if (!is_loaded_) return;
    thread_.registers.pc = context_.pc;
    thread_.registers.x[0] = context_.x0;
}

void KosThread::interrupt() {
    if (server_.is_waiting_for_answer(*this)) {
        // Its call or fault is over, but it has not been told yet: it stands still, and its result stays.
        answer_ = Answer::kStop;
        return;
    }
    tcb_suspend(tcb());
    cpu_clock_.stopped();
    doing_ = Doing::kOutside;
    is_loaded_ = has_no_result_ = is_again_ = result_set_ = is_resumed_with_result_ = false;
}

// Its own next call ends what is asked here (System), so no other instruction has been executed if it is where it went
// on.
bool KosThread::take_back_result() {
    if (server_.is_waiting_for_answer(*this) || !std::exchange(is_resumed_with_result_, false)) return false;
    constexpr Word kToX0 = 4;
    seL4_UserContext now{};
    tcb_suspend(tcb());
    cpu_clock_.stopped();
    auto const read = tcb_read_registers(tcb(), Suspend::kNo, kToX0, now);
    bool const has_run = !read.ok() || now.pc != context_.pc + kInstructionBytes || now.sp != context_.sp ||
                         now.x0 != static_cast<Word>(result_);
    if (has_run) {
        tcb_resume(tcb());
        return false;
    }
    tcb_write_registers(tcb(), Resume::kNo, kToX0, context_);
    begin(Doing::kCall, false);
    return true;
}

void KosThread::resume() {
    if (server_.is_waiting_for_answer(*this)) {
        if (wanted_cores_) return server_.move_later(*this);
        bool const is_plain_result = doing_ == Doing::kCall && !is_loaded_ && !is_again_;
        answer_ = is_plain_result ? Answer::kResult : Answer::kContinue;
        return;
    }
    cpu_clock_.stopped();
    is_resumed_with_result_ = doing_ == Doing::kCall && !is_loaded_ && !is_again_ && !has_saved_x7;
    if (is_loaded_) {
        seL4_UserContext context{};
        to_context(thread_, context);
        tcb_write_registers(tcb(), Resume::kYes, seL4_UserContext_Words, context);
    } else if (doing_ == Doing::kCall) {
        resume_from_call();
    } else {
        tcb_resume(tcb());
    }
    answered();
}

// With what the call came with, but for these; which is kept (take_back_result), and not copied, being large.
void KosThread::resume_from_call() {
    constexpr Word kToX0 = 4;
    Word const pc = context_.pc, x0 = context_.x0;
    if (!is_again_) {
        context_.pc += kInstructionBytes;
        context_.x0 = static_cast<Word>(result_);
    }
    if (has_saved_x7) context_.x7 = saved_x7;
    tcb_write_registers(tcb(), Resume::kYes, has_saved_x7 ? kCallRegisters : kToX0, context_);
    has_saved_x7 = false;
    context_.pc = pc;
    context_.x0 = x0;
}

// Before an answer without words: the thread goes on with what its registers say then.
void KosThread::write_registers_if_loaded() {
    if (!is_loaded_) return;
    seL4_UserContext context{};
    to_context(thread_, context);
    tcb_write_registers(tcb(), Resume::kNo, seL4_UserContext_Words, context);
}

void KosThread::set_memory(AddressSpace& memory) {
    auto& space = static_cast<KosSpace&>(memory.machine());
    is_loaded_ = true;
    tcb_set_space(tcb(), objects_.fault, {objects_.cspace.cap, server_.guard(), space.vspace(), 0});
}

Nanoseconds KosThread::cpu_time() {
    constexpr Nanoseconds kPerMicrosecond = 1000;
    Nanoseconds const before = server_.time().monotonic();
    auto const used = sched_context_consumed(objects_.time.cap);
    Nanoseconds const charged = used.ok() ? static_cast<Nanoseconds>(used.word(0)) * kPerMicrosecond : 0;
    // The server runs on the time of the thread that waits for its answer.
    return cpu_clock_.look(before, charged, server_.time().monotonic(), server_.is_waiting_for_answer(*this));
}

void KosThread::set_affinity(uint64_t cores) {
    if (cores >> core_ & 1) return;
    unsigned const core = server_.choose_core(cores);
    uint64_t words[4] = {objects_.time.cap, core, 0, 0};
    // Not while the server runs on it, which would have to move itself: the thread is stopped first.
    if (server_.is_waiting_for_answer(*this)) {
        wanted_cores_ = cores;
        return;
    }
    wanted_cores_ = 0;
    if (!kos_status_is_ok(kos_root_request(KOS_ROOT_TIME_GIVE, words))) return;
    server_.moved(core_, core);
    core_ = core;
}

}  // namespace kos::lx
