/*
 * lwIP's port: types of the compiler, assertions, random numbers. Found by lwIP as "arch/cc.h".
 */
#ifndef KOS_LIB_LWIP_ARCH_CC_H_
#define KOS_LIB_LWIP_ARCH_CC_H_

#include "kos/net/lwip_port.h"

/* Also on the host it must not take the C library's declarations of files and sockets for granted. */
#define LWIP_NO_UNISTD_H 1
/* <arpa/inet.h> has its own htons. */
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1

/* Our own mistake or lwIP's: the domain ends with a record. Nothing that arrives may lead here. */
#define LWIP_PLATFORM_ASSERT(what) kos_lwip_failed(what, __FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(text) \
    do {                         \
    } while (0)
#define LWIP_RAND() kos_lwip_random()

#endif
