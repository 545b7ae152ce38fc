// Messages and programs (programs.h).
#include "programs.h"

namespace fuzz {

namespace {

constexpr Word number(int64_t syscall) { return static_cast<Word>(syscall); }

// A few objects are used much more than others, so that threads meet.
CPtr endpoint(Composer& c) {
    Random& random = c.random;
    if (random.percent(70)) {
        return c.address(random.percent(50) ? kSlotEndpoint + random.below(3) : kSlotBadgedEndpoint + random.below(4));
    }
    return c.cap(Kind::kEndpoint);
}

CPtr notification(Composer& c) {
    Random& random = c.random;
    if (random.percent(60)) {
        return c.address(random.percent(50) ? kSlotNotification + random.below(2)
                                            : kSlotBadgedNotification + random.below(3));
    }
    return c.cap(Kind::kNotification);
}

CPtr reply(Composer& c) {
    return c.random.percent(60) ? c.address(kSlotReply + c.random.below(4)) : c.cap(Kind::kReply);
}

CPtr destination(Composer& c) {
    Word choice = c.random.below(100);
    if (choice < 70) {
        return endpoint(c);
    }
    if (choice < 85) {
        return notification(c);
    }
    return choice < 97 ? reply(c) : c.address(c.any_slot());
}

CPtr source(Composer& c) {
    Word choice = c.random.below(100);
    if (choice < 80) {
        return endpoint(c);
    }
    return choice < 97 ? notification(c) : c.address(c.any_slot());
}

Word message_label(Random& random) {
    Word label = random.percent(90) ? random.below(64) : random.data() >> 12;
    return answer_varies(label) ? 0 : label;
}

Word message_length(Random& random) {
    Word choice = random.below(100);
    if (choice < 60) {
        return random.below(5);
    }
    return choice < 90 ? random.between(5, 20) : random.below(128);
}

void payload(Composer& c) {
    static constexpr Kind kSent[] = {Kind::kEndpoint, Kind::kEndpoint, Kind::kNotification, Kind::kReply,
                                     Kind::kFrame,    Kind::kThread,   Kind::kUntyped,      Kind::kCnode};
    Random& random = c.random;
    Request& request = c.request();
    request.label = message_label(random);
    request.length = message_length(random);
    for (Word i = 0; i < request.stored_words(); ++i) {
        request.words[i] = random.data();
    }
    if (random.percent(30)) {
        for (Word i = random.between(1, 3); i > 0; --i) {
            c.extra(random.percent(40) ? endpoint(c) : c.cap(kSent[random.below(sizeof(kSent))]));
        }
    }
}

void receive_slot(Composer& c) {
    Request& request = c.request();
    if (c.random.percent(60)) {
        Path path = c.path(c.mostly(Kind::kEmpty, 94));
        request.receive_root = path.root;
        request.receive_index = path.index;
        request.receive_depth = path.depth;
    }
}

// What both halves of a system call are about: the message that is sent, the message that is received.
void compose_number(Composer& c, Word syscall) {
    Request& request = c.request();
    request.number = syscall;
    switch (static_cast<int64_t>(syscall)) {
        case seL4_SysCall:
        case seL4_SysSend:
        case seL4_SysNBSend:
            request.target = destination(c);
            payload(c);
            break;
        case seL4_SysReplyRecv:
            request.target = source(c);
            request.reply = reply(c);
            payload(c);
            break;
        case seL4_SysNBSendRecv:
            request.target = source(c);
            request.reply = reply(c);
            request.second = destination(c);
            payload(c);
            break;
        case seL4_SysNBSendWait:
            request.target = source(c);
            request.reply = destination(c);
            payload(c);
            break;
        case seL4_SysRecv:
        case seL4_SysNBRecv:
            request.target = source(c);
            request.reply = reply(c);
            break;
        case seL4_SysWait:
        case seL4_SysNBWait: request.target = source(c); break;
        default:
            request.target = c.random.data();
            request.reply = c.random.data();
            break;
    }
    receive_slot(c);
}

struct Weighted {
    Word number;
    Word patient_weight;
    Word driver_weight;
};

// Numbers that no build of the kernel knows: the debug calls (-12 to -33) depend on the build.
constexpr Weighted kNumbers[] = {
    {number(seL4_SysCall), 20, 1},
    {number(seL4_SysReplyRecv), 14, 1},
    {number(seL4_SysNBSendRecv), 8, 1},
    {number(seL4_SysNBSendWait), 6, 1},
    {number(seL4_SysSend), 14, 10},
    {number(seL4_SysNBSend), 8, 40},
    {number(seL4_SysRecv), 18, 1},
    {number(seL4_SysNBRecv), 5, 25},
    {number(seL4_SysWait), 6, 1},
    {number(seL4_SysNBWait), 3, 15},
    {number(seL4_SysYield), 1, 3},
    {0, 1, 1},
    {number(-40), 1, 0},
    {number(-1) & 0xffffffff, 1, 0},
};

Word choose_number(Random& random, bool patient) {
    Word total = 0;
    for (const Weighted& entry : kNumbers) {
        total += patient ? entry.patient_weight : entry.driver_weight;
    }
    Word at = random.below(total);
    for (const Weighted& entry : kNumbers) {
        Word weight = patient ? entry.patient_weight : entry.driver_weight;
        if (at < weight) {
            return entry.number;
        }
        at -= weight;
    }
    return number(seL4_SysYield);
}

Program choose_program(Random& random) {
    Word choice = random.below(100);
    if (choice < 35) {
        return Program::kSyscall;
    }
    if (choice < 52) {
        return Program::kTwo;
    }
    return choice < 64 ? Program::kThree : static_cast<Program>(random.below(static_cast<Word>(Program::kCount)));
}

Word tag_word(Random& random) {
    return kos::sel4::Tag::make(message_label(random), message_length(random), random.percent(80) ? 0 : random.below(4))
        .word;
}

// The second and third call have only registers to be different in: their messages are what the buffer has.
void later_calls(Random& random, const World& world, Space space, seL4_UserContext& context) {
    static Request later;
    Composer c(random, world, space, later);
    compose_number(c, choose_number(random, true));
    context.x20 = later.target;
    context.x21 = tag_word(random);
    context.x24 = later.reply;
    context.x25 = later.number;
    c.request().clear();
    compose_number(c, choose_number(random, true));
    context.x26 = later.target;
    context.x27 = tag_word(random);
    context.x28 = later.reply;
    context.x19 = later.number;
}

void registers(Random& random, Composer& c, WorkerProgram& out) {
    Word* all = &out.context.pc;
    for (Word i = 0; i < seL4_UserContext_Words; ++i) {
        all[i] = random.data();
    }
    kos::sel4::SyscallRegisters call = out.request.registers();
    seL4_UserContext& context = out.context;
    context.pc = random.percent(98) ? program_address(out.program) : random.data();
    context.sp = c.user_address(AddressUse::kPage);
    context.spsr = random.percent(70) ? 0 : random.next();
    context.x0 = call.x0;
    context.x1 = call.x1;
    context.x2 = call.x2;
    context.x3 = call.x3;
    context.x4 = call.x4;
    context.x5 = call.x5;
    context.x6 = call.x6;
    context.x7 = call.x7;
    context.x8 = call.x8;
    context.x19 = c.user_address(AddressUse::kPage);
    if (random.percent(30)) {
        context.x20 = c.user_address(AddressUse::kPage);
    }
}

}  // namespace

void compose_message(Composer& c, bool patient) { compose_number(c, choose_number(c.random, patient)); }

void compose_program(Random& random, const World& world, const Operations& operations, Space space,
                     WorkerProgram& out) {
    Composer c(random, world, space, out.request);
    out.program = choose_program(random);
    if (random.percent(70)) {
        out.operation = WorkerProgram::kMessage;
        compose_message(c, true);
    } else {
        out.operation = operations.choose(random, true);
        const Operation& operation = operations.at(out.operation);
        operation.compose(c);
        if (operation.mutable_ && random.percent(8)) {
            c.mutate();
        }
        if (answer_varies(out.request.label)) {
            out.request.label = 0;
        }
    }
    registers(random, c, out);
    if (out.program == Program::kTwo || out.program == Program::kThree || out.program == Program::kRepeat) {
        later_calls(random, world, space, out.context);
    }
}

namespace {

// A message that a short path of the kernel may carry, most of the time.
void short_payload(Composer& c) {
    Random& random = c.random;
    Request& request = c.request();
    request.label = message_label(random);
    request.length = random.percent(85) ? random.below(5) : random.between(5, 20);
    for (Word i = 0; i < request.length; ++i) {
        request.words[i] = random.data();
    }
    if (random.percent(5)) {
        c.extra(endpoint(c));
    }
}

Word short_tag(Random& random) {
    return kos::sel4::Tag::make(message_label(random), random.below(random.percent(85) ? 5 : 20)).word;
}

void repeat_call(WorkerProgram& program, CPtr target, Word tag, CPtr reply_cap, Word syscall) {
    program.context.x20 = target;
    program.context.x21 = tag;
    program.context.x24 = reply_cap;
    program.context.x25 = syscall;
}

}  // namespace

void choose_service(Random& random, Service& out) {
    out.servers = random.percent(60) ? 1 : random.between(2, Service::kMostServers);
    // Mostly not the endpoints that other messages go to.
    out.first_object = random.percent(80) ? random.between(3, 5) : random.below(kEndpoints);
    Word first_worker = random.below(kWorkers);
    for (Word i = 0; i <= out.servers; ++i) {
        out.workers[i] = (first_worker + i) % kWorkers;
    }
}

void compose_service_program(Random& random, const World& world, Word index, Service& out) {
    const bool is_client = index == out.servers;
    const bool is_last = index + 1 == out.servers;
    const Space space = world.space(out.workers[index]);
    WorkerProgram& program = out.programs[index];
    Composer c(random, world, space, program.request);
    const Word object = out.first_object + index;
    // What a server waits for, and what the one before it calls: sometimes by a capability with a badge.
    const CPtr own = world_cap(space, kSlotEndpoint + object % kEndpoints);
    const Word next_object = is_client ? out.first_object : object + 1;
    const CPtr next =
        world_cap(space, (random.percent(50) ? kSlotEndpoint : kSlotBadgedEndpoint) + next_object % kEndpoints);
    const CPtr reply_cap = world_cap(space, kSlotReply + object % kReplies);

    program.operation = WorkerProgram::kMessage;
    program.program = is_client || is_last ? Program::kRepeat : Program::kThree;
    program.request.number = number(is_client ? seL4_SysCall : seL4_SysRecv);
    program.request.target = is_client ? next : own;
    program.request.reply = is_client ? 0 : reply_cap;
    short_payload(c);
    registers(random, c, program);
    if (is_client) {
        repeat_call(program, next, short_tag(random), 0, number(seL4_SysCall));
    } else if (is_last) {
        repeat_call(program, own, short_tag(random), reply_cap, number(seL4_SysReplyRecv));
    } else {
        repeat_call(program, next, short_tag(random), reply_cap, number(seL4_SysCall));
        program.context.x26 = own;
        program.context.x27 = short_tag(random);
        program.context.x28 = reply_cap;
        program.context.x19 = number(seL4_SysReplyRecv);
    }
}

}  // namespace fuzz
