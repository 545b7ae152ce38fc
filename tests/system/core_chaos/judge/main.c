// Ends, hangs, starves and floods everybody in random order while others work, the supervisor included, and looks
// afterwards whether all is as it was: every domain is back and does its work, nobody got a wrong answer, no call
// hangs, and root's accounts are as before. Parameters: seed, duration_ms.
#define RECORDS_HERE
#include "../../common/judging.h"
#include "../../common/peer.h"

#include <kos/log.h>
#include <kos/random.h>
#include <kos/thread.h>

// Whoever can be struck. `is_peer`: it understands peer.h, others inject.h; null port: it can only be killed.
static struct victim {
    const char* name;
    const char* port;
    int is_peer;
    kos_slot_t slot;
    uint16_t domain;
    uint32_t strikes;
    uint64_t memory;  // bytes before
} victims[] = {
    {.name = "uart", .port = "console"},
    {.name = "log", .port = "log"},
    {.name = "directory", .port = "directory"},
    {.name = "timer", .port = "timer"},
    {.name = "entropy", .port = "entropy"},
    {.name = "rtc", .port = "rtc"},
    {.name = "gpio", .port = "gpio"},
    {.name = "peer", .port = "peer", .is_peer = 1},
    {.name = "peer_active", .port = "active", .is_peer = 1},
    {.name = "peer_relay", .port = "relay", .is_peer = 1},
    {.name = "bystander", .port = "third", .is_peer = 1},
    {.name = "user"},
    {.name = "pair"},
};
enum { kVictims = sizeof victims / sizeof victims[0], kFirstPeer = 7, kLastPeer = 10 };

// Who is not struck in turn, and whose memory counts all the same.
static struct victim others[] = {{.name = "appman"}, {.name = "judge"}};
enum { kOthers = sizeof others / sizeof others[0] };

static kos_slot_t user, pair;
static uint64_t random_state;
static volatile uint64_t served, cut_off, wrong;
static volatile int is_over;

// SplitMix64.
static uint64_t next_random(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static uint64_t below(uint64_t end) { return next_random() % end; }

static void load(void* index) {
    kos_slot_t const target = victims[kFirstPeer + (uintptr_t)index].slot;
    for (uint64_t i = 0; !is_over; ++i) {
        uint64_t param = i, words[2] = {0, 0};
        kos_status_t const status = kos_msg_call_words(target, kPeerEcho, &param, words);
        if (status == KOS_STATUS_OK && param == i + 1) {
            __atomic_fetch_add(&served, 1, __ATOMIC_RELAXED);
        } else {
            __atomic_fetch_add(status == KOS_STATUS_PEER_GONE ? &cut_off : &wrong, 1, __ATOMIC_RELAXED);
        }
        if (i % 4 == 0) kos_thread_yield();
    }
}

static kos_status_t tell(kos_slot_t target, uint64_t label, uint64_t param, uint64_t first) {
    uint64_t words[2] = {first, 0};
    return kos_msg_call_words(target, label, &param, words);
}

static uint64_t memory_of(const struct victim* victim) {
    uint64_t param = kInjectMemoryOf, words[2] = {victim->domain, 0};
    return kos_msg_call_words(judging_appman, kInjectLabel, &param, words) == KOS_STATUS_OK ? words[0] : 0;
}

static void note_memory(struct victim* of, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        kos_appman_entry_t const entry = status_of(of[i].name);
        of[i].domain = entry.domain;
        of[i].memory = memory_of(&of[i]);
    }
}

static void print_table(const struct victim* of, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        char line[160];
        kos_appman_entry_t const entry = status_of(of[i].name);
        snprintf(line, sizeof line, "%s: %u strikes, instance %u, memory %+lld\n", of[i].name, of[i].strikes,
                 entry.instance, (long long)(memory_of(&of[i]) - of[i].memory));
        print_line(line);
    }
}

