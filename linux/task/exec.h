// execve(2): a program file becomes a process's memory and registers. Also the first program.
#pragma once

#include "task/process.h"
#include "task/thread.h"

#include <string>
#include <vector>

namespace kos::lx {

struct ExecArguments {
    std::vector<std::string> arguments, environment;
};

// Most bytes of arguments and environment together, as with a stack limit of 8 MiB; one string at most.
constexpr size_t kArgumentsMax = 2u << 20, kArgumentMax = 128u << 10;

// Loads the program that `location` names and makes `thread` its only thread: memory, registers, signals, descriptors.
// Nothing is changed on an error: kENOEXEC, kEACCES, kENOENT (interpreter), kELOOP, kE2BIG, kENOMEM.
Status execute(Thread& thread, Location location, std::string name, ExecArguments arguments);

}  // namespace kos::lx
