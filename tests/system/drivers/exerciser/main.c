// Uses every driver through its interface and says what works, in records on the console.
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/idl/block.h>
#include <kos/idl/console.h>
#include <kos/idl/gpio.h>
#include <kos/idl/rng.h>
#include <kos/idl/rtc.h>
#include <kos/time.h>

#include <stdio.h>
#include <string.h>

static kos_console_client_t console, line_a, line_b;
static kos_rtc_client_t rtc;
static kos_gpio_client_t gpio;
static kos_block_client_t block;
static kos_rng_client_t rng;
static kos_slot_t gpio_peer;
static int passed, failed;

// The driver's ring may be full for a moment.
static int write_all(const void* bytes, size_t size) {
    for (int i = 0; i < 1000; ++i) {
        const kos_status_t status = kos_console_client_write(console, bytes, size);
        if (status != KOS_STATUS_FULL) return kos_status_is_ok(status);
        kos_delay(1000);
    }
    return 0;
}

static void check(const char* name, int is_good, uint64_t detail) {
    char line[200];
    const int length = snprintf(line, sizeof line, "\x1e{\"test\":\"%s\",\"result\":\"%s\",\"detail\":\"%llu\"}\n",
                                name, is_good ? "pass" : "fail", (unsigned long long)detail);
    write_all(line, (size_t)length);
    if (is_good) {
        ++passed;
    } else {
        ++failed;
    }
}

// Input that the test gives to QEMU; its beginning may have come before the driver.
static void test_uart_input(void) {
    static const char kExpected[] = "the end of the input";
    char seen[sizeof kExpected] = "";
    size_t total = 0;
    for (int i = 0; i < 200 && strcmp(seen, kExpected) != 0; ++i) {
        const uint8_t* bytes;
        size_t size;
        const kos_status_t status = kos_console_client_read(console, 16, &bytes, &size);
        if (status == KOS_STATUS_EMPTY) kos_delay(10000);
        if (status != KOS_STATUS_OK) continue;
        for (size_t n = 0; n < size; ++n, ++total) {
            memmove(seen, seen + 1, sizeof seen - 2);
            seen[sizeof seen - 2] = (char)bytes[n];
        }
    }
    check("uart: read", strcmp(seen, kExpected) == 0, total);
    kos_console_status_t counters = {0};
    const kos_status_t status = kos_console_client_status(console, &counters);
    check("uart: status",
          status == KOS_STATUS_OK && counters.sent > 0 && counters.received >= total && counters.dropped == 0,
          counters.received);
}

// More than the device takes at once, so that interrupts have to carry it out.
static void test_uart_output(void) {
    static char text[4096];
    memset(text, '.', sizeof text);
    text[sizeof text - 1] = '\n';
    unsigned written = 0;
    for (int i = 0; i < 8; ++i) written += (unsigned)write_all(text, sizeof text);
    check("uart: 32 KiB by interrupts", written == 8, written);
    uint64_t param = 0, words[2] = {0, 0};
    check("uart: unknown label", kos_msg_call_words(console.slot, 99, &param, words) == KOS_STATUS_BAD_REQUEST, 0);
}

static void test_rtc(void) {
    uint64_t now = 0;
    kos_status_t status = kos_rtc_client_get(rtc, &now);
    check("rtc: get", status == KOS_STATUS_OK && now > 1700000000, now);
    uint64_t then = 0;
    const uint64_t before = kos_time_us();
    status = kos_rtc_client_alarm(rtc, now + 2, &then);
    const uint64_t waited = kos_time_us() - before;
    check("rtc: alarm", status == KOS_STATUS_OK && then >= now + 2 && waited > 900000 && waited < 10000000, waited);
    status = kos_rtc_client_set(rtc, 1000000000);
    now = 0;
    check("rtc: set",
          status == KOS_STATUS_OK && kos_rtc_client_get(rtc, &now) == KOS_STATUS_OK && now >= 1000000000 &&
              now < 1000000010,
          now);
    check("rtc: set to what it cannot hold", kos_rtc_client_set(rtc, 1ull << 32) == KOS_STATUS_INVALID_ARGUMENT, 0);
}

// The board has nothing on the line: as an input it keeps what it was driven to last.
static kos_status_t gpio_edge(uint8_t line, bool level) {
    const kos_status_t status = kos_gpio_client_set_direction(gpio, line, true, level);
    return kos_status_is_ok(status) ? kos_gpio_client_set_direction(gpio, line, false, false) : status;
}

