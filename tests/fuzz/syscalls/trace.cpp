// Text of steps (trace.h).
#include "trace.h"

#include <kos/roottask/console.h>

#include "run.h"

namespace fuzz {

using namespace kos::sel4;
using kos::roottask::print;

namespace {

// The step number has moved on once the step has begun.
bool tracing() {
    const Run& r = run();
    return r.step > r.parameters.trace_from && r.step <= r.parameters.trace_to;
}

void print_words(const char* title, const Word* words, Word count) {
    print(" {}[", title);
    for (Word i = 0; i < count; ++i) {
        print(i == 0 ? "{x}" : " {x}", words[i]);
    }
    print("]");
}

void print_request(const Request& request) {
    print("number {} target {x} label {} length {} reply {x} second {x}", static_cast<int64_t>(request.number),
          request.target, request.label, request.length, request.reply, request.second);
    print_words("words", request.words, request.stored_words());
    print_words("caps", request.caps, request.cap_count);
    print(" receive {x} {x} {}\n", request.receive_root, request.receive_index, request.receive_depth);
}

}  // namespace

void trace_step() {
    if (run().tracing()) {
        print("step {} ", run().step);
    }
}

void trace_request(const char* name, const Request& request) {
    if (tracing()) {
        print("{}: ", name);
        print_request(request);
    }
}

void trace_program(Word worker, const WorkerProgram& program, const Operations& operations) {
    if (!tracing()) {
        return;
    }
    print("worker {} program {} {}: ", worker, program.program,
          program.operation == WorkerProgram::kMessage ? "message" : operations.at(program.operation).name);
    print_request(program.request);
    print_words("  registers", &program.context.pc, seL4_UserContext_Words);
    print("\n");
}

void trace_answer(const SyscallRegisters& r, const Word* words, Word count) {
    if (!tracing()) {
        return;
    }
    Tag tag{r.x1};
    print("  -> badge {x} label {} length {} extra {} unwrapped {} x6 {x} x7 {x} x8 {x}", r.x0, tag.label(),
          tag.length(), tag.extra_caps(), tag.caps_unwrapped(), r.x6, r.x7, r.x8);
    print_words("words", words, count);
    print("\n");
}

void trace_probe(Word slot) {
    if (tracing()) {
        print("probe of slots from {}\n", slot);
    }
}

void trace_inspection(Word item) {
    if (tracing()) {
        print("inspection {}\n", item);
    }
}

void trace_drain() {
    if (tracing()) {
        print("drain\n");
    }
}

void trace_digest() {
    if (tracing()) {
        print("  digest {x}\n", run().digest.value());
    }
}

void trace_message(Word badge, Tag tag, const Word* words, Word count) {
    if (tracing()) {
        print("  message to the supervisor: badge {x} label {} length {} extra {}", badge, tag.label(), tag.length(),
              tag.extra_caps());
        print_words("words", words, count);
        print("\n");
    }
}

void trace_note(const char* text) {
    if (tracing()) {
        print("  {}\n", text);
    }
}

}  // namespace fuzz
