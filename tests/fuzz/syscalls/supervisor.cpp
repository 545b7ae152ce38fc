// What the supervisor does when everybody else has stopped (supervisor.h).
#include "supervisor.h"

#include <kos/roottask/console.h>

#include "trace.h"

namespace fuzz {

using namespace kos::sel4;
using namespace kos::roottask;

namespace {

// Streams of random numbers, beside those of the steps.
constexpr Word kWorldStreams = Word{1} << 62;
constexpr Word kSupervisorStreams = Word{1} << 63;

constexpr Word kMaxMessages = 32;  // in one round; a thread that faults again at once would come for ever
// From so many steps on, an operation that has not once succeeded is a mistake of the generator or of the kernel.
constexpr Word kEnoughSteps = 200000;

enum class Event : Word { kCutOff = 0x100, kMessage };

// Words of a message that depend on the fuzzer's own code and stack, if they are about the driver.
bool is_position(Word label, Word i) {
    switch (label) {
        case seL4_Fault_CapFault: return i == seL4_CapFault_IP;
        case seL4_Fault_UnknownSyscall: return i >= seL4_UnknownSyscall_FaultIP && i <= seL4_UnknownSyscall_SPSR;
        default: return true;
    }
}

}  // namespace

void Supervisor::answer(Random& random, Word badge, Tag tag, const Word* words) {
    if (badge == kDriverBadge || random.percent(35)) {
        return;  // the thread stays where it is, until the reply object is used again
    }
    Words reply_words;
    Word label = random.percent(85) ? 0 : random.below(4);
    Word length = random.percent(40) ? 0 : random.below(15);
    for (Word i = 0; i < kRegisterWords; ++i) {
        reply_words.w[i] = random.percent(60) && i < tag.length() ? words[i] : random.data();
    }
    if (tag.label() == seL4_Fault_UserException && random.percent(60)) {
        reply_words.w[0] = words[0] + 4;
        length = 1;
    }
    for (Word i = kRegisterWords; i < length; ++i) {
        ipc_buffer()->msg[i] = random.percent(60) && i < tag.length() ? words[i] : random.data();
    }
    if (tag.label() == seL4_Fault_UnknownSyscall && random.percent(60)) {
        ipc_buffer()->msg[seL4_UnknownSyscall_FaultIP] = words[seL4_UnknownSyscall_FaultIP] + 4;
        length = seL4_UnknownSyscall_FaultIP + 1;
    }
    kos::sel4::reply(setup_.reply(), Tag::make(label, length), reply_words);
}

void Supervisor::serve_messages() {
    Run& r = run();
    Random random(r.parameters.seed, kSupervisorStreams + (r.worlds << 32) + rounds_++);
    for (Word served = 0; served < kMaxMessages; ++served) {
        Message message = nb_recv(setup_.fault_endpoint(), setup_.reply());
        if (message.badge == 0) {
            return;
        }
        ++r.faults;
        Word words[seL4_MsgMaxLength] = {};
        Word length = message.length() < seL4_MsgMaxLength ? message.length() : seL4_MsgMaxLength;
        r.digest.add(static_cast<Word>(Event::kMessage));
        r.digest.add(message.badge);
        r.digest.add(message.tag.word);
        for (Word i = 0; i < length; ++i) {
            words[i] = message.badge == kDriverBadge && is_position(message.label(), i) ? 0 : message.word(i);
            r.digest.add(words[i]);
        }
        trace_message(message.badge, message.tag, words, length);
        answer(random, message.badge, message.tag, words);
    }
}

void Supervisor::finish_world() {
    Run& r = run();
    if (r.parameters.world_digests) {
        print("world {} steps {} to {} digest {}\n", r.worlds, r.step - r.world_step, r.step,
              Hex16(r.digest.value()).text);
    }
    r.total.add(r.digest.value());
    r.digest = Digest{};
    r.world_step = 0;
    r.inspected = 0;
    rounds_ = 0;
}

void Supervisor::wake_driver() {
    Run& r = run();
    switch (r.driver) {
        case DriverState::kDraining:
            r.driver = DriverState::kWorking;
            signal(setup_.control());
            break;
        case DriverState::kWorldIsOver: {
            finish_world();
            Random random(r.parameters.seed, kWorldStreams + r.worlds);
            setup_.renew_world(random);
            setup_.renew_driver();
            break;
        }
        case DriverState::kWorking:
            ++r.driver_stops;
            r.digest.add(static_cast<Word>(Event::kCutOff));
            trace_note("the driver was stopped in this step");
            setup_.renew_driver();
            break;
        case DriverState::kRunIsOver: break;
    }
}

void Supervisor::send_record() {
    Text<128> record;
    format(record, R"({{"digest":"{}","seed":{},"steps":{}})", Hex16(run().digest_value()).text, run().parameters.seed,
           run().step);
    put_record(record.text());
    next_record_ += run().parameters.record_every;
}

void Supervisor::run_all() {
    Run& r = run();
    r.operations.build();
    setup_.create_surroundings(root_);
    next_record_ = r.step + r.parameters.record_every;
    r.driver = DriverState::kWorldIsOver;
    for (;;) {
        serve_messages();
        if (r.step >= next_record_ && r.step < r.parameters.steps) {
            send_record();
        }
        if (r.driver == DriverState::kRunIsOver) {
            break;
        }
        wake_driver();
    }
    finish_world();
    send_record();
    send_verdict();
}

void Supervisor::send_verdict() {
    Run& r = run();
    print("{} worlds, {} drains, {} messages to the supervisor, the driver was stopped {} times\n", r.worlds, r.drains,
          r.faults, r.driver_stops);
    print("messages of the driver: {} of {} brought something; programs: {} of {} came to their end\n",
          r.message_counter.successes, r.message_counter.attempts, r.program_counter.successes,
          r.program_counter.attempts);
    const char* never = nullptr;
    for (Word i = 0; i < r.operations.count(); ++i) {
        const Operation& operation = r.operations.at(i);
        const Counters& counters = r.operation_counters[i];
        print("{}: {} of {} succeeded\n", operation.name, counters.successes, counters.attempts);
        if (counters.successes == 0 && !operation.always_refused) {
            never = operation.name;
        }
    }
    // Kernels for several cores have no SGI capabilities and only one domain.
    if (never != nullptr && r.world.cores() == 1 && r.parameters.steps - r.parameters.first >= kEnoughSteps) {
        Text<256> record;
        format(record, R"({{"test":"syscalls","result":"fail","detail":"{} has never succeeded"})", never);
        put_record(record.text());
        put_record(R"({"verdict":"fail","passed":0,"failed":1,"skipped":0})");
        return;
    }
    put_record(R"({"test":"syscalls","result":"pass"})");
    put_record(R"({"verdict":"pass","passed":1,"failed":0,"skipped":0})");
}

}  // namespace fuzz
