// The loop, and what becomes of each kind of fault (sel4-abi: fault messages of seL4 16.0.0, AArch64).
#include "platform/server.h"

#include "platform/network.h"
#include "shim/layout.h"
#include "shim/vdso_data.h"
#include "signal/signals.h"
#include "task/futex.h"
#include "task/start.h"

#include <kos/app.h>
#include <kos/log.h>
#include <kos/mem.h>
#include <kos/random.h>
#include <kos/root.h>
#include <kos/time.h>

#include <stdio.h>
#include <string.h>

#include <algorithm>

namespace kos::lx {

using namespace sel4;

namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Word kCallRegisters = 12;
constexpr Word kGo = 0, kStay = 1;  // labels of answers to faults
enum FaultLabel : Word { kCapFault = 1, kUnknownSyscall = 2, kUserException = 3, kVmFault = 6 };

// 2^32 * nanoseconds per tick, as the shim has it: both must give the same time.
uint64_t multiplier(uint64_t hz) { return (static_cast<uint64_t>(kSecond) << 32) / hz; }

Nanoseconds to_ns(uint64_t ticks, uint64_t hz) {
    unsigned __int128 const product = static_cast<unsigned __int128>(ticks) * multiplier(hz);
    return static_cast<Nanoseconds>(product >> 32);
}

uint64_t to_ticks(Nanoseconds ns, uint64_t hz) {
    uint64_t const second = static_cast<uint64_t>(kSecond), value = static_cast<uint64_t>(ns);
    // Rounded up, also by what the multiplier is rounded down: never before its time.
    auto const up = [&](uint64_t of) { return of / second * hz + (of % second * hz + second - 1) / second; };
    uint64_t const ticks = up(value);
    Nanoseconds const missing = ns - to_ns(ticks, hz);
    return missing > 0 ? ticks + up(static_cast<uint64_t>(missing)) + 1 : ticks;
}

template <class T>
void store(std::byte* data, size_t offset, T value) {
    __atomic_store_n(reinterpret_cast<T*>(data + offset), value, __ATOMIC_RELAXED);
}

}  // namespace

Nanoseconds KosTime::monotonic() { return to_ns(kos_time_ticks(), kos_time_hz()); }

Nanoseconds KosTime::realtime_offset() {
    if (has_offset_) return offset_;
    // As long as nobody knows the time, each question is a call of the timer; datagrams that arrive ask for each.
    Nanoseconds const now = monotonic();
    if (now < ask_again_) return offset_;
    ask_again_ = now + kAskAgain;
    uint64_t wall = 0;
    if (kos_status_is_ok(kos_time_wall_ns(&wall))) set_realtime_offset(static_cast<Nanoseconds>(wall) - monotonic());
    return offset_;
}

void KosTime::set_realtime_offset(Nanoseconds offset) {
    offset_ = offset;
    has_offset_ = true;
    publish();
}

void KosTime::show(Ref<Frame> shim_data) {
    shim_data_ = std::move(shim_data);
    publish();
    (void)realtime_offset();
}

// Readers begin again if the sequence was odd or another before than after (shim.S).
void KosTime::publish() {
    if (!shim_data_) return;
    std::byte* const data = shim_data_->data();
    store(data, VDSO_SEQUENCE, ++sequence_);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    store(data, VDSO_MULTIPLIER, multiplier(kos_time_hz()));
    store(data, VDSO_REALTIME_OFFSET, offset_);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    store(data, VDSO_SEQUENCE, ++sequence_);
}

void KosTime::set_alarm(Nanoseconds when) {
    uint64_t const ticks = when == kNever ? 0 : when <= 0 ? 1 : to_ticks(when, kos_time_hz());
    (void)kos_time_alarm(kAlarmBit, ticks);
}

KosServer::KosServer(const kos_startup_t& startup)
    : startup_(startup),
      frames_(startup.kernel.vspace),
      reply_(*reinterpret_cast<const uint64_t*>(reinterpret_cast<uintptr_t>(&startup) + startup.replies.offset)) {}

