// Plays an I2C bus: a sensor with registers at 0x76, whose address pointer goes on by itself as those of real ones do,
// a memory of 256 bytes at 0x50, and at 0x10 a device that is another domain's.
#include <kos/idl/i2c.h>
#include <stddef.h>
#include <stdint.h>

enum { SENSOR = 0x76, MEMORY = 0x50, FOREIGN = 0x10, REGISTERS = 256, ID = 0xd0 };

typedef struct {
    uint8_t bytes[REGISTERS];
    uint8_t at;  // of the next byte; wraps around
} chip_t;

static chip_t sensor = {.bytes = {[ID] = 0x60, [0xfa] = 0x82, [0xfb] = 0x17, [0xfc] = 0x40}};
static chip_t memory;

static kos_status_t transfer(kos_i2c_server_t* self, const kos_caller_t* caller, uint16_t address, uint16_t read,
                             const uint8_t* write, size_t write_bytes, const uint8_t** data, size_t* data_bytes) {
    static uint8_t answer[KOS_I2C_TRANSFER_ANSWER_DATA_MAX];
    (void)self, (void)caller;
    if (address > 0x7f || read > sizeof answer || (!read && !write_bytes)) return KOS_STATUS_INVALID_ARGUMENT;
    if (address == FOREIGN) return KOS_STATUS_UNAUTHORIZED;
    chip_t* const chip = address == SENSOR ? &sensor : address == MEMORY ? &memory : NULL;
    if (!chip) return KOS_STATUS_NOT_FOUND;
    if (write_bytes) chip->at = write[0];
    for (size_t i = 1; i < write_bytes; ++i, ++chip->at) {
        if (chip != &sensor || chip->at != ID) chip->bytes[chip->at] = write[i];
    }
    for (size_t i = 0; i < read; ++i) answer[i] = chip->bytes[chip->at++];
    *data = answer;
    *data_bytes = read;
    return KOS_STATUS_OK;
}

int main(void) {
    static kos_i2c_server_t server = {.transfer = transfer};
    return kos_status_is_ok(kos_i2c_server_run(&server)) ? 0 : 1;
}
