// Tests the core's interface as an application sees it.
#define RECORDS_HERE
#include "tester.h"

#include <kos/app.h>
#include <kos/dir.h>

kos_slot_t peer, active, third;

kos_status_t ask(kos_slot_t target, uint64_t label, uint64_t param, uint64_t words[2], uint64_t* answer) {
    kos_status_t const status = kos_msg_call_words(target, label, &param, words);
    *answer = param;
    return status;
}

kos_status_t tell(kos_slot_t target, uint64_t label, uint64_t param) {
    uint64_t words[2] = {0, 0};
    return kos_msg_call_words(target, label, &param, words);
}

int main(int argc, char** argv) {
    begin_records();
    check("two arguments", argc == 2 && !strcmp(argv[0], "one") && !strcmp(argv[1], "two words"), argc);
    check_status("look up peer", kos_dir_request("peer", &peer), KOS_STATUS_OK);
    check_status("look up active", kos_dir_request("active", &active), KOS_STATUS_OK);
    check_status("look up third", kos_dir_request("third", &third), KOS_STATUS_OK);
    test_directory();
    test_messages();
    test_tokens();
    test_queues();
    test_portless();
    test_deadlines();
    test_domain();
    test_memory();
    test_threads();
    test_devices();
    print_verdict();
    return 0;
}