Status KosServer::initialise() {
    // The first CNode for slots: before memory is split up, which takes some.
    KOS_TRY(CPtr const slot, Objects::take_slot());
    Objects::give_slot(slot);
    KOS_TRY_STATUS(make_gate());
    KOS_TRY_STATUS(make_endpoint());
    KOS_TRY(port_, Objects::copy_to_top(port_, KOS_TOP_ENTRY_PROGRAMS));
    KOS_TRY(reply_, Objects::copy_to_top(reply_, KOS_TOP_ENTRY_REPLY));
    return load_shim();
}

// A domain that serves ports receives the calls of its clients in a thread of their own (platform/ports.h), so the
// faults of its programs go to an endpoint of their own, with a reply object of its own: root's are for clients, whom
// root answers when the domain ends.
Status KosServer::make_endpoint() {
    programs_ = Objects::kernel().endpoint;
    if (startup_.ports.count == 0) return {};
    KOS_TRY(Objects::Object const endpoint, Objects::make(seL4_EndpointObject, 0, seL4_EndpointBits));
    KOS_TRY(Objects::Object const reply, Objects::make(seL4_ReplyObject, 0, seL4_ReplyBits));
    SlotPath const receive = Objects::path(KOS_SLOT_PROGRAMS);
    if (!cnode_mint(receive, Objects::path(endpoint.cap), seL4_CanRead, 0).ok()) return Errno::kENOMEM;
    programs_ = endpoint.cap;
    reply_ = reply.cap;
    port_ = KOS_SLOT_PROGRAMS;
    return {};
}

Status KosServer::start_ports() {
    native_ports_ = std::make_unique<NativePorts>(startup_);
    KOS_TRY_STATUS(native_ports_->initialise());
    ports_ = std::make_unique<KosPorts>(*system_, *native_ports_, NativePorts::limits());
    native_ports_->set_hub(*ports_);
    rings_ = std::make_unique<NativeStreams>(startup_);
    streams_ = std::make_unique<KosStreams>(*system_, *rings_);
    system_->streams = streams_.get();
    return mount_kos(*system_, *ports_);
}

// Each thread has a CNode with one capability, by which it calls the server, behind a guard that fills its address up.
// Who knew the address could also send, to which there is no answer, and the server would stand there without time. So
// nobody does: the only instructions that load it can be executed and not read, end in the call, and lose it there.
Status KosServer::make_gate() {
    constexpr unsigned kGuardBits = 64 - kCSpaceBits, kRandomBits = 54;
    uint64_t secret = 0;
    KOS_TRY_STATUS(random(&secret, sizeof secret));
    // Not canonical: no address of a program, nor a small number, positive or negative.
    secret = (secret & ((uint64_t{1} << kRandomBits) - 1)) | uint64_t{1} << (kRandomBits + 2);
    guard_ = secret << 6 | kGuardBits;
    uint64_t const address = secret << (64 - kGuardBits);
    uint32_t words[kGateBytes / 4];
    constexpr uint32_t kMovzX0 = 0xd280'0000, kMovkX0 = 0xf280'0000, kCallX7 = 0x9280'0007, kSvc = 0xd400'0001,
                       kBrX17 = 0xd61f'0220;
    for (unsigned i = 0; i < 4; ++i) {
        words[i] = (i == 0 ? kMovzX0 : kMovkX0) | i << 21 | static_cast<uint32_t>(address >> 16 * i & 0xffff) << 5;
    }
    words[kGateCall / 4 - 1] = kCallX7;
    words[kGateCall / 4] = kSvc;
    words[kGateBack / 4] = kBrX17;
    KOS_TRY(gate_, frames_.allocate());
    memcpy(gate_->data(), words, sizeof words);
    return {};
}

extern "C" const std::byte kos_linux_shim_start[], kos_linux_shim_end[];

