// Kills, crashes, hangs and compromises the sensor, the pump's driver and the controller in random order, several at
// once, and looks at the judge all the time: does the safety rule hold, and is everything back afterwards?
#define RECORDS_HERE
#include "records.h"

#include "../../common/stamp.h"

#include <kos/idl/appman.h>
#include <kos/idl/interlock.h>
#include <kos/idl/judge.h>
#include <kos/idl/part.h>

enum { kParts = 3, kHows = 4, kCalmMs = 20000, kLookMs = 20, kMostPauseMs = 2500 };

static const char* const names[kParts] = {"sensor", "pump", "controller"};
static const char* const how_names[kHows] = {"crash", "hang", "compromise", "kill"};
static kos_part_client_t parts[kParts];
static kos_appman_client_t appman;
static kos_judge_client_t judge;
static kos_interlock_client_t interlock;
static uint64_t noise;
static unsigned done[kHows], refused;

static uint32_t random_below(uint32_t limit) {
    noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
    return (uint32_t)((noise >> 32) % limit);
}

static uint64_t deadline_after_ms(uint64_t ms) { return kos_time_after_us(ms * 1000); }

static kos_appman_domain_t status_of(const char* name) {
    kos_appman_domain_t domain = {.restarts = 0};
    kos_assert_ok(kos_appman_client_status(appman, name, strlen(name), &domain));
    return domain;
}

// The connections are ours alone, and a part that is hung answers nobody: the watchdog ends it within a second, and the
// call with it.
static void break_one(void) {
    unsigned const part = random_below(kParts), how = random_below(kHows);
    kos_status_t const status = how == 3 ? kos_appman_client_restart(appman, names[part], strlen(names[part]))
                                         : kos_part_client_trial(parts[part], (kos_part_how_t)how);
    if (kos_status_is_ok(status))
        ++done[how];
    else
        ++refused;
}

static int rule_holds(kos_judge_state_t* state) {
    kos_assert_ok(kos_judge_client_state(judge, state));
    return state->dry == 0 && state->blind == 0 && state->overflow == 0;
}

// Looks at the judge for so long; 0 as soon as the rule is broken.
static int watch(uint64_t ms) {
    uint64_t const until = deadline_after_ms(ms);
    kos_judge_state_t state;
    do {
        if (!rule_holds(&state)) return 0;
        pause_us(kLookMs * 1000);
    } while (kos_time_ticks() < until);
    return 1;
}

static void connect(void) {
    static const char* const ports[kParts] = {"sensor_part", "pump_part", "controller_part"};
    begin_records();
    kos_assert_ok(kos_appman_connect("appman", &appman));
    kos_assert_ok(kos_judge_connect("judge", &judge));
    kos_assert_ok(kos_interlock_connect("interlock", &interlock));
    for (unsigned i = 0; i < kParts; ++i) kos_assert_ok(kos_part_connect(ports[i], &parts[i]));
}

// The vectors of the reference implementation, of whole words: key and input are the bytes 0, 1, 2, ...
static void check_stamps(void) {
    static const uint64_t words[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    stamp_key_t const key = {words[0], words[1]};
    check("stamps are SipHash-2-4",
          stamp_hash(key, words, 0) == 0x726fdb47dd0e0e31 && stamp_hash(key, words, 1) == 0x93f5f5799a932462 &&
              stamp_hash(key, words, 2) == 0x3f2acc7f57c29bdb,
          0);
}

static void check_rule(const kos_judge_state_t* state) {
    check("the motor never ran dry", state->dry == 0, state->lowest_running_mm);
    check("nor blind", state->blind == 0, state->longest_blind_ms);
    check("the basin never overflowed", state->overflow == 0, state->highest_mm);
}

static void check_calm(void) {
    kos_judge_state_t state;
    kos_interlock_state_t lock = {0};
    rule_holds(&state);
    check_rule(&state);
    check("the level is where it should be", state.level_mm > 480 && state.level_mm < 620, state.level_mm);
    check_status("the interlock answers", kos_interlock_client_state(interlock, &lock), KOS_STATUS_OK);
    check("and lets the motor run", lock.verdict == KOS_INTERLOCK_VERDICT_RUN && lock.leased, lock.verdict);
    for (unsigned i = 0; i < kParts; ++i) {
        kos_appman_domain_t const domain = status_of(names[i]);
        check(names[i], domain.state == KOS_APPMAN_STATE_READY && domain.restarts > 0, domain.restarts);
    }
    check("the plant was never restarted", status_of("plant").restarts == 0, status_of("plant").restarts);
}

int main(void) {
    uint64_t const seconds = kos_app_parameter_number("seconds", 60);
    uint64_t const seed = kos_app_parameter_number("seed", 1);
    connect();
    check_stamps();
    noise = seed * 0x9e3779b97f4a7c15u + 1;
    int is_good = check("undisturbed, the rule holds", watch(3000), (int64_t)seed);
    uint64_t const until = deadline_after_ms(seconds * 1000);
    while (is_good && kos_time_ticks() < until) {
        break_one();
        is_good = watch(random_below(kMostPauseMs));
    }
    check("it holds whatever is broken", is_good, (int64_t)seconds);
    for (unsigned how = 0; how < kHows; ++how) check(how_names[how], done[how] > 0, done[how]);
    check("calm again, it holds", watch(kCalmMs), refused);
    check_calm();
    print_verdict();
    return 0;
}
