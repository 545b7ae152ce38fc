// Plays a converter of eight channels with ten bits, of the kind that answers while the question still comes in: the
// first byte has the start bit and the channel in bits 6 to 3, and what is sent back in it are the two upper bits, in
// the next one the eight lower ones. Bytes that follow come back as they were sent. A transfer that begins with REFUSED
// is not this client's.
#include <kos/idl/spi.h>
#include <stddef.h>
#include <stdint.h>

enum { START = 0x40, REFUSED = 0xee, CHANNELS = 8, SPEED_HZ = 1350000 };

static const uint16_t kSamples[CHANNELS] = {0, 1, 0x155, 0x2aa, 0x1ff, 0x200, 0x3fe, 0x3ff};

static kos_status_t transfer(kos_spi_server_t* self, const kos_caller_t* caller, const uint8_t* send, size_t send_bytes,
                             const uint8_t** data, size_t* data_bytes) {
    static uint8_t answer[KOS_SPI_TRANSFER_ANSWER_DATA_MAX];
    (void)self, (void)caller;
    if (send_bytes == 0 || send_bytes > sizeof answer) return KOS_STATUS_INVALID_ARGUMENT;
    if (send[0] == REFUSED) return KOS_STATUS_UNAUTHORIZED;
    for (size_t i = 0; i < send_bytes; ++i) answer[i] = send[i];
    if (send[0] & START && send_bytes > 1) {
        uint16_t const sample = kSamples[(send[0] >> 3) & (CHANNELS - 1)];
        answer[0] = (uint8_t)(sample >> 8);
        answer[1] = (uint8_t)sample;
    }
    *data = answer;
    *data_bytes = send_bytes;
    return KOS_STATUS_OK;
}

static kos_status_t config(kos_spi_server_t* self, const kos_caller_t* caller, kos_spi_config_t* config) {
    (void)self, (void)caller;
    *config =
        (kos_spi_config_t){.speed_hz = SPEED_HZ, .delay_us = 10, .mode = 3, .bits_per_word = 8, .lsb_first = true};
    return KOS_STATUS_OK;
}

int main(void) {
    static kos_spi_server_t server = {.transfer = transfer, .config = config};
    return kos_status_is_ok(kos_spi_server_run(&server)) ? 0 : 1;
}
