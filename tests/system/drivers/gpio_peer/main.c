// The second client of the GPIO driver: on request it counts the events of its own lines, and what it can do to
// others'.
#include <kos/app.h>
#include <kos/dir.h>
#include <kos/server.h>

enum { kLines = 1, kDirection = 2, kWrite = 4, kSubscribe = 5, kEvents = 6 };
enum { kLine = 4, kOthersLine = 0, kRising = 1 };

static kos_slot_t gpio;

static kos_status_t ask(uint64_t label, uint64_t* param) {
    uint64_t words[2] = {0, 0};
    return kos_msg_call_words(gpio, label, param, words);
}

// Label 1 -> param: own lines; label 2: drive another client's line -> its status; label 3: subscribe; label 4: make a
// rising edge on the own line; label 5 -> param: events, or status EMPTY.
static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    (void)caller;
    uint64_t param = 0;
    kos_status_t status = KOS_STATUS_BAD_REQUEST;
    switch (request->label) {
        case 1: status = ask(kLines, &param); break;
        case 2:
            param = kOthersLine | 1 << 8 | 1 << 16;
            status = ask(kDirection, &param);
            break;
        case 3:
            param = kLine | kRising << 8;
            status = ask(kSubscribe, &param);
            break;
        case 4:
            // The board has nothing on this line: as an input it keeps what it was driven to last.
            param = kLine | 1 << 8 | 1 << 16;
            status = ask(kDirection, &param);
            if (!kos_status_is_ok(status)) break;
            param = kLine;
            status = ask(kDirection, &param);
            break;
        case 5: status = ask(kEvents, &param); break;
        default: break;
    }
    answer->param = param;
    return status;
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_dir_request("gpio", &gpio));
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
