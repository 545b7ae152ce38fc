/*
 * All deadlines of the timer: alarms (16 of each domain, kept in memory that survives restarts) and sleepers (callers
 * that are answered later, at most as many as there are reply objects). No I/O.
 *
 * A fixed table instead of a heap: the number of deadlines is bounded by the number of domains, and the earliest of
 * each domain is remembered, so that finding the next one looks at fewer than a hundred words.
 */
#ifndef KOS_SERVICES_TIMER_DEADLINES_H_
#define KOS_SERVICES_TIMER_DEADLINES_H_

#include <kos/abi.h>

#include <stddef.h>
#include <stdint.h>

namespace kos::timer {

constexpr uint64_t kNever = UINT64_MAX;

class Alarms {
public:
    static constexpr unsigned kBits = 16;  // of one domain
    static constexpr size_t kBytes = sizeof(uint64_t) * KOS_MAX_DOMAINS * kBits;

    // Takes memory over as it is: each entry is one word, so none can be torn. False if it does not fit.
    [[nodiscard]] bool open(void* memory, size_t bytes);

    // Sets or replaces; `time` 0 cancels. Preconditions: domain and bit within range.
    void set(unsigned domain, unsigned bit, uint64_t time);

    // Calls signal(domain) once for each domain that has alarms at or before `now`, and removes these afterwards, so
    // that an end in between signals twice rather than never.
    template <typename Signal>
    void expire(uint64_t now, Signal signal) {
        for (unsigned domain = 0; domain < KOS_MAX_DOMAINS; ++domain) {
            if (earliest_[domain] > now) continue;
            signal(domain);
            for (unsigned bit = 0; bit < kBits; ++bit) {
                const uint64_t time = load(domain, bit);
                if (time != 0 && time <= now) store(domain, bit, 0);
            }
            find_earliest(domain);
        }
    }

    uint64_t next() const;  // kNever: none
    unsigned count() const;

private:
    uint64_t load(unsigned domain, unsigned bit) const {
        return __atomic_load_n(&times_[domain * kBits + bit], __ATOMIC_RELAXED);
    }
    void store(unsigned domain, unsigned bit, uint64_t time) {
        __atomic_store_n(&times_[domain * kBits + bit], time, __ATOMIC_RELAXED);
    }
    void find_earliest(unsigned domain);

    uint64_t* times_ = nullptr;
    uint64_t earliest_[KOS_MAX_DOMAINS];
};

class Sleepers {
public:
    static constexpr unsigned kMost = KOS_MAX_REPLIES;
    static constexpr unsigned kMostOfDomain = 8;

    // A place for one more caller of `domain`; kMost: none is free, or this domain has taken its share.
    unsigned find_place(unsigned domain) const;
    void add(unsigned place, unsigned domain, uint64_t time);

    // Calls wake(place) for everyone whose time has come.
    template <typename Wake>
    void expire(uint64_t now, Wake wake) {
        for (unsigned place = 0; place < kMost; ++place) {
            if (times_[place] > now || times_[place] == 0) continue;
            times_[place] = 0;
            wake(place);
        }
    }

    uint64_t next() const;
    unsigned count() const;

private:
    uint64_t times_[kMost] = {};  // 0: free
    uint8_t domains_[kMost] = {};
};

}  // namespace kos::timer

#endif
