/*
 * What the stand-in root task holds, for the stand-in kernel to find in memory. Shared by assembly and C++.
 */
#ifndef KOS_TESTS_SYSTEM_LOADER_PROBE_ROOT_H_
#define KOS_TESTS_SYSTEM_LOADER_PROBE_ROOT_H_

#define PROBE_ROOT_START 0x400000
#define PROBE_ROOT_ENTRY 0x400008
#define PROBE_ROOT_TEXT_WORD 0x1122334455667788
#define PROBE_ROOT_DATA 0x403010
#define PROBE_ROOT_DATA_WORD 0x99aabbccddeeff00
#define PROBE_ROOT_BSS_BYTES 0x2100
#define PROBE_ROOT_END 0x406000

#endif
