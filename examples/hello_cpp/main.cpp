// The smallest native application in C++: it starts, says so, and ends.
#include <kos/cpp/log.h>

int main() {
    kos::log_info("hello from ", kos_app_startup()->name, " in C++");
    return 0;
}