Status KosServer::load_shim() {
    auto const bytes = static_cast<size_t>(kos_linux_shim_end - kos_linux_shim_start);
    for (size_t at = 0; at < kShimBytes; at += kPageBytes) {
        KOS_TRY(Ref<Frame> frame, frames_.allocate());
        if (at < bytes && at < kShimCodeBytes)
            memcpy(frame->data(), kos_linux_shim_start + at, std::min(kPageBytes, bytes - at));
        shim_.push_back(std::move(frame));
    }
    set_futex_counts(reinterpret_cast<uint32_t*>(shim_[kShimFutexes / kPageBytes]->data()));
    time_.show(shim_[kShimCodeBytes / kPageBytes]);
    return {};
}

Result<std::unique_ptr<MachineThread>> KosServer::make_thread(Thread& thread, AddressSpace& memory) {
    KOS_TRY(std::unique_ptr<KosThread> made,
            KosThread::create(*this, thread, static_cast<KosSpace&>(memory.machine())));
    return std::unique_ptr<MachineThread>(std::move(made));
}

Result<std::unique_ptr<MachineSpace>> KosServer::make_space() {
    KOS_TRY(std::unique_ptr<KosSpace> made, KosSpace::create(*gate_));
    return std::unique_ptr<MachineSpace>(std::move(made));
}

Status KosServer::random(void* bytes, size_t count) {
    return kos_status_is_ok(kos_random(bytes, count)) ? Status() : Status(Errno::kEIO);
}

void KosServer::report(const char* text) { kos_log_warning("%s", text); }

void KosServer::trace(const char* text) { write_to_console(text); }

void KosServer::end(int status) {
    // The last words of a program that ends.
    if (streams_ && streams_->owes_wake()) streams_->wake_peers();
    if (system_) network_settle(*system_, nullptr, true);
    kos_app_exit(status == 0 ? 0 : 1);
}

// Half of what the domain has beside its programs' memory: the server itself needs the rest.
size_t KosServer::network_memory() {
    constexpr uint64_t kLeast = 256 << 10, kMost = 12 << 20;
    kos_mem_status_t quota{};
    if (!kos_status_is_ok(kos_mem_status(&quota)) || quota.quota_bytes < quota.used_bytes) return kLeast;
    return std::clamp((quota.quota_bytes - quota.used_bytes) / 2, kLeast, kMost);
}

uint64_t KosServer::badge_of(const Thread& thread) const {
    return uint64_t{startup_.domain} << KOS_BADGE_DOMAIN_SHIFT | static_cast<uint64_t>(thread.tid);
}

void KosServer::add(KosThread& thread) {
    threads_[static_cast<uint64_t>(thread.thread().tid)] = &thread;
    ++threads_on_core_[thread.core()];
}

void KosServer::remove(KosThread& thread) {
    auto const token = static_cast<uint64_t>(thread.thread().tid);
    threads_.erase(token);
    if (recent_[token % kRecent] == &thread) recent_[token % kRecent] = nullptr;
    --threads_on_core_[thread.core()];
    if (current_ == &thread) current_ = nullptr;
}

void KosServer::bury(const Objects::Object& tcb, const Objects::Object& time, const Objects::Object& cspace, CPtr fault,
                     unsigned core) {
    graves_.push_back({tcb, time, cspace, fault, core});
}

// Its own time is the domain's again here: nobody's that is being buried.
void KosServer::empty_graves() {
    for (Grave& grave : graves_) {
        Objects::destroy(grave.tcb);
        Objects::destroy(grave.cspace);
        if (grave.fault) {
            cnode_delete(Objects::path(grave.fault));
            Objects::give_slot(grave.fault);
        }
        if (grave.time.is_made()) spare_time_[grave.core].push_back(grave.time);
    }
    graves_.clear();
}

unsigned KosServer::choose_core(uint64_t cores) const {
    unsigned best = 0;
    unsigned least = ~0u;
    for (unsigned core = 0; core < startup_.cores && core < kCoresMax; ++core) {
        if (!(cores >> core & 1) || threads_on_core_[core] >= least) continue;
        best = core;
        least = threads_on_core_[core];
    }
    return best;
}

