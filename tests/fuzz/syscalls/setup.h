// Making the world and the threads: by the supervisor, with capabilities that no operation can name.
//
// Setup creates once what outlives worlds (gate, workers' address space), and for each world the objects in it. Any
// step that fails ends the program: the kernel does not do what every later step relies on.
#pragma once

#include <kos/roottask/boot.h>

#include "run.h"

namespace fuzz {

// Badges at the supervisor's endpoint.
inline constexpr Word kDriverBadge = 0x1000;
inline constexpr Word kWorkerBadge = 0x2000;     // + worker: as set up
inline constexpr Word kAnyWorkerBadge = 0x3000;  // as configured by an operation

// Ends the run with a failed verdict unless the kernel did what every later step relies on.
void require(const kos::sel4::Result& result, const char* file, int line);
void require(bool holds, const char* file, int line);

class Setup {
public:
    // Once.
    void create_surroundings(kos::roottask::RootTask& root);
    // Ends the current world, if there is one, by one revocation, and makes a new one.
    void renew_world(Random& random);
    // Destroys the driver, if there is one, and makes a new one that starts at driver_main().
    void renew_driver();

    // Where faults of the driver and of workers arrive, and what the supervisor receives them with.
    CPtr fault_endpoint() const { return faults_; }
    CPtr reply() const { return reply_; }
    CPtr control() const { return control_; }

private:
    void create_gate(kos::roottask::RootTask& root);
    void create_worker_vspace(kos::roottask::ObjectAllocator& allocator);
    void restore_worker_vspace();
    void take_device_memory(kos::roottask::RootTask& root);
    void set_own_scheduling();
    void end_world();
    void make_cnodes();
    void make_objects(Random& random);
    void make_badged(Random& random);
    void make_world_vspace();
    void make_interrupts();
    void make_worker(Random& random, Word worker);
    void fill_world();
    // New objects at the staged slots `slot`...; they move into the world by fill_world().
    void stage(Word type, Word size_bits, Word slot, Word count);
    CPtr staged(Word slot) const { return stage_ + slot; }
    kos::sel4::SlotPath gate_slot(Word index) const { return {gate_, index, kGateRadix}; }
    kos::sel4::SlotPath world_slot(Word index) const { return {world_cnode_, index, kWorldRadix}; }

    CPtr faults_ = 0;
    CPtr control_ = 0;
    CPtr reply_ = 0;
    CPtr gate_ = 0;
    CPtr roots_ = 0;
    CPtr sched_control_ = 0;  // of core 0; the others follow
    Word cores_ = 1;
    CPtr worker_vspace_ = 0;
    CPtr code_frame_ = 0;
    CPtr buffer_frames_[kWorkers] = {};
    CPtr driver_faults_ = 0;
    CPtr worker_faults_ = 0;  // one for each worker, by badge
    CPtr driver_memory_ = 0;
    CPtr driver_tcb_ = 0;
    CPtr driver_sched_context_ = 0;
    CPtr device_memory_ = 0;
    CPtr world_memory_ = 0;
    CPtr large_memory_ = 0;
    CPtr stage_ = 0;  // one slot of the root CNode for each of the world
    bool staged_[kWorldSlots] = {};
    CPtr world_cnode_ = 0;
    CPtr detour_cnode_ = 0;
};

}  // namespace fuzz

#define FUZZ_REQUIRE(what) ::fuzz::require((what), __FILE__, __LINE__)
