// Makes a service go wrong on demand: linked behind the object files of the service as it is shipped, around its server
// loop (ld --wrap=kos_server_run) and its requests to root (--wrap=kos_root_request). See inject.h for the orders.
#include "inject.h"

#include "../faults.h"

#include <kos/mem.h>
#include <kos/msg.h>
#include <kos/root.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>

#include <string.h>

kos_status_t __real_kos_server_run(kos_server_t* server);
kos_status_t __wrap_kos_server_run(kos_server_t* server);
kos_status_t __real_kos_root_request(enum kos_root_label label, uint64_t words[4]);
kos_status_t __wrap_kos_root_request(enum kos_root_label label, uint64_t words[4]);

enum { kNothing = ~0u };

// The service's own call-backs.
static kos_server_t service;
static volatile uint64_t own_fault = kNothing, unacked_fault = kNothing, request_fault = kNothing;
static volatile uint64_t requests, fault_at_request;
static volatile int is_deaf, is_storming;
static volatile uint64_t interrupts_ignored;

static void fault_thread(void* kind) { go_wrong((uint64_t)(uintptr_t)kind); }

static void spin_us(uint64_t us) {
    uint64_t const end = kos_time_after_us(us);
    while (kos_time_ticks() < end) {
    }
}

static uint64_t use_all_memory(void) {
    uint64_t pages = 0;
    void* mapped;
    for (size_t bytes = 64 * KOS_PAGE_BYTES; bytes >= KOS_PAGE_BYTES; bytes /= 2) {
        while (kos_mem_map(bytes, KOS_MEM_READ | KOS_MEM_WRITE, &mapped) == KOS_STATUS_OK)
            pages += bytes / KOS_PAGE_BYTES;
    }
    return pages;
}

// With labels that nobody has and with more of them than any queue holds. Whom the directory would have to introduce is
// left out: waiting for somebody who is down is no flood.
static uint64_t flood(uint64_t messages) {
    const kos_startup_t* const startup = kos_app_startup();
    const kos_startup_connection_t* const connections =
        (const kos_startup_connection_t*)((const char*)startup + startup->connections.offset);
    uint64_t sent = 0;
    for (uint64_t i = 0; i < messages; ++i) {
        uint64_t words[4] = {i, i, i, i};
        __real_kos_root_request((enum kos_root_label)(1000 + i), words);
        ++sent;
        for (uint32_t n = 0; n < startup->connections.count; ++n) {
            const kos_startup_connection_t* const to = &connections[n];
            if (!to->slot) continue;
            if (to->queue) sent += kos_msg_send(to->slot, 0x300 + i, &i, sizeof i) == KOS_STATUS_OK;
            uint64_t param = i, two[2] = {i, i};
            if (to->flags & KOS_CONNECTION_SEND_ONLY) continue;
            kos_msg_call_words(to->slot, 0x300 + i, &param, two);
            ++sent;
        }
    }
    return sent;
}

static kos_status_t obey(const kos_msg_t* request, kos_msg_t* answer) {
    uint64_t const first = request->words[0];
    answer->has_words = 1;
    switch (request->param) {
        case kInjectNow: go_wrong(first);
        case kInjectOwn:
            own_fault = first;
            kos_thread_signal_server();
            return KOS_STATUS_OK;
        case kInjectThread: {
            kos_thread_t* thread;
            kos_status_t const made = kos_thread_create(fault_thread, (void*)(uintptr_t)first, 0, &thread);
            return kos_status_is_ok(made) ? kos_thread_start(thread) : made;
        }
        case kInjectAtRequest:
            request_fault = request->words[1];
            fault_at_request = requests + first;
            return KOS_STATUS_OK;
        case kInjectSpin: spin_us(first); return KOS_STATUS_OK;
        case kInjectMemory: answer->words[0] = use_all_memory(); return KOS_STATUS_OK;
        case kInjectFlood: answer->words[0] = flood(first); return KOS_STATUS_OK;
        case kInjectDeaf: is_deaf = 1; return KOS_STATUS_OK;
        case kInjectKill: {
            uint64_t words[4] = {first, 0, 0, 0};
            return __real_kos_root_request(KOS_ROOT_DOMAIN_KILL, words);
        }
        case kInjectUnacked: unacked_fault = first; return KOS_STATUS_OK;
        case kInjectStorm:
            is_storming = first != 0;
            answer->words[0] = interrupts_ignored;
            return KOS_STATUS_OK;
        case kInjectState:
            answer->words[0] = kos_app_startup()->instance;
            answer->words[1] = requests;
            return KOS_STATUS_OK;
        case kInjectMemoryOf: {
            uint64_t words[4] = {first, 0, 0, 0};
            kos_status_t const status = __real_kos_root_request(KOS_ROOT_DOMAIN_STATUS, words);
            answer->words[0] = words[3];
            return status;
        }
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    return request->label == kInjectLabel ? obey(request, answer) : service.call(server, caller, request, answer);
}

static void acknowledge(uint64_t bits) {
    const kos_startup_t* const startup = kos_app_startup();
    const kos_startup_interrupt_t* const entries =
        (const kos_startup_interrupt_t*)((const char*)startup + startup->interrupts.offset);
    for (uint32_t i = 0; i < startup->interrupts.count; ++i) {
        kos_interrupt_t const interrupt = {.handler = entries[i].slot};
        if (bits >> (KOS_SIGNAL_IRQ_0 + i) & 1) kos_dev_interrupt_acknowledge(&interrupt);
    }
}

static void signalled(kos_server_t* server, uint64_t bits) {
    if (own_fault != kNothing) go_wrong(own_fault);
    uint64_t const interrupts = 0xffffull << KOS_SIGNAL_IRQ_0;
    if (unacked_fault != kNothing && bits & interrupts) go_wrong(unacked_fault);
    if (is_storming && bits & interrupts) {
        ++interrupts_ignored;
        acknowledge(bits);
        return;
    }
    if (service.signalled) service.signalled(server, bits);
}

kos_status_t __wrap_kos_server_run(kos_server_t* server) {
    service = *server;
    server->call = call;
    server->signalled = signalled;
    kos_status_t const status = __real_kos_server_run(server);
    while (is_deaf) {
    }
    return status;
}

kos_status_t __wrap_kos_root_request(enum kos_root_label label, uint64_t words[4]) {
    if (++requests == fault_at_request) go_wrong(request_fault);
    return __real_kos_root_request(label, words);
}