Result<Objects::Object> KosServer::take_time(unsigned core) {
    if (!spare_time_[core].empty()) {
        Objects::Object const spare = spare_time_[core].back();
        spare_time_[core].pop_back();
        (void)sched_context_consumed(spare.cap);  // what the last thread used is not the next one's
        return spare;
    }
    KOS_TRY(Objects::Object const made,
            Objects::make(seL4_SchedContextObject, seL4_MinSchedContextBits, seL4_MinSchedContextBits));
    uint64_t words[4] = {made.cap, core, 0, 0};
    if (!kos_status_is_ok(kos_root_request(KOS_ROOT_TIME_GIVE, words))) return Errno::kENOMEM;
    return made;
}

// Root has lent the server time, and it is to go back.
inline bool KosServer::owes_time() const {
    const kos_life_t* const life = reinterpret_cast<const kos_life_t*>(startup_.life_page);
    return __atomic_load_n(&life->loans, __ATOMIC_RELAXED) & 1;
}

Message KosServer::receive() {
    kos_life_t* const life = reinterpret_cast<kos_life_t*>(startup_.life_page);
    if (!is_ready_) {
        is_ready_ = true;
        __atomic_store_n(&life->state, KOS_LIFE_READY, __ATOMIC_RELEASE);
        return nb_send_recv(KOS_SLOT_REPORT, Tag::make(KOS_REPORT_READY, 1), Words{}, port_, reply_);
    }
    if (owes_time()) {
        return nb_send_recv(KOS_SLOT_REPORT, Tag::make(KOS_REPORT_RETURN, 1), Words{}, port_, reply_);
    }
    return recv(port_, reply_);
}

Message KosServer::answer_and_receive() {
    KosThread* const thread = std::exchange(current_, nullptr);
    Tag tag = Tag::make(kStay, 0);
    Words words;
    if (thread && thread->answer() == KosThread::Answer::kResult) {
        // Nine words: x0 to x7 and where to go on.
        constexpr Word kWords = 9;
        const seL4_UserContext& context = thread->context();
        words = {{static_cast<Word>(thread->result()), context.x1, context.x2, context.x3}};
        seL4_IPCBuffer* const buffer = ipc_buffer();
        buffer->msg[4] = context.x4;
        buffer->msg[5] = context.x5;
        buffer->msg[6] = context.x6;
        buffer->msg[7] = thread->has_saved_x7 ? thread->saved_x7 : context.x7;
        buffer->msg[8] = context.pc + 4;
        thread->has_saved_x7 = false;
        tag = Tag::make(kGo, kWords);
    } else if (thread && thread->answer() == KosThread::Answer::kContinue) {
        thread->write_registers_if_loaded();
        tag = Tag::make(kGo, 0);
    }
    if (thread && thread->answer() != KosThread::Answer::kStop) thread->answered();
    if (!graves_.empty() || !moves_.empty()) signal(KOS_SLOT_NOTIFICATION);
    if (owes_time()) {
        reply(reply_, tag, words);
        return receive();
    }
    return reply_recv(port_, reply_, tag, words);
}

inline KosThread* KosServer::find(uint64_t token) {
    KosThread*& recent = recent_[token % kRecent];
    if (recent && static_cast<uint64_t>(recent->thread().tid) == token) return recent;
    auto const found = threads_.find(token);
    return found == threads_.end() ? nullptr : recent = found->second;
}

