// Making up system calls for messages, and what a worker is to do: registers, message buffer, program.
#pragma once

#include "operations.h"

namespace fuzz {

// Messages: a system call on an endpoint, a notification or a reply object, by a thread with this composer's CSpace.
// `patient`: calls that block are as likely as others (else rare).
void compose_message(Composer& c, bool patient);

// One program for one worker.
struct WorkerProgram {
    Program program = Program::kSyscall;
    Word operation = 0;  // index of the operation, or kMessage
    Request request;     // the first system call, and the message buffer
    seL4_UserContext context;

    static constexpr Word kMessage = ~Word{0};
};

// A client and the servers that its calls go through: each server waits for the one before.
struct Service {
    static constexpr Word kMostServers = 3;
    Word servers = 1;
    Word first_object = 0;                // of the endpoints and the reply objects
    Word workers[kMostServers + 1] = {};  // servers first, in the order of the calls; then the client
    WorkerProgram programs[kMostServers + 1];
};

void choose_service(Random& random, Service& out);
// The program of out.workers[index], which names slots as the world says now.
void compose_service_program(Random& random, const World& world, Word index, Service& out);

void compose_program(Random& random, const World& world, const Operations& operations, Space space, WorkerProgram& out);

}  // namespace fuzz