static kos_status_t ask_peer(uint64_t label, uint64_t* param) {
    uint64_t words[2] = {0, 0};
    *param = 0;
    return kos_msg_call_words(gpio_peer, label, param, words);
}

static void test_gpio_lines(void) {
    uint8_t lines = 0;
    uint64_t theirs;
    bool level = false;
    check("gpio: own lines", kos_gpio_client_lines(gpio, &lines) == KOS_STATUS_OK && lines == 7, lines);
    check("gpio: the peer's lines", ask_peer(1, &theirs) == KOS_STATUS_OK && theirs == 0x30, theirs);
    check("gpio: output", kos_gpio_client_set_direction(gpio, 0, true, true) == KOS_STATUS_OK, 0);
    check("gpio: reads what it drives", kos_gpio_client_read(gpio, 0, &level) == KOS_STATUS_OK && level, level);
    check("gpio: write", kos_gpio_client_write(gpio, 0, false) == KOS_STATUS_OK, 0);
    check("gpio: reads it again", kos_gpio_client_read(gpio, 0, &level) == KOS_STATUS_OK && !level, level);
    check("gpio: write to an input", kos_gpio_client_write(gpio, 1, true) == KOS_STATUS_CONFLICT, 0);
    check("gpio: the peer's line", kos_gpio_client_write(gpio, 4, true) == KOS_STATUS_UNAUTHORIZED, 0);
    check("gpio: the power button", kos_gpio_client_read(gpio, 3, &level) == KOS_STATUS_UNAUTHORIZED, 0);
    check("gpio: the peer has no right here", ask_peer(2, &theirs) == KOS_STATUS_UNAUTHORIZED, 0);
}

static void test_gpio_edges(void) {
    uint8_t lines = 0, levels = 0;
    uint64_t theirs;
    check("gpio: subscribe", kos_gpio_client_subscribe(gpio, 1, KOS_GPIO_EDGES_RISING) == KOS_STATUS_OK, 0);
    check("gpio: the peer subscribes", ask_peer(3, &theirs) == KOS_STATUS_OK, 0);
    check("gpio: no event yet", kos_gpio_client_events(gpio, &lines, &levels) == KOS_STATUS_EMPTY, 0);
    check("gpio: rising edge", gpio_edge(1, true) == KOS_STATUS_OK, 0);
    kos_status_t status = kos_gpio_client_wait(gpio, &lines, &levels);
    check("gpio: wait", status == KOS_STATUS_OK && lines == 2 && (levels & 2) != 0, lines);
    check("gpio: the peer saw nothing", ask_peer(5, &theirs) == KOS_STATUS_EMPTY, 0);
    check("gpio: a falling edge does not count",
          gpio_edge(1, false) == KOS_STATUS_OK && kos_gpio_client_events(gpio, &lines, &levels) == KOS_STATUS_EMPTY, 0);
    check("gpio: the peer's edge", ask_peer(4, &theirs) == KOS_STATUS_OK, 0);
    status = KOS_STATUS_EMPTY;
    for (int i = 0; i < 50 && status == KOS_STATUS_EMPTY; ++i) {
        kos_delay(2000);
        status = ask_peer(5, &theirs);
    }
    check("gpio: the peer is told", status == KOS_STATUS_OK && theirs == 0x10, theirs);
    check("gpio: and nobody else", kos_gpio_client_events(gpio, &lines, &levels) == KOS_STATUS_EMPTY, 0);
}

static void fill(uint8_t* bytes, size_t size, uint64_t seed) {
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < size; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
}

static int reads(uint64_t sector, const uint8_t* expected, size_t size) {
    const uint8_t* found;
    size_t found_size;
    return kos_block_client_read(block, sector, size, &found, &found_size) == KOS_STATUS_OK && found_size == size &&
           memcmp(found, expected, size) == 0;
}

