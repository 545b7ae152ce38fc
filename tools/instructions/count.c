// A TCG plugin for QEMU: counts the instructions that a machine executes, by block of code, in a file that whoever
// started QEMU reads meanwhile (tools/kos/instructions.py). What an idle machine does not execute is not counted, and
// the host's time has no part in it.
//
//   qemu-system-aarch64 ... -plugin PLUGIN.so,counts=FILE
//
// FILE, little endian: struct header, kSlots times struct slot, kCodeBytes bytes of code. A block that an exception
// cuts short counts as a whole. The interface is QEMU's documented one, version 1 (docs/devel/tcg-plugins); only what
// is used of it is declared here, because not every distribution has the header.
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb* tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t callback);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* tb, enum qemu_plugin_op op, void* at,
                                              uint64_t add);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* tb);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* tb, size_t index);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);

enum { kSlots = 1 << 20, kCodeBytes = 1 << 26, kInstructionBytes = 4, kMostInBlock = 4096 };

struct slot {
    uint64_t address;
    uint64_t times;  // executed
    uint32_t instructions;
    uint32_t code;  // where its instructions are, in bytes from the begin of the code
    uint64_t hash;
};

struct header {
    uint64_t instructions;  // in all
    uint64_t slots;         // with an address; those beyond are not used yet
    uint64_t code_bytes;
    uint64_t lost;  // blocks that found no room, and are in `instructions` only
};

static struct header* header;
static struct slot* slots;
static unsigned char* code;
static uint32_t index_of[2 * kSlots];  // open hash table of numbers, from 1 on; never more than half full
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t hash_of(uint64_t address, const unsigned char* bytes, size_t count) {
    uint64_t hash = address ^ 14695981039346656037u;  // FNV-1a
    for (size_t i = 0; i < count; ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

// The block's slot: of the same instructions at the same address, whichever address space they are in.
static struct slot* slot_for(uint64_t address, const unsigned char* bytes, size_t count) {
    uint64_t const hash = hash_of(address, bytes, count);
    size_t at = hash % (2 * kSlots);
    for (; index_of[at] != 0; at = (at + 1) % (2 * kSlots)) {
        struct slot* const there = &slots[index_of[at] - 1];
        if (there->hash == hash && there->address == address && there->instructions * kInstructionBytes == count &&
            memcmp(code + there->code, bytes, count) == 0) {
            return there;
        }
    }
    if (header->slots == kSlots || header->code_bytes + count > kCodeBytes) return NULL;
    struct slot* const made = &slots[header->slots];
    *made = (struct slot){.address = address,
                          .instructions = (uint32_t)(count / kInstructionBytes),
                          .code = (uint32_t)header->code_bytes,
                          .hash = hash};
    memcpy(code + header->code_bytes, bytes, count);
    header->code_bytes += count;
    index_of[at] = (uint32_t)++header->slots;
    return made;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
    (void)id;
    static unsigned char bytes[kMostInBlock * kInstructionBytes];
    size_t const count = qemu_plugin_tb_n_insns(tb);
    pthread_mutex_lock(&lock);
    struct slot* slot = NULL;
    if (count <= kMostInBlock) {
        for (size_t i = 0; i < count; ++i) {
            memcpy(bytes + i * kInstructionBytes, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i)),
                   kInstructionBytes);
        }
        slot = slot_for(qemu_plugin_tb_vaddr(tb), bytes, count * kInstructionBytes);
    }
    if (slot == NULL) ++header->lost;
    pthread_mutex_unlock(&lock);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &header->instructions, count);
    if (slot != NULL) qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &slot->times, 1);
}

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                                               char** argv) {
    (void)info;
    static const char kFile[] = "counts=";
    if (argc != 1 || strncmp(argv[0], kFile, sizeof kFile - 1) != 0) {
        fprintf(stderr, "count: expected counts=FILE\n");
        return 1;
    }
    size_t const bytes = sizeof *header + kSlots * sizeof *slots + kCodeBytes;
    int const file = open(argv[0] + sizeof kFile - 1, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    void* const memory = file < 0 || ftruncate(file, (off_t)bytes) != 0
                             ? MAP_FAILED
                             : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
        perror(argv[0]);
        return 1;
    }
    close(file);
    header = memory;
    slots = (struct slot*)(header + 1);
    code = (unsigned char*)(slots + kSlots);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
