// What the parts of this test have in common: records, connections, results.
#pragma once

#include <net/kos_port_record.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// As libkos/include/kos/status.h.
enum {
    kOk = 128,
    kCreated = 129,
    kBadRequest = 144,
    kInvalidArgument = 145,
    kNotFound = 147,
    kInvalidToken = 149,
    kTimeout = 155,
    kInternalError = 160,
    kUnavailable = 161,
    kNotImplemented = 162,
    kPeerGone = 163,
};

typedef struct {
    kos_port_record_t head;
    unsigned char payload[KOS_PORT_PAYLOAD_MAX];
    size_t payload_bytes;
    int fd;  // that came with it; -1: none
} record_t;

// --- Results: each check counts for the test that is open.
void begin(const char* test);
void end(void);
bool check(bool holds, const char* what, int line);
#define CHECK(condition) check((condition), #condition, __LINE__)

// --- Connections
int connect_port(const char* name);  // blocking, HELLO still to be read; ends the test run if it fails
int open_port(const char* name);     // HELLO is read
bool send_record(int fd, const record_t* record, int sent_fd, int flags);
bool receive(int fd, record_t* record, int timeout_ms);  // false: nothing came in time, or the end
kos_port_record_t request(uint32_t label, uint64_t call_id, uint64_t param);
void send_head(int fd, kos_port_record_t head);
// A call of words and its answer, whatever kind of record that is.
record_t call(int fd, uint32_t label, uint64_t param, uint64_t word0, uint64_t word1);
bool is_end(int fd);

void test_native_servers(void);
void test_serving(void);
void test_after_restart(void);