// By the gate, with anything in it, as long as it is jumped to by itself. Most calls come this way and most of them are
// short, so what is on it is inline, and looks once.
inline void KosServer::handle_message_call(const Message& message) {
    Thread& caller = current_->thread();
    current_->begin_message_call(message.words[0]);
    // Until it is answered: who has a signal for it must not stop it.
    caller.state = ThreadState::kInCall;
    Word const number = message.label();
    const SystemCall* const call = number < kMessageCallNumbers ? message_calls_[number] : nullptr;
    message_result_ = -static_cast<int64_t>(Errno::kENOSYS);
    is_message_over_ = true;
    if (!call || message.length() != kCallWords) return;
    caller.call_number = static_cast<unsigned>(number);
    for (unsigned i = 0; i < 6; ++i) caller.call_arguments[i] = i < kCallWords ? message.words[i] : 0;
    // Who looks on sees all calls made as faults.
    is_message_over_ = !system_->is_traced && execute_message_call(caller, *call, message_result_);
}

// Two words at most: x0, and the number of the trap that follows if there is one (shim.S).
inline void KosServer::answer_message_call_and_receive(Message& message) {
    Tag tag = Tag::make(kStay, 0);
    Words words;
    if (KosThread* const thread = std::exchange(current_, nullptr)) {
        Thread& caller = thread->thread();
        MessageAnswer const answer = end_message_call(caller, is_message_over_);
        words.w[0] = answer == MessageAnswer::kGoOn ? thread->context().x0 : static_cast<Word>(message_result_);
        if (answer == MessageAnswer::kResult) {
            tag = Tag::make(kGo, 1);
        } else {
            tag = Tag::make(kStay, 2);
            words.w[1] = answer == MessageAnswer::kFinish ? kCallFinish
                         : is_unfinished(caller)          ? kCallGoOn
                                                          : caller.call_number;
        }
        thread->answered();
    }
    if (!graves_.empty() || !moves_.empty()) signal(KOS_SLOT_NOTIFICATION);
    if (owes_time()) {
        reply(reply_, tag, words);
        message = receive();
    } else {
        message = reply_recv(port_, reply_, tag, words);
    }
}

inline bool KosServer::has_more_to_do() const {
    return system_->has_ready() || ports_->has_work() || streams_->has_work() || streams_->owes_wake() ||
           network_is_unsettled(*system_);
}

void KosServer::run() {
    Message message = receive();
    for (;;) {
        if (message.badge & KOS_BADGE_NOTIFICATION) {
            handle_signals(message.badge);
            settle();
            message = receive();
            continue;
        }
        current_ = find(message.badge & KOS_BADGE_TOKEN_MASK & ~kMessageBadge);
        if (current_ && message.badge & kMessageBadge) {
            handle_message_call(message);
            if (has_more_to_do()) settle();
            answer_message_call_and_receive(message);
        } else {
            // Without a thread: it ended while its fault was on the way, and stays stopped.
            if (current_) handle_fault(message);
            settle();
            message = answer_and_receive();
        }
    }
}

// Everything that has become possible. Ports, streams and threads make work for each other; not without end on one
// caller's time.
void KosServer::settle() {
    constexpr unsigned kTurns = 4;
    system_->run_ready();
    auto const has_work = [this] { return ports_->has_work() || streams_->has_work(); };
    for (unsigned turn = 0; turn < kTurns && has_work(); ++turn) {
        if (ports_->has_work()) ports_->run();
        if (streams_->has_work()) streams_->run();
        system_->run_ready();
    }
    if (has_work()) signal(KOS_SLOT_NOTIFICATION);
    // With one core the other side can do nothing before this one's programs are through; with several, at once.
    bool const at_once = startup_.cores > 1;
    if (streams_->owes_wake() && (at_once || !is_program_running())) streams_->wake_peers();
    network_settle(*system_, runner(), at_once);
}

// Who goes on after this: the caller, or else whom the signal has woken.
const Thread* KosServer::runner() {
    const Thread* const resumed = system_->take_resumed();
    if (!current_) return resumed;
    return is_caller_running() ? &current_->thread() : nullptr;
}

// One that has called by message goes on in any case (answer_message_call).
bool KosServer::is_caller_running() const {
    return current_ && (current_->is_by_message() || current_->thread().state == ThreadState::kRunning);
}

