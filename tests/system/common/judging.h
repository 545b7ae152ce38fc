// What judges do alike: ask the supervisor, compare root's accounts with those of the beginning, look after those who
// have nothing to do with a fault. `pause_us`, `check` and the like are those of records.h, with RECORDS_HERE.
#pragma once

#include "faults.h"
#include "inject/inject.h"
#include "log_lines.h"
#include "records.h"

#include <kos/dir.h>
#include <kos/msg.h>
#include <kos/ports.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

// By enum FaultKind: its name, and what the fault record says.
static const struct {
    const char* name;
    const char* cause;
} judging_kinds[kFaultKinds] __attribute__((unused)) = {
    {"null write", "write at 0x0: likely null pointer"},
    {"jump to nowhere", "instruction fetch at 0xdead0000"},
    {"stack overflow", "likely stack overflow"},
    {"no instruction", "instruction that it may not execute"},
    {"privileged instruction", "instruction that it may not execute"},
    {"write to code", "write at 0x400000"},
    {"data as code", "instruction fetch at"},
    {"assertion", "assertion: "},
    {"exit", "ended with status 3"},
    {"write to what is read-only", "write at"},
    {"capability fault", "used capability slot"},
};

static kos_slot_t judging_appman;
static uint64_t judging_accounts[4];

// A call that a dying supervisor cuts off is repeated; it does no harm to ask twice.
static __attribute__((unused)) kos_status_t ask_appman(uint64_t label, const char* name, kos_msg_t* answer) {
    for (;;) {
        *answer = (kos_msg_t){.label = label, .payload = name, .payload_bytes = (uint32_t)strlen(name)};
        kos_status_t const status = kos_msg_call(judging_appman, answer);
        if (status != KOS_STATUS_PEER_GONE) return status;
    }
}

// All zero if it is not known.
static __attribute__((unused)) kos_appman_entry_t status_of(const char* name) {
    kos_appman_entry_t entry = {0};
    kos_msg_t answer;
    if (ask_appman(KOS_APPMAN_STATUS, name, &answer) == KOS_STATUS_OK && answer.payload_bytes >= sizeof entry)
        memcpy(&entry, answer.payload, sizeof entry);
    return entry;
}

static __attribute__((unused)) kos_status_t restart_domain(const char* name) {
    kos_msg_t answer;
    return ask_appman(KOS_APPMAN_RESTART, name, &answer);
}

// An order of inject.h or peer.h in registers; `result` gets the first word of the answer.
static __attribute__((unused)) kos_status_t order(kos_slot_t target, uint64_t label, uint64_t what, uint64_t first,
                                                  uint64_t* result) {
    uint64_t param = what, words[2] = {first, 0};
    kos_status_t const status = kos_msg_call_words(target, label, &param, words);
    if (result) *result = words[0];
    return status;
}

static __attribute__((unused)) int read_accounts(uint64_t words[4]) {
    kos_msg_t message;
    if (ask_appman(KOS_APPMAN_ACCOUNTS, "", &message) != KOS_STATUS_OK) return 0;
    if (message.payload_bytes != 4 * sizeof words[0]) return 0;
    memcpy(words, message.payload, 4 * sizeof words[0]);
    return 1;
}

// What the accounts are compared with from now on: as soon as no loan is open.
static __attribute__((unused)) void note_accounts(void) {
    for (unsigned tries = 0; tries < 100; ++tries) {
        if (read_accounts(judging_accounts) && (uint32_t)judging_accounts[3] == 0) return;
        pause_us(10000);
    }
}

// Loans go back with the ticker, so this waits for it.
static __attribute__((unused)) void check_accounts(const char* after) {
    uint64_t now[4] = {0};
    int is_same = 0;
    for (unsigned tries = 0; tries < 200 && !is_same; ++tries) {
        is_same = read_accounts(now) && !memcmp(now, judging_accounts, sizeof now);
        if (!is_same) pause_us(10000);
    }
    if (check("accounts as before", is_same, (int64_t)now[3])) return;
    char line[160];
    snprintf(line, sizeof line, "after %s: %lld untyped, %lld used, %lld slots, %llx loans and tokens\n", after,
             (long long)(now[0] - judging_accounts[0]), (long long)(now[1] - judging_accounts[1]),
             (long long)(now[2] - judging_accounts[2]), (long long)now[3]);
    print_line(line);
}

// Who counts rounds of work on its port has done more of them than when it was asked last, and nothing was wrong. It
// may have used up its time of this period.
static __attribute__((unused)) void check_works_on(const char* what, kos_slot_t worker, uint64_t* last) {
    uint64_t count = 0, words[2] = {0, 0};
    int has_moved = 0;
    for (unsigned tries = 0; tries < 200 && !has_moved; ++tries) {
        if (tries) pause_us(10000);
        count = 0;
        has_moved = kos_msg_call_words(worker, 1, &count, words) == KOS_STATUS_OK && count > *last + 1;
    }
    check(what, has_moved && words[0] == 0, (int64_t)(count - *last));
    *last = count;
}

static __attribute__((unused)) int is_logged(uint64_t from, const char* start, const char* part) {
    for (unsigned tries = 0; tries < 100; ++tries) {
        if (log_count(from, start, part)) return 1;
        pause_us(10000);
    }
    return 0;
}
