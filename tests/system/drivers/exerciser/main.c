// Uses every driver and says what works, in records on the console.
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/msg.h>
#include <kos/time.h>

#include <stdio.h>
#include <string.h>

static kos_slot_t console, rtc, gpio, gpio_peer, block, rng, line_a, line_b;
static int passed, failed;

static void print(const char* text) {
    // The ring of the UART's driver may be full for a moment.
    for (int i = 0; i < 1000; ++i) {
        kos_msg_t message = {.label = 1, .payload = text, .payload_bytes = (uint32_t)strlen(text)};
        if (kos_msg_call(console, &message) != KOS_STATUS_FULL) return;
        kos_delay(1000);
    }
}

static void check(const char* name, int is_good, uint64_t detail) {
    char line[200];
    snprintf(line, sizeof line, "\x1e{\"test\":\"%s\",\"result\":\"%s\",\"detail\":\"%llu\"}\n", name,
             is_good ? "pass" : "fail", (unsigned long long)detail);
    print(line);
    if (is_good) {
        ++passed;
    } else {
        ++failed;
    }
}

static kos_status_t ask(kos_slot_t target, uint64_t label, uint64_t* param) {
    uint64_t words[2] = {0, 0};
    return kos_msg_call_words(target, label, param, words);
}

static kos_status_t ask_for(kos_slot_t target, uint64_t label, uint64_t param) { return ask(target, label, &param); }

// --- UART: input that the test gives to QEMU; its beginning may have come before the driver.
static void test_uart(void) {
    static const char kExpected[] = "the end of the input";
    char seen[sizeof kExpected] = "";
    size_t total = 0;
    for (int i = 0; i < 200 && strcmp(seen, kExpected) != 0; ++i) {
        kos_msg_t message = {.label = 3, .param = 16};
        const kos_status_t status = kos_msg_call(console, &message);
        if (status == KOS_STATUS_EMPTY) {
            kos_delay(10000);
            continue;
        }
        if (status != KOS_STATUS_OK) {
            check("uart: read", 0, status);
            return;
        }
        const char* bytes = message.payload;
        for (uint32_t n = 0; n < message.payload_bytes; ++n, ++total) {
            memmove(seen, seen + 1, sizeof seen - 2);
            seen[sizeof seen - 2] = bytes[n];
        }
    }
    check("uart: read", strcmp(seen, kExpected) == 0, total);
    kos_msg_t message = {.label = 4};
    const kos_status_t status = kos_msg_call(console, &message);
    uint64_t counters[9] = {0};
    if (message.payload_bytes == sizeof counters) memcpy(counters, message.payload, sizeof counters);
    check("uart: status", status == KOS_STATUS_OK && counters[0] > 0 && counters[2] >= total && counters[3] == 0,
          counters[2]);
    // Larger than what the device takes at once, so that interrupts have to carry it out.
    static char text[4096];
    memset(text, '.', sizeof text);
    text[sizeof text - 1] = '\n';
    int written = 0;
    for (int i = 0; i < 8; ++i) {
        message = (kos_msg_t){.label = 1, .payload = text, .payload_bytes = sizeof text};
        kos_status_t wrote = kos_msg_call(console, &message);
        if (wrote == KOS_STATUS_OK) ++written;
        if (wrote == KOS_STATUS_FULL) kos_delay(20000);
    }
    check("uart: 32 KiB by interrupts", written >= 4, (uint64_t)written);
    check("uart: unknown label", ask_for(console, 99, 0) == KOS_STATUS_BAD_REQUEST, 0);
}

static void test_rtc(void) {
    uint64_t now = 0;
    kos_status_t status = ask(rtc, 1, &now);
    check("rtc: get", status == KOS_STATUS_OK && now > 1700000000, now);
    uint64_t until = now + 2;
    const uint64_t before = kos_time_us();
    status = ask(rtc, 3, &until);
    const uint64_t waited = kos_time_us() - before;
    check("rtc: alarm", status == KOS_STATUS_OK && until >= now + 2 && waited > 900000 && waited < 4000000, waited);
    status = ask_for(rtc, 2, 1000000000);
    now = 0;
    check("rtc: set",
          status == KOS_STATUS_OK && ask(rtc, 1, &now) == KOS_STATUS_OK && now >= 1000000000 && now < 1000000010, now);
    check("rtc: set to what it cannot hold", ask_for(rtc, 2, 1ull << 32) == KOS_STATUS_INVALID_ARGUMENT, 0);
}

static kos_status_t gpio_edge(unsigned line, int level) {
    const kos_status_t status = ask_for(gpio, 2, line | 1 << 8 | (uint64_t)level << 16);
    return kos_status_is_ok(status) ? ask_for(gpio, 2, line) : status;
}

