// Requests of domains (kos_root_label in kos/abi.h): decode, check rights, act. On the caller's time.
#include "console.h"
#include "entropy.h"
#include "push.h"
#include "restart.h"
#include "threads.h"
#include "tokens.h"

#include <kos/push.h>

namespace root {

namespace {

bool may_control(const Domain& domain) { return domain.spec->rights & kos::manifest::kRightControl; }

kos_status_t start_domain(Word number, Words&) {
    Domain* const domain = find(number);
    if (!domain) return KOS_STATUS_NOT_FOUND;
    if (domain->state == KOS_DOMAIN_STARTING || domain->state == KOS_DOMAIN_READY) return KOS_STATUS_CONFLICT;
    start(*domain);
    return KOS_STATUS_CREATED;
}

kos_status_t kill_domain(const Domain& caller, Word number, Word reason) {
    Domain* const domain = find(number);
    if (!domain) return KOS_STATUS_NOT_FOUND;
    if (reason != KOS_EXIT_NONE && reason != KOS_EXIT_KILLED && reason != KOS_EXIT_HUNG) {
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    // The caller's time is what this runs on: it could not be taken away in here.
    if (domain == &caller) return KOS_STATUS_INVALID_ARGUMENT;
    if (reason == KOS_EXIT_HUNG) record_hung(*domain);
    destroy(*domain, reason == KOS_EXIT_HUNG ? KOS_EXIT_HUNG : KOS_EXIT_KILLED);
    wake_ticker();
    return KOS_STATUS_OK;
}

kos_status_t signal_domain(Word number, Word bits) {
    Domain* const domain = find(number);
    if (!domain) return KOS_STATUS_NOT_FOUND;
    if (bits == 0 || bits & ~(KOS_SIGNAL_HEALTH | KOS_SIGNAL_STOP)) return KOS_STATUS_INVALID_ARGUMENT;
    if (bits & KOS_SIGNAL_HEALTH) kos::sel4::signal(domain->signal_health);
    if (bits & KOS_SIGNAL_STOP) kos::sel4::signal(domain->signal_stop);
    return KOS_STATUS_OK;
}

kos_status_t control(Domain& caller, const kos::sel4::Message& request, Words& answer) {
    if (!may_control(caller)) return KOS_STATUS_UNAUTHORIZED;
    const Word* const words = request.words;
    switch (request.label()) {
        case KOS_ROOT_DOMAIN_START: return start_domain(words[0], answer);
        case KOS_ROOT_DOMAIN_KILL: return kill_domain(caller, words[0], words[1]);
        case KOS_ROOT_DOMAIN_SIGNAL: return signal_domain(words[0], words[1]);
        case KOS_ROOT_DOMAIN_STATUS: {
            const Domain* const domain = find(words[0]);
            if (!domain) return KOS_STATUS_NOT_FOUND;
            answer = {{domain->state, domain->instance, domain->end_reason, domain->used_bytes}};
            return KOS_STATUS_OK;
        }
        case KOS_ROOT_EVENT: {
            Event event{};
            if (!next_event(event)) return KOS_STATUS_EMPTY;
            answer = {{event.kind, event.domain, event.detail, 0}};
            return KOS_STATUS_OK;
        }
        case KOS_ROOT_ACCOUNTS: {
            Word used = 0;
            for (const Domain& domain : the_system.domains) used += domain.used_bytes;
            answer = {{untyped_bytes_left(), used, free_slots(), loans_out() | Word{tokens_in_use()} << 32}};
            return KOS_STATUS_OK;
        }
        case KOS_ROOT_REBOOT: return restart_machine();
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

}  // namespace

kos_status_t handle_request(Domain& domain, Word thread, const kos::sel4::Message& request, Words& answer) {
    if (request.length() > 4 || request.tag.extra_caps()) return KOS_STATUS_BAD_REQUEST;
    // Words that were not sent are zero, not what the register held.
    Word words[4] = {};
    for (Word i = 0; i < request.length(); ++i) words[i] = request.words[i];
    switch (request.label()) {
        case KOS_ROOT_THREAD_CREATE:
            if (words[3] > 1) return KOS_STATUS_INVALID_ARGUMENT;
            return make_thread(domain, words[0], words[1], words[2], words[3] == 1, answer.w[0]);
        case KOS_ROOT_THREAD_START: return start_thread(domain, words[0]);
        case KOS_ROOT_THREAD_STOP: return words[0] == thread ? KOS_STATUS_CONFLICT : stop_thread(domain, words[0]);
        case KOS_ROOT_THREAD_RESTART:
            return words[0] == thread ? KOS_STATUS_CONFLICT : restart_thread(domain, words[0]);
        case KOS_ROOT_FAULT_HANDLER:
            if (words[0] > 1) return KOS_STATUS_INVALID_ARGUMENT;
            domain.handles_faults = words[0] == 1;
            return KOS_STATUS_OK;
        case KOS_ROOT_MEM_MAP:
            if (words[2]) return continue_map(domain, words[2], words[1], answer.w[1]);
            return map_heap(domain, words[0], words[1], answer.w[0], answer.w[1]);
        case KOS_ROOT_MEM_UNMAP: return unmap_heap(domain, words[0], words[1], answer.w[0]);
        case KOS_ROOT_MEM_STATUS:
            answer = {
                {Word{1} << domain.untyped_bits, domain.used_bytes - Word{domain.heap.spare_count} * kPageBytes, 0, 0}};
            return KOS_STATUS_OK;
        case KOS_ROOT_TOKEN_CREATE: return create_token(domain, words[0], words[1], words[2], words[3]);
        case KOS_ROOT_TOKEN_REVOKE: return revoke_token(domain, words[0], words[1]);
        case KOS_ROOT_DEADLINE: {
            kos_status_t const status = set_deadline(domain, thread, words[0], words[1]);
            if (words[0]) wake_ticker();
            return status;
        }
        case KOS_ROOT_ENTROPY:
            if (!(domain.spec->rights & kos::manifest::kRightEntropy)) return KOS_STATUS_UNAUTHORIZED;
            return boot_entropy(domain.instance, answer.w);
        case KOS_ROOT_TIME_GIVE: return give_program_time(domain, words[0], words[1]);
        case KOS_ROOT_IMAGE_PAGES: return give_image_pages(domain, words);
        default:
            if (request.label() >= KOS_PUSH_BEGIN) return push_request(domain, request.label(), words, answer);
            return request.label() >= KOS_ROOT_DOMAIN_START ? control(domain, request, answer) : KOS_STATUS_BAD_REQUEST;
    }
}

}  // namespace root
