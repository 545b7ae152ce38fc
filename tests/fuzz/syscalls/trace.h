// Printing steps as text, so that the runs of two kernels can be compared line by line.
//
// Prints only the steps that the parameters `trace`, `from` and `to` choose. Never part of the digest.
#pragma once

#include "programs.h"

namespace fuzz {

void trace_step();
void trace_request(const char* name, const Request& request);
void trace_program(Word worker, const WorkerProgram& program, const Operations& operations);
void trace_answer(const kos::sel4::SyscallRegisters& registers, const Word* words, Word count);
void trace_probe(Word slot);
void trace_inspection(Word item);
void trace_drain();
void trace_digest();
void trace_message(Word badge, kos::sel4::Tag tag, const Word* words, Word count);
void trace_note(const char* text);

}  // namespace fuzz