static void strike(struct victim* victim) {
    ++victim->strikes;
    uint64_t kind = below(12) == 0 ? kFaultHang : below(kFaultKinds);
    uint64_t const way = below(10);
    if (!victim->port || way == 0) {
        tell(judging_appman, kInjectLabel, kInjectKill, victim->domain);
    } else if (way == 1) {
        restart_domain(victim->name);
    } else if (victim->is_peer) {
        if (way == 2) tell(victim->slot, kPeerMemory, 0, 0);
        if (way == 3) tell(victim->slot, kPeerSpin, below(20000), 0);
        // A thread that hangs costs its own time only, and nobody minds; one peer may have no second thread.
        int const has_threads = victim != &victims[kLastPeer];
        int const by_thread = way == 4 && has_threads && kind != kFaultHang;
        tell(victim->slot, by_thread ? kPeerFaultThread : kPeerWrong, kind, 0);
    } else {
        if (way == 2) tell(victim->slot, kInjectLabel, kInjectMemory, 0);
        if (way == 3) tell(victim->slot, kInjectLabel, kInjectSpin, below(20000));
        if (way == 4) tell(victim->slot, kInjectLabel, kInjectFlood, below(30));
        if (way == 6 && kind == kFaultHang) kind = kFaultNullWrite;
        uint64_t const how = way == 5 ? kInjectOwn : way == 6 ? kInjectThread : kInjectNow;
        tell(victim->slot, kInjectLabel, how, kind);
    }
}

static unsigned strike_at_random(uint64_t duration_ms) {
    uint64_t const end = kos_time_after_us(duration_ms * 1000);
    unsigned strikes = 0;
    while (kos_time_ticks() < end) {
        // The supervisor rarely: root starts it later and later while it dies often.
        if (below(40) == 0) {
            tell(judging_appman, kInjectLabel, below(4) ? kInjectNow : kInjectAtRequest, below(kFaultKinds));
        } else {
            strike(&victims[below(kVictims)]);
        }
        ++strikes;
        pause_us(1000 + below(60000));
    }
    return strikes;
}

// Does its work; also makes what is made when it is needed first.
static int works(unsigned index) {
    static const uint8_t kZero[32];
    uint8_t bytes[32] = {0};
    uint64_t param = 41, words[2] = {0, 0};
    switch (index) {
        case 1: {
            uint64_t const from = log_next();
            return kos_log_info("a line of the judge") == KOS_STATUS_OK && log_count(from, "a line of the judge", "");
        }
        case 2: return kos_dir_query("gpio") == KOS_STATUS_OK;
        case 3: return kos_delay(3000) == KOS_STATUS_OK;
        case 4: return kos_random(bytes, sizeof bytes) == KOS_STATUS_OK && memcmp(bytes, kZero, sizeof bytes);
        case 0:
        case 5:
        case 6: return kos_msg_ping(victims[index].slot) == KOS_STATUS_PONG;
        case 11: return kos_msg_call_words(user, 1, &param, words) == KOS_STATUS_OK && words[0] == 0;
        case 12: return kos_msg_call_words(pair, 1, &param, words) == KOS_STATUS_OK && words[0] == 0;
        default:
            return kos_msg_call_words(victims[index].slot, kPeerEcho, &param, words) == KOS_STATUS_OK && param == 42;
    }
}

// Everybody runs, and nobody has been started for a while: what was ordered last may take effect late.
static int is_quiet(void) {
    uint64_t last = 0;
    unsigned quiet = 0;
    for (unsigned tries = 0; tries < 400; ++tries) {
        uint64_t sum = 0;
        unsigned running = 0;
        for (unsigned i = 0; i < kVictims; ++i) {
            kos_appman_entry_t const entry = status_of(victims[i].name);
            running += entry.state == KOS_APPMAN_READY;
            sum += entry.instance;
            victims[i].domain = entry.domain;
        }
        quiet = running == kVictims && sum == last ? quiet + 1 : 0;
        last = sum;
        // Longer than a watchdog's time.
        if (quiet == 60) return 1;
        pause_us(10000);
    }
    return 0;
}

