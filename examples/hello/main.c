// The smallest native application: it starts, says so, and ends.
#include <kos/app.h>

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    return 0;
}