static void test_block(void) {
    enum { kPieces = 64, kStride = 128 };
    static uint8_t bytes[4096];
    uint64_t sectors = 0;
    uint32_t block_bytes = 0, request_bytes = 0;
    bool read_only = true;
    kos_status_t status = kos_block_client_geometry(block, &sectors, &block_bytes, &request_bytes, &read_only);
    check("block: geometry",
          status == KOS_STATUS_OK && sectors == 8192 && block_bytes == 512 && request_bytes == 4096 && !read_only,
          sectors);
    unsigned good = 0;
    for (uint64_t n = 0; n < kPieces; ++n) {
        fill(bytes, sizeof bytes, n);
        good += kos_block_client_write(block, n * kStride, bytes, sizeof bytes) == KOS_STATUS_OK;
    }
    check("block: writes", good == kPieces, good);
    status = kos_block_client_flush(block);
    check("block: flush", status == KOS_STATUS_OK, status);
    good = 0;
    for (uint64_t n = 0; n < kPieces; ++n) {
        fill(bytes, sizeof bytes, n);
        good += (unsigned)reads(n * kStride, bytes, sizeof bytes);
    }
    check("block: reads what was written", good == kPieces, good);
    fill(bytes, sizeof bytes, 5);
    check("block: one sector in the middle", reads(5 * kStride + 3, bytes + 3 * 512, 512), 0);
    fill(bytes, 512, 99);
    status = kos_block_client_write(block, sectors - 1, bytes, 512);
    check("block: the last sector", status == KOS_STATUS_OK && reads(sectors - 1, bytes, 512), status);
    const uint8_t* data;
    size_t size;
    check("block: beyond the end",
          kos_block_client_read(block, sectors, 512, &data, &size) == KOS_STATUS_INVALID_ARGUMENT, 0);
    check("block: across the end",
          kos_block_client_read(block, sectors - 1, 1024, &data, &size) == KOS_STATUS_INVALID_ARGUMENT, 0);
    check("block: not whole sectors", kos_block_client_write(block, 0, bytes, 100) == KOS_STATUS_INVALID_ARGUMENT, 0);
}

// Waits until the device has given some.
static size_t random_bytes(uint64_t most, const uint8_t** bytes) {
    for (int i = 0; i < 200; ++i) {
        size_t size = 0;
        const kos_status_t status = kos_rng_client_read(rng, most, bytes, &size);
        if (status == KOS_STATUS_OK) return size;
        if (status != KOS_STATUS_EMPTY) return 0;
        kos_delay(5000);
    }
    return 0;
}

static void test_rng(void) {
    const uint8_t* bytes;
    uint8_t first[32] = {0};
    size_t size = random_bytes(sizeof first, &bytes);
    check("rng: 32 bytes", size == sizeof first, size);
    if (size == sizeof first) memcpy(first, bytes, sizeof first);
    unsigned others = 0;
    for (size_t i = 0; i < sizeof first; ++i) others += first[i] != first[0];
    check("rng: not a constant", others > 8, others);
    size = random_bytes(sizeof first, &bytes);
    check("rng: never the same", size == sizeof first && memcmp(first, bytes, sizeof first) != 0, size);
    // More than the device is asked for in advance.
    size_t total = 0;
    for (int i = 0; i < 400 && total < 8192; ++i) total += random_bytes(1024, &bytes);
    check("rng: 8 KiB", total >= 8192, total);
}

// What one end writes the other end reads.
static void pass_on(const char* name, kos_console_client_t from, kos_console_client_t to, size_t size) {
    static uint8_t expected[32768], found[32768];
    fill(expected, size, size);
    size_t written = 0, read = 0;
    for (int i = 0; i < 2000 && read < size; ++i) {
        const size_t left = size - written;
        uint64_t taken = 0;
        if (left > 0 && kos_console_client_write_some(from, expected + written, left < 4096 ? left : 4096, &taken) ==
                            KOS_STATUS_OK) {
            written += taken;
        }
        const uint8_t* bytes;
        size_t count = 0;
        const kos_status_t status = kos_console_client_read(to, 4096, &bytes, &count);
        if (status == KOS_STATUS_OK && count <= size - read) {
            memcpy(found + read, bytes, count);
            read += count;
        } else {
            kos_delay(2000);
        }
    }
    check(name, read == size && memcmp(expected, found, size) == 0, read);
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_console_connect("console", &console));
    kos_assert_ok(kos_rtc_connect("rtc", &rtc));
    kos_assert_ok(kos_gpio_connect("gpio", &gpio));
    kos_assert_ok(kos_dir_request("gpio_peer", &gpio_peer));
    kos_assert_ok(kos_block_connect("block", &block));
    kos_assert_ok(kos_rng_connect("rng", &rng));
    kos_assert_ok(kos_console_connect("virtio_console", &line_a));
    kos_assert_ok(kos_console_connect("console_peer", &line_b));
    test_uart_input();
    test_uart_output();
    test_gpio_lines();
    test_gpio_edges();
    test_block();
    test_rng();
    pass_on("virtio_console: one way", line_a, line_b, 32768);
    pass_on("virtio_console: the other way", line_b, line_a, 20000);
    test_rtc();
    char line[120];
    const int length =
        snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
                 failed ? "fail" : "pass", passed, failed);
    write_all(line, (size_t)length);
    return 0;
}
