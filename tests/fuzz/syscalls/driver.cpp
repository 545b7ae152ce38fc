// Steps of the driver (driver.h).
#include "driver.h"

#include <initializer_list>

#include "run.h"
#include "trace.h"

namespace fuzz {

using namespace kos::sel4;

namespace {

// Streams of random numbers are numbered by step; other uses have streams far above.
constexpr Word kHundred = 100;
constexpr Word kDrainPercent = 6;
constexpr Word kMessagePercent = 8;
constexpr Word kProbePercent = 4;
constexpr Word kProgramPercent = 22;
constexpr Word kServicePercent = 8;
constexpr Word kMutationPercent = 8;

// What a step was, for the digest.
enum class StepType : Word { kInvocation = 1, kMessage, kProgram, kProbe, kDrain, kInspection, kService };

Request request;
WorkerProgram worker_program;
Service service;

void wait_for_supervisor(DriverState state) {
    run().driver = state;
    wait(gate_cap(kGateControl));
}

// What a system call gave: the registers, and the message without what the kernel is free to choose.
struct Outcome {
    SyscallRegisters registers;
    Word length;
    Word words[seL4_MsgMaxLength];

    Tag tag() const { return Tag{registers.x1}; }
};

// Physical addresses are the kernel's choice; within the world's memory, offsets are not.
Word physical_offset(Word address) {
    Word offset = address - run().world_physical_base;
    return offset < run().world_bytes ? offset : address % kPageBytes;
}

void take_words(const Request& made, Outcome& outcome) {
    const SyscallRegisters& r = outcome.registers;
    const Word in_registers[] = {r.x2, r.x3, r.x4, r.x5};
    Tag tag = outcome.tag();
    bool invocation_ok = made.number == static_cast<Word>(int64_t{seL4_SysCall}) && tag.label() == seL4_NoError;
    bool varies = invocation_ok && answer_varies(made.label);
    outcome.length = tag.length() < seL4_MsgMaxLength ? tag.length() : seL4_MsgMaxLength;
    for (Word i = 0; i < outcome.length; ++i) {
        Word word = i < kRegisterWords ? in_registers[i] : ipc_buffer()->msg[i];
        if (varies) {
            word = made.label == seL4_ARMPageGetAddress && i == 0 ? physical_offset(word) : 0;
        }
        outcome.words[i] = word;
    }
}

void digest_outcome(const Outcome& outcome) {
    Digest& digest = run().digest;
    const SyscallRegisters& r = outcome.registers;
    digest.add(r.x0);
    digest.add(r.x1);
    for (Word i = 0; i < outcome.length; ++i) {
        digest.add(outcome.words[i]);
    }
    for (Word i = 0; i < seL4_MsgMaxExtraCaps; ++i) {
        if ((outcome.tag().caps_unwrapped() >> i & 1) != 0) {
            digest.add(ipc_buffer()->caps_or_badges[i]);
        }
    }
    digest.add(r.x6);
    digest.add(r.x7);
    digest.add(r.x8);
}

Outcome outcome;

const Outcome& carry_out(const Request& made) {
    outcome.registers = made.registers();
    made.store(*ipc_buffer());
    svc(outcome.registers);
    take_words(made, outcome);
    trace_answer(outcome.registers, outcome.words, outcome.length);
    digest_outcome(outcome);
    return outcome;
}

void count(Counters& counters, bool success) {
    ++counters.attempts;
    counters.successes += success ? 1 : 0;
}

// --- Steps

void invocation_step(Random& random) {
    Run& r = run();
    Word index = r.operations.choose(random, false);
    const Operation& operation = r.operations.at(index);
    Composer c(random, r.world, Space::kDriver, request);
    operation.compose(c);
    if (operation.mutable_ && random.percent(kMutationPercent)) {
        c.mutate();
    }
    r.digest.add(static_cast<Word>(StepType::kInvocation) | index << 8);
    trace_request(operation.name, request);
    const Outcome& answer = carry_out(request);
    bool ok = answer.tag().label() == seL4_NoError;
    count(r.operation_counters[index], ok);
    if (ok) {
        request.effect.apply(r.world);
    }
}

void message_step(Random& random) {
    Composer c(random, run().world, Space::kDriver, request);
    compose_message(c, false);
    run().digest.add(static_cast<Word>(StepType::kMessage));
    trace_request("message", request);
    const Outcome& answer = carry_out(request);
    count(run().message_counter, answer.registers.x0 != 0);
}

// Reads the registers of the thread in a slot. The words are the digest's, the pc is returned.
Word read_registers(Word slot) {
    Request& read = request;
    read.clear();
    read.target = world_cap(Space::kDriver, slot);
    read.label = seL4_TCBReadRegisters;
    read.length = 2;
    read.words[0] = 0;
    read.words[1] = seL4_UserContext_Words;
    return carry_out(read).words[0];
}

void digest_buffer(const seL4_IPCBuffer& buffer) {
    const auto* words = reinterpret_cast<const Word*>(&buffer);
    for (Word i = 0; i < sizeof(seL4_IPCBuffer) / sizeof(Word); ++i) {
        run().digest.add(words[i]);
    }
}

void store_program(Word worker, const WorkerProgram& made) {
    const Request& first = made.request;
    seL4_IPCBuffer& buffer = worker_buffer(worker);
    first.store(buffer);
    Request& write = request;
    write.clear();
    write.target = world_cap(Space::kDriver, kSlotThread + worker);
    write.label = seL4_TCBWriteRegisters;
    write.length = 2 + seL4_UserContext_Words;
    write.words[0] = 1;
    write.words[1] = seL4_UserContext_Words;
    const Word* all = &made.context.pc;
    for (Word i = 0; i < seL4_UserContext_Words; ++i) {
        write.words[2 + i] = all[i];
    }
}

void simple_invocation(CPtr target, Word label, std::initializer_list<CPtr> caps, std::initializer_list<Word> words) {
    Request& made = request;
    made.clear();
    made.target = target;
    made.label = label;
    for (CPtr cap : caps) {
        made.caps[made.cap_count++] = cap;
    }
    for (Word word : words) {
        made.words[made.length++] = word;
    }
    trace_request("service", made);
    carry_out(made);
}

// Undoes some of what has happened to a worker: spaces, domain, priority near the driver's, scheduling context.
void prepare_for_service(Random& random, Word worker) {
    Word slot = kSlotThread + worker;
    CPtr thread = world_cap(Space::kDriver, slot);
    CPtr sched_context = world_cap(Space::kDriver, kSlotSchedContext + worker);
    if (random.percent(50)) {
        simple_invocation(thread, seL4_TCBConfigure,
                          {root_cap(kRootWorldPlain), gate_cap(kGateWorkerVspace), gate_cap(kGateBuffers + worker)},
                          {guard_data(kDirectGuard, kDirectGuardBits), 0, buffer_address(worker)});
        run().world.set_space(worker, Space::kWorkerDirect);
    }
    if (random.percent(20)) {
        simple_invocation(gate_cap(kGateDomain), seL4_DomainSetSet, {thread}, {0});
    }
    if (random.percent(80)) {
        simple_invocation(thread, seL4_TCBSetPriority, {gate_cap(kGateDriver)},
                          {random.between(kDriverPriority - 10, kDriverPriority + 60)});
    }
    if (random.percent(50)) {
        simple_invocation(sched_context, seL4_SchedContextUnbind, {}, {});
    }
    if (random.percent(80)) {
        simple_invocation(sched_context, seL4_SchedContextBind, {thread}, {});
    }
}

// A client, and servers that wait for it, mostly without scheduling contexts of their own.
void service_step(Random& random) {
    Run& r = run();
    choose_service(random, service);
    r.digest.add(static_cast<Word>(StepType::kService) | service.workers[0] << 8);
    for (Word i = 0; i <= service.servers; ++i) {
        Word worker = service.workers[i];
        prepare_for_service(random, worker);
        compose_service_program(random, r.world, i, service);
        store_program(worker, service.programs[i]);
        trace_program(worker, service.programs[i], r.operations);
        carry_out(request);
        if (i < service.servers && random.percent(85)) {
            simple_invocation(world_cap(Space::kDriver, kSlotSchedContext + worker), seL4_SchedContextUnbind, {}, {});
        }
    }
    for (Word i = 0; i <= service.servers; ++i) {
        read_registers(kSlotThread + service.workers[i]);
    }
}

void program_step(Random& random) {
    Run& r = run();
    Word worker = random.below(kWorkers);
    compose_program(random, r.world, r.operations, r.world.space(worker), worker_program);
    store_program(worker, worker_program);
    r.digest.add(static_cast<Word>(StepType::kProgram) | worker << 8);
    trace_program(worker, worker_program, r.operations);
    carry_out(request);
    Word pc = read_registers(kSlotThread + worker);
    if (random.percent(25)) {
        digest_buffer(worker_buffer(worker));
    }
    Word start = program_address(worker_program.program);
    count(r.program_counter, pc > start && pc < start + kProgramBytes);
}

// Is the slot occupied? A copy onto itself is refused for one reason or the other, and changes nothing.
Word probe(Word slot) {
    Request& copy = request;
    copy.clear();
    copy.target = root_cap(kRootWorldPlain);
    copy.label = seL4_CNodeCopy;
    const Word words[] = {slot, kWorldRadix, slot, kWorldRadix, seL4_AllRights};
    for (Word word : words) {
        copy.words[copy.length++] = word;
    }
    copy.caps[copy.cap_count++] = root_cap(kRootWorldPlain);
    Word error = carry_out(copy).tag().label();
    World& world = run().world;
    if (error == seL4_FailedLookup) {
        world.empty(slot);
    } else if (world.kind(slot) == Kind::kEmpty) {
        world.fill(slot, 1, Kind::kUnknown, World::kNoParent);
    }
    return error;
}

void probe_step(Random& random) {
    Word slot = random.below(kWorldSlots);
    run().digest.add(static_cast<Word>(StepType::kProbe) | slot << 8);
    trace_probe(slot);
    for (Word i = 0; i < 4; ++i) {
        probe((slot + i) % kWorldSlots);
    }
}

void drain_step() {
    run().digest.add(static_cast<Word>(StepType::kDrain));
    trace_drain();
    ++run().drains;
    wait_for_supervisor(DriverState::kDraining);
}

void extra_invocation(const ExtraInvocation& extra) {
    request.clear();
    request.target = extra.words[0];
    request.label = extra.words[1];
    request.cap_count = extra.words[2] % (seL4_MsgMaxExtraCaps + 1);
    for (Word i = 0; i < request.cap_count; ++i) {
        request.caps[i] = extra.words[3 + i];
    }
    for (Word i = 3 + request.cap_count; i < extra.count; ++i) {
        request.words[request.length++] = extra.words[i];
    }
    trace_request("extra", request);
    carry_out(request);
}

void step() {
    Run& r = run();
    Random random(r.parameters.seed, r.step);
    trace_step();
    ++r.step;
    ++r.world_step;
    r.driver = DriverState::kWorking;
    r.digest.add(r.step);
    if (r.step == r.parameters.extra.step + 1) {
        extra_invocation(r.parameters.extra);
    }
    Word choice = random.below(kHundred);
    if (choice < kDrainPercent) {
        drain_step();
    } else if (choice < kDrainPercent + kMessagePercent) {
        message_step(random);
    } else if (choice < kDrainPercent + kMessagePercent + kProbePercent) {
        probe_step(random);
    } else if (choice < kDrainPercent + kMessagePercent + kProbePercent + kProgramPercent) {
        program_step(random);
    } else if (r.parameters.with_services &&
               choice < kDrainPercent + kMessagePercent + kProbePercent + kProgramPercent + kServicePercent) {
        service_step(random);
    } else {
        invocation_step(random);
    }
    trace_digest();
}

// Looks at every slot and every worker before the world ends. Goes on where it was if it is stopped.
void inspect() {
    Run& r = run();
    while (r.inspected < kWorldSlots + kThreads) {
        Word item = r.inspected++;
        r.digest.add(static_cast<Word>(StepType::kInspection) | item << 8);
        trace_inspection(item);
        if (item < kWorldSlots) {
            probe(item);
        } else {
            read_registers(kSlotThread + item - kWorldSlots);
            if (item - kWorldSlots < kWorkers) {
                digest_buffer(worker_buffer(item - kWorldSlots));
            }
        }
    }
}

}  // namespace

void driver_main() {
    Run& r = run();
    for (;;) {
        while (r.step < r.parameters.steps && r.world_step < r.parameters.world_steps) {
            step();
        }
        inspect();
        wait_for_supervisor(r.step < r.parameters.steps ? DriverState::kWorldIsOver : DriverState::kRunIsOver);
    }
}

}  // namespace fuzz