static void test_gpio(void) {
    uint64_t param = 0;
    check("gpio: own lines", ask(gpio, 1, &param) == KOS_STATUS_OK && param == 7, param);
    param = 0;
    check("gpio: the peer's lines", ask(gpio_peer, 1, &param) == KOS_STATUS_OK && param == 0x30, param);
    check("gpio: output", ask_for(gpio, 2, 0 | 1 << 8 | 1 << 16) == KOS_STATUS_OK, 0);
    param = 0;
    check("gpio: reads what it drives", ask(gpio, 3, &param) == KOS_STATUS_OK && param == 1, param);
    check("gpio: write", ask_for(gpio, 4, 0) == KOS_STATUS_OK, 0);
    param = 0;
    check("gpio: reads it again", ask(gpio, 3, &param) == KOS_STATUS_OK && param == 0, param);
    check("gpio: write to an input", ask_for(gpio, 4, 1 | 1 << 8) == KOS_STATUS_CONFLICT, 0);
    check("gpio: the peer's line", ask_for(gpio, 4, 4 | 1 << 8) == KOS_STATUS_UNAUTHORIZED, 0);
    check("gpio: the power button", ask_for(gpio, 3, 3) == KOS_STATUS_UNAUTHORIZED, 0);
    check("gpio: the peer has no right here", ask_for(gpio_peer, 2, 0) == KOS_STATUS_UNAUTHORIZED, 0);

    check("gpio: subscribe", ask_for(gpio, 5, 1 | 1 << 8) == KOS_STATUS_OK && ask_for(gpio_peer, 3, 0) == KOS_STATUS_OK,
          0);
    check("gpio: no event yet", ask_for(gpio, 6, 0) == KOS_STATUS_EMPTY, 0);
    check("gpio: rising edge", gpio_edge(1, 1) == KOS_STATUS_OK, 0);
    param = 0;
    kos_status_t status = ask(gpio, 7, &param);
    check("gpio: wait", status == KOS_STATUS_OK && (param & 0xff) == 2, param);
    check("gpio: the peer saw nothing", ask_for(gpio_peer, 5, 0) == KOS_STATUS_EMPTY, 0);
    check("gpio: falling edge does not count",
          gpio_edge(1, 0) == KOS_STATUS_OK && ask_for(gpio, 6, 0) == KOS_STATUS_EMPTY, 0);
    check("gpio: the peer's edge", ask_for(gpio_peer, 4, 0) == KOS_STATUS_OK, 0);
    param = 0;
    status = KOS_STATUS_EMPTY;
    for (int i = 0; i < 50 && status == KOS_STATUS_EMPTY; ++i) {
        kos_delay(2000);
        status = ask(gpio_peer, 5, &param);
    }
    check("gpio: the peer is told", status == KOS_STATUS_OK && (param & 0xff) == 0x10, param);
    check("gpio: and nobody else", ask_for(gpio, 6, 0) == KOS_STATUS_EMPTY, 0);
}

static kos_status_t read_block(uint64_t sector, uint64_t bytes, kos_msg_t* message) {
    *message = (kos_msg_t){.label = 2, .param = sector, .words = {bytes, 0}, .has_words = 1};
    return kos_msg_call(block, message);
}

static kos_status_t write_block(uint64_t sector, const void* bytes, uint32_t size) {
    kos_msg_t message = {.label = 3, .param = sector, .payload = bytes, .payload_bytes = size};
    return kos_msg_call(block, &message);
}

static void fill(unsigned char* bytes, size_t size, uint64_t seed) {
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < size; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(state >> 56);
    }
}