bool KosServer::is_program_running() const {
    if (is_caller_running()) return true;
    return std::any_of(threads_.begin(), threads_.end(),
                       [](const auto& entry) { return entry.second->thread().state == ThreadState::kRunning; });
}

void KosServer::moved(unsigned from, unsigned to) {
    --threads_on_core_[from];
    ++threads_on_core_[to];
}

void KosServer::handle_signals(uint64_t badge) {
    empty_graves();
    for (const Ref<Thread>& thread : std::exchange(moves_, {})) {
        if (thread->state != ThreadState::kRunning || !thread->machine) continue;
        auto& machine = static_cast<KosThread&>(*thread->machine);
        machine.set_affinity(machine.wanted_cores());
        machine.resume();
    }
    if (badge & KOS_SIGNAL_HEALTH) kos_app_alive();
    native_ports_->collect();
    if (badge & KOS_SIGNAL_QUEUE) native_ports_->take_casts();
    if (badge & KOS_SIGNAL_STOP) {
        SignalInfo const info = kernel_signal(kSIGTERM);
        if (Process* const first = system_->find_process(1)) send_signal(*first, info);
    }
    if (badge & KOS_SIGNAL_CONSOLE) console_signalled();
    if (badge & KOS_SIGNAL_DOMAINS) ports_->notice("appman");
    if (badge & rings_->signals()) streams_->signalled();
    if (badge & network_signals()) network_signalled(*system_);
    if (badge & KOS_SIGNAL_ALARM) {
        (void)kos_time_alarm_bits();
        system_->timers.expire();
    }
}

void KosServer::handle_fault(const Message& message) {
    switch (message.label()) {
        case kUnknownSyscall: return handle_call(message);
        case kCapFault: return handle_capability_fault();
        case kVmFault: return handle_page_fault(message);
        case kUserException: return handle_exception(message);
        default: return;
    }
}

// The call may take away what the shim has stored below the stack pointer: the thread must not need it any more.
bool takes_stack(const Thread& thread, uint64_t sp) {
    enum : unsigned { kBrk = 214, kMunmap = 215, kMremap = 216, kMmap = 222, kMprotect = 226, kMadvise = 233 };
    const uint64_t* const words = thread.call_arguments;
    uint64_t const stored = sp - kShimStackBytes;
    auto const overlaps = [&](uint64_t start, uint64_t bytes) {
        return start < sp && bytes > 0 && start + page_up(bytes) > stored;
    };
    switch (thread.call_number) {
        case kBrk: return words[0] < sp;
        case kMunmap:
        case kMprotect:
        case kMadvise: return overlaps(words[0], words[1]);
        case kMremap: return overlaps(words[0], words[1]) || overlaps(words[4], words[2]);
        case kMmap: return words[3] & (kMAP_FIXED | kMAP_FIXED_NOREPLACE) && overlaps(words[0], words[1]);
        default: return false;
    }
}

// By the shim the call comes with all that is needed; from elsewhere (code that was not rewritten) without its number.
void KosServer::handle_call(const Message& message) {
    enum : unsigned { kIp = 8, kNumber = 12 };
    Thread& caller = current_->thread();
    if (message.word(kIp) == caller.process.memory->shim + kShimTrap) {
        current_->begin_stub_call(message);
        auto const number = static_cast<unsigned>(message.word(kNumber));
        if (number == kCallGoOn && is_unfinished(caller)) return go_on(caller);
        caller.call_number = number;
        for (unsigned i = 0; i < 6; ++i) caller.call_arguments[i] = message.word(i);
        if (takes_stack(caller, current_->context().sp)) current_->load();
        return system_->execute_call(caller);
    }
    seL4_UserContext context{};
    if (!tcb_read_registers(current_->tcb(), Suspend::kNo, kCallRegisters, context).ok()) return;
    current_->begin_call(context);
    Thread& thread = current_->thread();
    thread.call_number = static_cast<unsigned>(context.x8);
    uint64_t const arguments[] = {context.x0, context.x1, context.x2, context.x3, context.x4, context.x5};
    memcpy(thread.call_arguments, arguments, sizeof arguments);
    system_->execute_call(thread);
}

