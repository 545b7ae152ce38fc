// Has drivers die in the middle of interrupts and transfers, and floods one with interrupts. The next instance must
// find its device working, the disk must hold what was written, and root's accounts must be as before.
#define RECORDS_HERE
#include "../../common/judging.h"

#include <kos/idl/block.h>
#include <kos/idl/gpio.h>
#include <kos/idl/rng.h>
#include <kos/ports.h>
#include <kos/thread.h>

static kos_gpio_client_t gpio;
static kos_block_client_t block;
static kos_rng_client_t rng;
static kos_slot_t pair;

enum { kPieces = 16, kStride = 8, kPieceBytes = 4096 };

static uint64_t instance_of(kos_slot_t slot) {
    uint64_t instance = 0;
    for (unsigned tries = 0; tries < 20; ++tries) {
        if (order(slot, kInjectLabel, kInjectState, 0, &instance) == KOS_STATUS_OK) return instance;
    }
    return 0;
}

static int is_restarted(kos_slot_t slot, uint64_t before) {
    for (unsigned tries = 0; tries < 500; ++tries) {
        if (instance_of(slot) == before + 1) return 1;
        pause_us(10000);
    }
    return 0;
}

static uint64_t pair_count(uint64_t* wrong) {
    uint64_t count = 0, words[2] = {0, 0};
    if (kos_msg_call_words(pair, 1, &count, words) != KOS_STATUS_OK) return 0;
    *wrong = words[0];
    return count;
}

static void fill(uint8_t* bytes, uint64_t piece) {
    uint64_t state = piece * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < kPieceBytes; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
}

// A driver that dies is asked again.
static int piece_is_right(uint64_t piece) {
    static uint8_t expected[kPieceBytes];
    const uint8_t* found;
    size_t size = 0;
    kos_status_t status = KOS_STATUS_PEER_GONE;
    for (unsigned tries = 0; tries < 10 && status == KOS_STATUS_PEER_GONE; ++tries)
        status = kos_block_client_read(block, piece * kStride, kPieceBytes, &found, &size);
    fill(expected, piece);
    return status == KOS_STATUS_OK && size == kPieceBytes && !memcmp(found, expected, kPieceBytes);
}

static unsigned right_pieces(void) {
    unsigned right = 0;
    for (uint64_t piece = 0; piece < kPieces; ++piece) right += (unsigned)piece_is_right(piece);
    return right;
}

static void write_pieces(void) {
    static uint8_t bytes[kPieceBytes];
    unsigned good = 0;
    for (uint64_t piece = 0; piece < kPieces; ++piece) {
        fill(bytes, piece);
        good += kos_block_client_write(block, piece * kStride, bytes, sizeof bytes) == KOS_STATUS_OK;
    }
    check("written", good == kPieces && kos_block_client_flush(block) == KOS_STATUS_OK, good);
}

// The transfer is done, its interrupt has come, and nobody has acknowledged it when the driver dies.
static void test_block_unacknowledged(void) {
    static const uint64_t kKinds[] = {kFaultNullWrite, kFaultAssert, kFaultHang};
    for (unsigned i = 0; i < sizeof kKinds / sizeof kKinds[0]; ++i) {
        uint64_t const before = instance_of(block.slot);
        check_status("block: at its next interrupt", order(block.slot, kInjectLabel, kInjectUnacked, kKinds[i], 0),
                     KOS_STATUS_OK);
        const uint8_t* found;
        size_t size = 0;
        check_status("block: its caller is told", kos_block_client_read(block, 0, kPieceBytes, &found, &size),
                     KOS_STATUS_PEER_GONE);
        check("block: it is restarted", is_restarted(block.slot, before), (int64_t)before);
        unsigned const right = right_pieces();
        check("block: the disk holds what was written", right == kPieces, right);
        check_accounts("block unacknowledged");
    }
}

static volatile int is_over;
static volatile unsigned reads, bad_reads;
static void read_all_the_time(void* nothing) {
    (void)nothing;
    for (uint64_t i = 0; !is_over; ++i) {
        const uint8_t* found;
        size_t size = 0;
        kos_status_t const status = kos_block_client_read(block, 1000 + i % 64, 512, &found, &size);
        if (status == KOS_STATUS_OK) ++reads;
        if (status != KOS_STATUS_OK && status != KOS_STATUS_PEER_GONE) ++bad_reads;
    }
}

// Its interrupt is still to come, and the device still writes into its memory, when the driver dies.
static void test_block_under_way(void) {
    kos_thread_t* thread = 0;
    kos_assert_created(kos_thread_create(read_all_the_time, 0, 0, &thread));
    kos_assert_ok(kos_thread_start(thread));
    unsigned restarted = 0;
    for (unsigned i = 0; i < 6; ++i) {
        uint64_t const before = instance_of(block.slot);
        kos_status_t const status =
            order(block.slot, kInjectLabel, i % 2 ? kInjectNow : kInjectOwn, kFaultNullWrite, 0);
        restarted += (status == KOS_STATUS_PEER_GONE || status == KOS_STATUS_OK) && is_restarted(block.slot, before);
        pause_us(100000);
    }
    is_over = 1;
    kos_assert_ok(kos_thread_join(thread));
    check("block: dies with reads under way", restarted == 6, restarted);
    check("block: reads went on", reads > 6 && bad_reads == 0, reads);
    unsigned const right = right_pieces();
    check("block: the disk holds what was written", right == kPieces, right);
    check_accounts("block under way");
}

static size_t random_bytes(uint8_t* to, size_t most) {
    for (unsigned tries = 0; tries < 300; ++tries) {
        const uint8_t* bytes;
        size_t size = 0;
        kos_status_t const status = kos_rng_client_read(rng, most, &bytes, &size);
        if (status == KOS_STATUS_OK) {
            memcpy(to, bytes, size);
            return size;
        }
        pause_us(5000);
    }
    return 0;
}

