// The bare kernel's side of `call/reference`: receives and answers with one system call, no library in between.
#include <kos/app.h>
#include <kos/dir.h>

#include <kos/sel4/syscalls.h>

using namespace kos::sel4;

int main(int, char**) {
    kos_assert_ok(kos_dir_bind("raw"));
    const kos_startup_t* const startup = kos_app_startup();
    CPtr const reply =
        *reinterpret_cast<const uint64_t*>(reinterpret_cast<uintptr_t>(startup) + startup->replies.offset);
    __atomic_store_n(&reinterpret_cast<kos_life_t*>(startup->life_page)->state, KOS_LIFE_READY, __ATOMIC_RELEASE);
    Message message = nb_send_recv(KOS_SLOT_REPORT, Tag::make(KOS_REPORT_READY, 1), Words{}, KOS_SLOT_PORT, reply);
    for (;;) {
        if (message.badge & KOS_BADGE_NOTIFICATION) return 0;  // asked to stop
        message = reply_recv(KOS_SLOT_PORT, reply, Tag::make(KOS_STATUS_OK, 4),
                             Words{{message.words[0], message.words[1], message.words[2], message.words[3]}});
    }
}
