// Root's own threads (docs/design/core.md, "Root"): who waits for what, and how work reaches the service thread.
#pragma once

#include "domain.h"

#include <span>

namespace root {

extern CPtr service_endpoint;  // requests of domains and of root's other threads
extern CPtr faults_endpoint;   // faults, time-outs and reports of domains

// Badges at the service endpoint: domains have domain << 8 | thread with kFromDomain, so that no badge looks like a
// capability address.
constexpr Word kFromDomain = 1ull << 42;
constexpr Word kFromFaults = 1ull << 40;
constexpr Word kFromTicker = 1ull << 41;

// Badge of KOS_SLOT_REPORT, beside domain << 8 | thread: only the kernel sends faults without it.
constexpr Word kReportMark = 1ull << 32;
constexpr Word kIncidentWords = 40;

// What the faults thread hands over. It waits for the answer, so that there is one at a time.
struct Incident {
    Word badge = 0;  // domain << 8 | thread
    Word label = 0;  // seL4_Fault_*, or kos_report_label if `is_report`
    bool is_report = false;
    Word length = 0;
    Word words[kIncidentWords] = {};
};
extern Incident incident;

enum IncidentAnswer : Word { kLeaveStopped = 0, kResume = 1, kAnswerOk = 2 };

// requests.cpp: a request of a domain; fills the answer's words.
kos_status_t handle_request(Domain& domain, Word thread, const kos::sel4::Message& request, Words& answer);
// KOS_ROOT_FAULT_NEXT: the answer is longer than four words; the rest is put into the message buffer. Answer's length.
kos_status_t next_fault(Domain& domain, Words& answer, Word& length);
// incidents.cpp
IncidentAnswer handle_incident();

constexpr Word kKeeperPriority = 255;  // above all others

struct OwnThread {
    CPtr tcb = 0;
    CPtr sched_context = 0;
};
struct OwnThreadOptions {
    Word core;
    Word priority;
    kos::sel4::SchedContextParams time;
    CPtr fault_endpoint;
};
// Stopped. `buffer`: a page of root's for its messages; null: four words of each are all that it knows.
OwnThread make_own_thread(void (*run)(), std::span<uint8_t> stack, uint8_t* buffer, const OwnThreadOptions& options);

void make_endpoints();

// Starts them all; the calling thread becomes the keeper and does not return.
[[noreturn]] void run_threads();
void wake_ticker();
// Of service, before it takes time away from anybody: it may be running on just that. What a request has brought along
// need not be its sender's, and stays with service if nobody waits for the answer any more.
void use_own_time();
void stop_own_threads();  // does not return if the caller is one of them; service is the last

}  // namespace root