static void test_rng(void) {
    uint8_t first[32] = {0}, second[32] = {0};
    check("rng: bytes", random_bytes(first, sizeof first) == sizeof first, 0);
    for (unsigned i = 0; i < 3; ++i) {
        uint64_t const before = instance_of(rng.slot);
        // It asks its device for more whenever somebody takes some.
        check_status("rng: at its next interrupt", order(rng.slot, kInjectLabel, kInjectUnacked, kFaultJump, 0),
                     KOS_STATUS_OK);
        uint8_t bytes[1024];
        for (unsigned k = 0; k < 20 && instance_of(rng.slot) == before; ++k) random_bytes(bytes, sizeof bytes);
        check("rng: it is restarted", is_restarted(rng.slot, before), (int64_t)before);
        size_t const size = random_bytes(second, sizeof second);
        check("rng: other bytes", size == sizeof second && memcmp(first, second, sizeof first), (int64_t)size);
        memcpy(first, second, sizeof first);
        check_accounts("rng");
    }
}

// The board has nothing on the line: as an input it keeps what it was driven to last.
static kos_status_t edge(uint8_t line) {
    kos_gpio_client_set_direction(gpio, line, true, false);
    kos_gpio_client_set_direction(gpio, line, false, false);
    kos_status_t const status = kos_gpio_client_set_direction(gpio, line, true, true);
    return kos_status_is_ok(status) ? kos_gpio_client_set_direction(gpio, line, false, false) : status;
}

static int sees_edges(void) {
    uint8_t lines = 0, levels = 0;
    if (kos_gpio_client_subscribe(gpio, 1, KOS_GPIO_EDGES_RISING) != KOS_STATUS_OK) return 0;
    edge(1);
    for (unsigned tries = 0; tries < 200; ++tries) {
        if (kos_gpio_client_events(gpio, &lines, &levels) == KOS_STATUS_OK && lines & 2) return 1;
        pause_us(5000);
    }
    return 0;
}

static void test_gpio_unacknowledged(void) {
    check("gpio: sees edges", sees_edges(), 0);
    for (unsigned i = 0; i < 3; ++i) {
        uint64_t const before = instance_of(gpio.slot);
        check_status("gpio: subscribe", kos_gpio_client_subscribe(gpio, 1, KOS_GPIO_EDGES_RISING), KOS_STATUS_OK);
        check_status("gpio: at its next interrupt", order(gpio.slot, kInjectLabel, kInjectUnacked, kFaultNullWrite, 0),
                     KOS_STATUS_OK);
        edge(1);
        check("gpio: it is restarted", is_restarted(gpio.slot, before), (int64_t)before);
        check("gpio: the next one sees edges", sees_edges(), 0);
        check_accounts("gpio");
    }
}

// The device keeps its line active, and each interrupt that is acknowledged is followed by the next.
static void test_storm(void) {
    uint64_t wrong = 0, ignored = 0;
    uint64_t const before = instance_of(gpio.slot);
    check("storm: sees edges", sees_edges(), 0);
    uint64_t const quiet_from = pair_count(&wrong);
    pause_us(500000);
    uint64_t const quiet = pair_count(&wrong) - quiet_from;
    check_status("storm: nobody looks at the device", order(gpio.slot, kInjectLabel, kInjectStorm, 1, 0),
                 KOS_STATUS_OK);
    edge(1);
    uint64_t const storm_from = pair_count(&wrong);
    pause_us(500000);
    uint64_t const storm = pair_count(&wrong) - storm_from;
    check("storm: others go on", storm > quiet / 4 && wrong == 0, (int64_t)(quiet ? storm * 100 / quiet : 0));
    check_status("storm: the driver answers", order(gpio.slot, kInjectLabel, kInjectStorm, 0, &ignored), KOS_STATUS_OK);
    check("storm: there was one", ignored > 50, (int64_t)ignored);
    check_status("storm: dies in it", order(gpio.slot, kInjectLabel, kInjectStorm, 1, 0), KOS_STATUS_OK);
    edge(1);
    check_status("storm: of a fault", order(gpio.slot, kInjectLabel, kInjectNow, kFaultNullWrite, 0),
                 KOS_STATUS_PEER_GONE);
    check("storm: it is restarted", is_restarted(gpio.slot, before), (int64_t)before);
    check("storm: the next one sees edges", sees_edges(), 0);
    check_accounts("a storm");
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    begin_records();
    kos_assert_ok(kos_dir_request("appman", &judging_appman));
    kos_assert_ok(kos_dir_request("pair", &pair));
    kos_assert_ok(kos_gpio_connect("gpio", &gpio));
    kos_assert_ok(kos_block_connect("block", &block));
    kos_assert_ok(kos_rng_connect("rng", &rng));
    uint8_t bytes[32];
    write_pieces();
    check("all are read", right_pieces() == kPieces, 0);
    random_bytes(bytes, sizeof bytes);
    sees_edges();
    // Threads keep their memory: made once, so that it is in the accounts.
    kos_thread_t* thread = 0;
    kos_assert_created(kos_thread_create(read_all_the_time, 0, 0, &thread));
    kos_assert_ok(kos_thread_start(thread));
    for (unsigned tries = 0; tries < 500 && reads == 0; ++tries) pause_us(10000);
    is_over = 1;
    kos_assert_ok(kos_thread_join(thread));
    is_over = 0;
    reads = 0;
    note_accounts();
    test_block_unacknowledged();
    test_block_under_way();
    test_rng();
    test_gpio_unacknowledged();
    test_storm();
    print_verdict();
    return 0;
}
