// Takes what the client sends through the queue and the ring, and counts it. Answers with both counts.
#include <kos/app.h>
#include <kos/ring.h>
#include <kos/server.h>

static kos_ring_t ring;
static uint64_t messages, bytes_read;

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    (void)caller;
    (void)request;
    answer->has_words = 1;
    answer->words[0] = messages;
    answer->words[1] = bytes_read;
    return KOS_STATUS_OK;
}

static void queued(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes, size_t size) {
    (void)server;
    (void)caller;
    (void)label;
    (void)bytes;
    (void)size;
    ++messages;
}

static void drain(void) {
    static uint8_t buffer[65536];
    do {
        size_t done;
        while (kos_ring_read(&ring, buffer, sizeof buffer, &done) == KOS_STATUS_OK) bytes_read += done;
    } while (kos_ring_prepare_wait(&ring, 1));
}

static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (bits & ring.signal) drain();
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_ring_open("stream", &ring));
    drain();
    kos_server_t server = {.call = call, .queued = queued, .signalled = signalled};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
