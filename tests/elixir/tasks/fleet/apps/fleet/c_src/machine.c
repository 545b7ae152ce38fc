#include <stdio.h>
#include <sys/utsname.h>
int main(void) {
    struct utsname name;
    return uname(&name) != 0 || puts(name.machine) < 0;
}
