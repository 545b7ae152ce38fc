// Process file descriptors.
#include "task/pid_file.h"

namespace kos::lx {

PidFile::PidFile(Process& process) : process_(&process), at_end_(*this) { process.ended.add(at_end_); }

uint32_t PidFile::poll() { return process_->state == ProcessState::kZombie ? kPOLLIN | kPOLLRDNORM : 0; }

}  // namespace kos::lx
