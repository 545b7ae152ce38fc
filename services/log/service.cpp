#include "service.h"

#include "../common/request.h"
#include "../common/text.h"
#include "escape.h"

namespace kos::log {
namespace {

size_t length(const char* text, size_t most) {
    size_t bytes = 0;
    while (bytes < most && text[bytes] != 0) ++bytes;
    return bytes;
}

bool is_bare(const kos_msg_t& request) {
    return service::has_no_words(request) && request.token == 0 && request.payload_bytes == 0;
}

}  // namespace

kos_status_t Service::call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer) {
    if (caller.token != 0) return KOS_STATUS_BAD_REQUEST;
    switch (request.label) {
        case KOS_LOG_WRITE:
            if (!service::has_no_words(request) || request.token != 0) return KOS_STATUS_BAD_REQUEST;
            return write(caller.domain, request.param, request.payload, request.payload_bytes, now);
        case KOS_LOG_READ:
            if (!is_bare(request)) return KOS_STATUS_BAD_REQUEST;
            return read(caller, request.param, answer);
        case KOS_LOG_STATUS:
            if (!is_bare(request) || request.param != 0) return KOS_STATUS_BAD_REQUEST;
            answer.param = store_.next();
            answer.has_words = 1;
            answer.words[0] = store_.next() - store_.oldest();
            answer.words[1] = rate_.suppressed_total();
            return KOS_STATUS_OK;
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

void Service::queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size, uint64_t now) {
    kos_status_t status = KOS_STATUS_BAD_REQUEST;
    if ((label & 0xff) == KOS_LOG_WRITE) status = write(caller.domain, label >> 8, bytes, size, now);
    // FULL is counted by the rate limit.
    if (!kos_status_is_ok(status) && status != KOS_STATUS_FULL) ++malformed_[caller.domain % KOS_MAX_DOMAINS];
}

kos_status_t Service::write(uint16_t domain, uint64_t level, const void* text, size_t bytes, uint64_t now) {
    if (level < KOS_LOG_ERROR || level > KOS_LOG_DEBUG || bytes > KOS_LOG_TEXT_MAX) return KOS_STATUS_INVALID_ARGUMENT;
    // Also lines below the level count: to refuse them costs the same time.
    if (!rate_.take(domain, now)) return KOS_STATUS_FULL;
    report_suppressed(domain, now);
    keep(domain, static_cast<uint8_t>(level), store_.instance(domain), now, static_cast<const char*>(text), bytes);
    return KOS_STATUS_OK;
}

void Service::keep(uint16_t domain, uint8_t level, uint32_t instance, uint64_t ticks, const char* text, size_t bytes) {
    if (level > settings_.keep_level) return;
    Line line;
    line.sequence = 0;
    line.ticks = ticks;
    line.instance = instance;
    line.domain = domain;
    line.level = level;
    line.bytes = static_cast<uint8_t>(escape(text, bytes, line.text, sizeof line.text));
    store_.append(line);
}

void Service::note(uint8_t level, const char* text, size_t bytes, uint64_t now) {
    keep(settings_.own_domain, level, store_.instance(settings_.own_domain), now, text, bytes);
}

void Service::report_suppressed(uint16_t domain, uint64_t now) {
    const uint64_t count = rate_.report(domain, now);
    if (count == 0) return;
    service::Text<96> text;
    text.add(names_[domain]).add(": ").add_number(count).add(" lines above its rate were suppressed");
    note(KOS_LOG_WARNING, text.data(), text.size(), now);
}

void Service::tick(uint64_t now) {
    for (uint16_t domain = 0; domain < KOS_MAX_DOMAINS; ++domain) {
        report_suppressed(domain, now);
        if (malformed_[domain] == 0) continue;
        service::Text<96> text;
        text.add(names_[domain]).add(": ").add_number(malformed_[domain]).add(" queued messages were no lines");
        malformed_[domain] = 0;
        note(KOS_LOG_WARNING, text.data(), text.size(), now);
    }
}

void Service::follow_root(const RootRing* ring, size_t ring_bytes, uint64_t now) {
    uint64_t next = store_.root_position();
    uint64_t lost = 0;
    RootRecord record;
    // Bounded: what root writes meanwhile has its own signal.
    for (size_t i = 0; i < ring_bytes / sizeof(RootRecord); ++i) {
        if (!root_ring_take(ring, ring_bytes, &next, &record, &lost)) break;
        store_.set_root_position(next);
        if (record.domain >= KOS_MAX_DOMAINS) record.domain = 0;
        if (record.level < KOS_LOG_ERROR || record.level > KOS_LOG_DEBUG) record.level = KOS_LOG_INFO;
        if (record.kind == kRootStart) {
            store_.set_instance(record.domain, record.instance);
            service::Text<96> text;
            text.add(record.text, record.bytes).add(" starts, instance ").add_number(record.instance);
            keep(0, record.level, 0, record.ticks, text.data(), text.size());
        } else {
            keep(0, record.level, 0, record.ticks, record.text, record.bytes);
        }
    }
    if (lost == 0) return;
    service::Text<96> text;
    text.add_number(lost).add(" records of root were overwritten before they were read");
    note(KOS_LOG_WARNING, text.data(), text.size(), now);
}

kos_status_t Service::read(const kos_caller_t& caller, uint64_t cursor, kos_msg_t& answer) {
    if (caller.domain >= KOS_MAX_DOMAINS || (settings_.readers >> caller.domain & 1) == 0) {
        return KOS_STATUS_UNAUTHORIZED;
    }
    const uint64_t oldest = store_.oldest();
    const uint64_t next = store_.next();
    if (cursor > next) return KOS_STATUS_INVALID_ARGUMENT;
    uint64_t lost = 0;
    if (cursor < oldest) {
        lost = cursor == 0 ? 0 : oldest - cursor;  // 0: "from the oldest on"
        cursor = oldest;
    }
    size_t used = 0;
    uint64_t count = 0;
    Line line;
    for (; cursor < next; ++cursor) {
        if (!store_.read(cursor, &line)) {
            ++lost;  // damaged
            continue;
        }
        const size_t size = (sizeof(kos_log_line_t) + line.bytes + 7) & ~size_t{7};
        if (size > sizeof buffer_ - used) break;
        kos_log_line_t out = {};
        out.sequence = line.sequence;
        out.ticks = line.ticks;
        out.instance = line.instance;
        out.domain = line.domain;
        out.level = line.level;
        out.bytes = line.bytes;
        const char* name = names_[line.domain];
        __builtin_memcpy(out.name, name, length(name, KOS_MAX_NAME));
        __builtin_memset(buffer_ + used, 0, size);
        __builtin_memcpy(buffer_ + used, &out, sizeof out);
        __builtin_memcpy(buffer_ + used + sizeof out, line.text, line.bytes);
        used += size;
        ++count;
    }
    if (count == 0 && lost == 0) return KOS_STATUS_EMPTY;
    answer.param = cursor;
    answer.has_words = 1;
    answer.words[0] = lost;
    answer.words[1] = count;
    answer.payload = buffer_;
    answer.payload_bytes = static_cast<uint32_t>(used);
    return KOS_STATUS_OK;
}

}  // namespace kos::log