// x7 happened to hold a number of the kernel's own calls, and the CSpace has stopped it. The program makes its call
// again with a harmless x7, which comes back with the result.
void KosServer::handle_capability_fault() {
    constexpr Word kToX7 = 11;
    seL4_UserContext context{};
    if (!tcb_read_registers(current_->tcb(), Suspend::kNo, kToX7, context).ok()) return;
    current_->begin_fault();
    current_->has_saved_x7 = true;
    current_->saved_x7 = context.x7;
    context.x7 = 0;
    tcb_write_registers(current_->tcb(), Resume::kNo, kToX7, context);
    current_->resume();
}

// The shim could not store below the stack pointer, or not read or write what the call's arguments point to: the call
// itself decides.
bool KosServer::call_instead(uint64_t ip) {
    Thread& thread = current_->thread();
    if (!current_->is_in_shim_call(ip) && !thread.process.memory->stub_at(ip)) return false;
    if (!current_->begin_call_instead()) return false;
    if (is_unfinished(thread)) {
        go_on(thread);
        return true;
    }
    thread.call_number = static_cast<unsigned>(thread.registers.x[8]);
    memcpy(thread.call_arguments, thread.registers.x, sizeof thread.call_arguments);
    system_->execute_call(thread);
    return true;
}

void KosServer::handle_page_fault(const Message& message) {
    constexpr Word kWrite = 1 << 6, kStatusMask = 0x3f, kAlignment = 0x21;
    constexpr int kBusAlignment = 1, kBusAddress = 2;
    uint64_t const ip = message.word(0), address = message.word(1);
    bool const is_fetch = message.word(2) != 0;
    Word const syndrome = message.word(3);
    current_->begin_fault();
    Thread& thread = current_->thread();
    if ((syndrome & kStatusMask) == kAlignment) return system_->fault(thread, kSIGBUS, kBusAlignment, address);
    uint32_t const access = is_fetch ? kPROT_EXEC : syndrome & kWrite ? kPROT_WRITE : kPROT_READ;
    int code = 0;
    Status const done = thread.process.memory->fault(address, access, code);
    if (!done.ok() && done.error() != Errno::kENOMEM && call_instead(ip)) return;
    switch (done.error()) {
        case Errno::kOK: current_->resume(); return;
        case Errno::kEFAULT: return system_->fault(thread, kSIGSEGV, code, address);
        case Errno::kENOMEM: {
            char text[96];
            snprintf(text, sizeof text, "%s[%d] is killed: the domain's memory is used up",
                     thread.process.command.c_str(), thread.process.pid);
            report(text);
            send_signal(thread.process, kernel_signal(kSIGKILL));
            return system_->fault(thread, kSIGBUS, kBusAddress, address);
        }
        default: return system_->fault(thread, kSIGBUS, kBusAddress, address);
    }
}

void KosServer::handle_exception(const Message& message) {
    constexpr Word kClassShift = 26;
    constexpr Word kBreakpoint = 0x3c, kPcAlignment = 0x22, kSpAlignment = 0x26, kFloatingPoint = 0x2c;
    constexpr int kIllegalOpcode = 1, kTrapBreakpoint = 1, kBusAlignment = 1, kFpeInvalid = 7;
    uint64_t const ip = message.word(0);
    Word const kind = message.word(3) >> kClassShift & 0x3f;
    current_->begin_fault();
    Thread& thread = current_->thread();
    switch (kind) {
        case kBreakpoint: return system_->fault(thread, kSIGTRAP, kTrapBreakpoint, ip);
        case kPcAlignment:
        case kSpAlignment: return system_->fault(thread, kSIGBUS, kBusAlignment, ip);
        case kFloatingPoint: return system_->fault(thread, kSIGFPE, kFpeInvalid, ip);
        default: return system_->fault(thread, kSIGILL, kIllegalOpcode, ip);
    }
}

}  // namespace kos::lx
