// Looks into the log for what must be there: a judge that is one of the log's readers.
#pragma once

#include <kos/dir.h>
#include <kos/msg.h>
#include <kos/ports.h>

#include <string.h>

// The sequence number of the line to come.
static inline uint64_t log_next(void) {
    kos_slot_t log;
    if (kos_dir_request("log", &log) != KOS_STATUS_OK) return 0;
    for (;;) {
        kos_msg_t message = {.label = KOS_LOG_STATUS};
        kos_status_t const status = kos_msg_call(log, &message);
        if (status == KOS_STATUS_OK) return message.param;
        if (status != KOS_STATUS_PEER_GONE) return 0;
    }
}

static inline int text_has(const char* text, size_t bytes, const char* part) {
    size_t const length = strlen(part);
    for (size_t i = 0; i + length <= bytes; ++i) {
        if (!memcmp(text + i, part, length)) return 1;
    }
    return 0;
}

// How many lines from `from` on begin with `start` and have `part` in them.
static inline unsigned log_count(uint64_t from, const char* start, const char* part) {
    kos_slot_t log;
    if (kos_dir_request("log", &log) != KOS_STATUS_OK) return 0;
    unsigned count = 0;
    for (uint64_t cursor = from;;) {
        kos_msg_t message = {.label = KOS_LOG_READ, .param = cursor};
        kos_status_t const status = kos_msg_call(log, &message);
        if (status == KOS_STATUS_PEER_GONE) continue;
        if (status != KOS_STATUS_OK) return count;
        const char* at = message.payload;
        for (uint64_t i = 0; i < message.words[1]; ++i) {
            kos_log_line_t line;
            memcpy(&line, at, sizeof line);
            const char* const text = at + sizeof line;
            count +=
                line.bytes >= strlen(start) && !memcmp(text, start, strlen(start)) && text_has(text, line.bytes, part);
            at += (sizeof line + line.bytes + 7) & ~(size_t)7;
        }
        cursor = message.param;
    }
}

// The n-th line from `from` on that the domain `name` has written and that begins with `start`: its time in ticks, and
// what follows `start` in it as a number. False: there is none.
static inline int log_find(uint64_t from, const char* name, const char* start, unsigned n, uint64_t* ticks,
                           uint64_t* number) {
    kos_slot_t log;
    if (kos_dir_request("log", &log) != KOS_STATUS_OK) return 0;
    for (uint64_t cursor = from;;) {
        kos_msg_t message = {.label = KOS_LOG_READ, .param = cursor};
        kos_status_t const status = kos_msg_call(log, &message);
        if (status == KOS_STATUS_PEER_GONE) continue;
        if (status != KOS_STATUS_OK) return 0;
        const char* at = message.payload;
        for (uint64_t i = 0; i < message.words[1]; ++i) {
            kos_log_line_t line;
            memcpy(&line, at, sizeof line);
            const char* const text = at + sizeof line;
            size_t const length = strlen(start);
            int const is_it = !strcmp(line.name, name) && line.bytes >= length && !memcmp(text, start, length);
            if (is_it && --n == 0) {
                *ticks = line.ticks;
                *number = 0;
                for (size_t k = length; k < line.bytes && text[k] >= '0' && text[k] <= '9'; ++k)
                    *number = *number * 10 + (uint64_t)(text[k] - '0');
                return 1;
            }
            at += (sizeof line + line.bytes + 7) & ~(size_t)7;
        }
        cursor = message.param;
    }
}