static uint64_t progress(kos_slot_t of, uint64_t* bad) {
    uint64_t count = 0, words[2] = {0, 0};
    if (kos_msg_call_words(of, 1, &count, words) != KOS_STATUS_OK) return 0;
    *bad += words[0];
    return count;
}

static void use_all(void) {
    for (unsigned round = 0; round < 3; ++round) {
        for (unsigned i = 0; i < kVictims; ++i) works(i);
        tell(victims[9].slot, kPeerRelay, 1, kPeerEcho);
        pause_us(50000);
    }
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    char line[160];
    begin_records();
    random_state = kos_app_parameter_number("seed", 1);
    snprintf(line, sizeof line, "seed %llu\n", (unsigned long long)random_state);
    print_line(line);
    kos_assert_ok(kos_dir_request("appman", &judging_appman));
    kos_assert_ok(kos_dir_request("user", &user));
    kos_assert_ok(kos_dir_request("pair", &pair));
    for (unsigned i = 0; i < kVictims; ++i) {
        if (victims[i].port) kos_assert_ok(kos_dir_request(victims[i].port, &victims[i].slot));
    }
    kos_thread_t* threads[2];
    for (uintptr_t i = 0; i < 2; ++i) {
        kos_assert_created(kos_thread_create(load, (void*)i, 0, &threads[i]));
        kos_assert_ok(kos_thread_start(threads[i]));
    }
    // The timer asks the clock once only, in a thread of its first instance.
    kos_assert_ok(restart_domain("timer"));
    check("all are there", is_quiet(), 0);
    use_all();
    uint64_t before[4] = {0}, after[4] = {0};
    for (unsigned tries = 0; tries < 100 && !(read_accounts(before) && before[3] == 0); ++tries) pause_us(10000);
    note_memory(victims, kVictims);
    note_memory(others, kOthers);
    served = cut_off = wrong = 0;

    unsigned const strikes = strike_at_random(kos_app_parameter_number("duration_ms", 20000));
    tell(judging_appman, kInjectLabel, kInjectAtRequest, 0);

    check("everybody is back", is_quiet(), strikes);
    use_all();
    unsigned working = 0;
    for (unsigned i = 0; i < kVictims; ++i) {
        int const does = works(i);
        working += does != 0;
        snprintf(line, sizeof line, "%s %s\n", victims[i].name, does ? "works" : "does not work");
        if (!does) print_line(line);
    }
    check("everybody works", working == kVictims, working);
    uint64_t bad = 0;
    uint64_t const user_before = progress(user, &bad), pair_before = progress(pair, &bad), served_before = served;
    pause_us(200000);
    uint64_t const user_after = progress(user, &bad), pair_after = progress(pair, &bad);
    check("the user of all goes on", user_after > user_before, (int64_t)(user_after - user_before));
    check("the pair goes on", pair_after > pair_before, (int64_t)(pair_after - pair_before));
    check("the load goes on", served > served_before, (int64_t)served);
    check("no wrong answer", wrong == 0 && bad == 0, (int64_t)(wrong + bad));
    is_over = 1;
    for (unsigned i = 0; i < 2; ++i) kos_assert_ok(kos_thread_join(threads[i]));
    int is_same = 0;
    for (unsigned tries = 0; tries < 200 && !is_same; ++tries) {
        is_same = read_accounts(after) && !memcmp(before, after, sizeof before);
        if (!is_same) pause_us(10000);
    }
    for (unsigned i = 0; i < 4; ++i) check("account as before", before[i] == after[i], (int64_t)(after[i] - before[i]));
    print_table(victims, kVictims);
    print_table(others, kOthers);
    print_verdict();
    return 0;
}