static void test_block(void) {
    static unsigned char bytes[4096];
    kos_msg_t message = {.label = 1};
    kos_status_t status = kos_msg_call(block, &message);
    const uint64_t sectors = message.param;
    check("block: geometry",
          status == KOS_STATUS_OK && sectors == 8192 && message.words[0] == (512 | 4096ull << 32) &&
              message.words[1] == 0,
          sectors);
    unsigned good = 0;
    for (uint64_t n = 0; n < 64; ++n) {
        fill(bytes, sizeof bytes, n);
        good += write_block(n * 128, bytes, sizeof bytes) == KOS_STATUS_OK;
    }
    check("block: 64 writes", good == 64, good);
    message = (kos_msg_t){.label = 4};
    status = kos_msg_call(block, &message);
    check("block: flush", status == KOS_STATUS_OK, status);
    good = 0;
    for (uint64_t n = 0; n < 64; ++n) {
        fill(bytes, sizeof bytes, n);
        good += read_block(n * 128, sizeof bytes, &message) == KOS_STATUS_OK && message.payload_bytes == sizeof bytes &&
                memcmp(message.payload, bytes, sizeof bytes) == 0;
    }
    check("block: reads what was written", good == 64, good);
    fill(bytes, sizeof bytes, 5);
    status = read_block(5 * 128 + 3, 512, &message);
    check("block: one sector in the middle",
          status == KOS_STATUS_OK && message.payload_bytes == 512 && memcmp(message.payload, bytes + 3 * 512, 512) == 0,
          status);
    fill(bytes, 512, 99);
    status = write_block(sectors - 1, bytes, 512);
    check("block: the last sector",
          status == KOS_STATUS_OK && read_block(sectors - 1, 512, &message) == KOS_STATUS_OK &&
              memcmp(message.payload, bytes, 512) == 0,
          status);
    check("block: beyond the end", read_block(sectors, 512, &message) == KOS_STATUS_INVALID_ARGUMENT, 0);
    check("block: across the end", read_block(sectors - 1, 1024, &message) == KOS_STATUS_INVALID_ARGUMENT, 0);
    check("block: not whole sectors", write_block(0, bytes, 100) == KOS_STATUS_INVALID_ARGUMENT, 0);
}

static void test_rng(void) {
    unsigned char first[32] = {0};
    unsigned kinds = 0;
    for (int round = 0; round < 2; ++round) {
        kos_msg_t message = {0};
        kos_status_t status = KOS_STATUS_EMPTY;
        for (int i = 0; i < 100 && status == KOS_STATUS_EMPTY; ++i) {
            message = (kos_msg_t){.label = 1, .param = 32};
            status = kos_msg_call(rng, &message);
            if (status == KOS_STATUS_EMPTY) kos_delay(5000);
        }
        const int is_good = status == KOS_STATUS_OK && message.payload_bytes == 32;
        check("rng: 32 bytes", is_good, status);
        if (!is_good) return;
        if (round == 1) check("rng: never the same", memcmp(first, message.payload, 32) != 0, 0);
        memcpy(first, message.payload, 32);
    }
    for (int i = 0; i < 32; ++i) kinds += first[i] != first[0];
    check("rng: not a constant", kinds > 8, kinds);
    // More than the device is asked for in advance.
    size_t total = 0;
    for (int i = 0; i < 400 && total < 8192; ++i) {
        kos_msg_t message = {.label = 1, .param = 1024};
        const kos_status_t status = kos_msg_call(rng, &message);
        if (status == KOS_STATUS_OK) total += message.payload_bytes;
        if (status == KOS_STATUS_EMPTY) kos_delay(5000);
    }
    check("rng: 8 KiB", total >= 8192, total);
}

// What one end writes the other end reads, and the other way round.
static void pass_on(const char* name, kos_slot_t from, kos_slot_t to, size_t size) {
    static unsigned char expected[32768], found[32768];
    fill(expected, size, size);
    size_t written = 0, read = 0;
    for (int i = 0; i < 2000 && read < size; ++i) {
        if (written < size) {
            const size_t left = size - written;
            kos_msg_t message = {
                .label = 2, .payload = expected + written, .payload_bytes = left < 4096 ? (uint32_t)left : 4096};
            if (kos_msg_call(from, &message) == KOS_STATUS_OK) written += message.param;
        }
        kos_msg_t message = {.label = 3, .param = 4096};
        const kos_status_t status = kos_msg_call(to, &message);
        if (status == KOS_STATUS_OK && message.payload_bytes <= size - read) {
            memcpy(found + read, message.payload, message.payload_bytes);
            read += message.payload_bytes;
        } else {
            kos_delay(2000);
        }
    }
    check(name, read == size && memcmp(expected, found, size) == 0, read);
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_dir_request("console", &console));
    kos_assert_ok(kos_dir_request("rtc", &rtc));
    kos_assert_ok(kos_dir_request("gpio", &gpio));
    kos_assert_ok(kos_dir_request("gpio_peer", &gpio_peer));
    kos_assert_ok(kos_dir_request("block", &block));
    kos_assert_ok(kos_dir_request("rng", &rng));
    kos_assert_ok(kos_dir_request("virtio_console", &line_a));
    kos_assert_ok(kos_dir_request("console_peer", &line_b));
    test_uart();
    test_gpio();
    test_block();
    test_rng();
    pass_on("virtio_console: one way", line_a, line_b, 32768);
    pass_on("virtio_console: the other way", line_b, line_a, 20000);
    test_rtc();
    char line[120];
    snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
             failed ? "fail" : "pass", passed, failed);
    print(line);
    return 0;
}
