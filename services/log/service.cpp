#include "service.h"

#include "../common/text.h"
#include "escape.h"

namespace kos::log {
namespace {

size_t length(const char* text, size_t most) {
    size_t bytes = 0;
    while (bytes < most && text[bytes] != 0) ++bytes;
    return bytes;
}

}  // namespace

kos_status_t Service::call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer) {
    now_ = now;
    return dispatch(caller, request, answer);
}

void Service::queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size, uint64_t now) {
    now_ = now;
    if (!dispatch_queued(caller, label, bytes, size)) ++malformed_[caller.domain % KOS_MAX_DOMAINS];
}

idl::Result<void> Service::write(const Caller& caller, Level level, std::string_view text) {
    if (level == Level::kNone) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
    // Also lines below the level count: to refuse them costs the same time.
    if (!rate_.take(caller.domain, now_)) return idl::Failure{KOS_STATUS_FULL};
    report_suppressed(caller.domain, now_);
    keep(caller.domain, static_cast<uint8_t>(level), store_.instance(caller.domain), now_, text.data(), text.size());
    return {};
}

idl::Result<idl::log::StatusAnswer> Service::status(const Caller&) {
    return idl::log::StatusAnswer{store_.next(), store_.next() - store_.oldest(), rate_.suppressed_total()};
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

idl::Result<idl::log::ReadAnswer> Service::read(const Caller& caller, uint64_t cursor) {
    if (caller.domain >= KOS_MAX_DOMAINS || (settings_.readers >> caller.domain & 1) == 0) {
        return idl::Failure{KOS_STATUS_UNAUTHORIZED};
    }
    const uint64_t oldest = store_.oldest();
    const uint64_t next = store_.next();
    if (cursor > next) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
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
    if (count == 0 && lost == 0) return idl::Failure{KOS_STATUS_EMPTY};
    return idl::log::ReadAnswer{cursor, lost, count, {buffer_, used}};
}

}  // namespace kos::log
