// The second client of the GPIO driver: on request it uses its own line, and tries to use another client's.
#include <kos/app.h>
#include <kos/idl/gpio.h>
#include <kos/server.h>

enum { kLine = 4, kOthersLine = 0 };

static kos_gpio_client_t gpio;

// Label 1 -> param: own lines; label 2: drive another client's line -> its status; label 3: subscribe; label 4: make a
// rising edge on the own line; label 5 -> param: lines with an edge, or status EMPTY.
static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)server;
    (void)caller;
    uint8_t lines = 0, levels = 0;
    kos_status_t status = KOS_STATUS_BAD_REQUEST;
    switch (request->label) {
        case 1: status = kos_gpio_client_lines(gpio, &lines); break;
        case 2: status = kos_gpio_client_set_direction(gpio, kOthersLine, true, true); break;
        case 3: status = kos_gpio_client_subscribe(gpio, kLine, KOS_GPIO_EDGES_RISING); break;
        case 4:
            // The board has nothing on this line: as an input it keeps what it was driven to last.
            status = kos_gpio_client_set_direction(gpio, kLine, true, true);
            if (kos_status_is_ok(status)) status = kos_gpio_client_set_direction(gpio, kLine, false, false);
            break;
        case 5: status = kos_gpio_client_events(gpio, &lines, &levels); break;
        default: break;
    }
    answer->param = lines;
    return status;
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_gpio_connect("gpio", &gpio));
    kos_server_t server = {.call = call};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
