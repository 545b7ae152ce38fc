/*
 * The domain `entropy`: seeds the generator from root at once, from the port "rng" on a thread of its own as often as
 * the manifest says, and serves. Callers never wait for a source.
 */
#include <kos/app.h>
#include <kos/root.h>
#include <kos/server.h>
#include <kos/thread.h>
#include <kos/time.h>
#include <kos/idl/rng.hpp>

#include "../common/saved.h"
#include "../common/startup.h"
#include "service.h"

namespace {

using kos::entropy::Generator;
using kos::entropy::kDevice;
using kos::entropy::kRoot;
using kos::entropy::kSaved;
using kos::entropy::kSeedBytes;
using kos::entropy::Service;

constexpr char kRngPort[] = "rng";
constexpr size_t kDeviceBytes = 64;

struct SavedSeed {
    uint8_t bytes[kSeedBytes];
};
using Saved = kos::service::Saved<SavedSeed, 0x31444553>;

// Bytes of the device on their way from the thread that asks to the one that serves.
struct Mailbox {
    uint8_t bytes[kDeviceBytes];
    uint32_t is_full = 0;
};

struct Context {
    Generator& generator;
    Service& service;
    Saved& saved;
    Mailbox& mailbox;
};

// What the next instance begins with, so that it has a seed whatever else there is. Derived from the state, and gone
// from both copies before anything more is given out.
void save_seed(Context& context) {
    SavedSeed seed;
    if (!context.generator.get(seed.bytes)) return;
    context.saved.store(seed);
    context.saved.store(seed);
    kos::entropy::erase(seed.bytes);
}

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    return static_cast<Context*>(server->context)->service.call(*caller, *request, *answer);
}

void signalled(kos_server_t* server, uint64_t) {
    auto* context = static_cast<Context*>(server->context);
    context->service.sent();
    if (__atomic_load_n(&context->mailbox.is_full, __ATOMIC_ACQUIRE) == 0) return;
    context->generator.mix(kDevice, context->mailbox.bytes);
    kos::entropy::erase(context->mailbox.bytes);
    __atomic_store_n(&context->mailbox.is_full, 0u, __ATOMIC_RELEASE);
    save_seed(*context);
}

// Asks the device again and again. It may hang, or send what it likes: that costs this thread only.
void ask_device(void* param) {
    auto* mailbox = static_cast<Mailbox*>(param);
    const uint64_t pause = kos_time_us_to_ticks(kos_app_parameter_number("reseed_s", 60) * 1000000);
    const auto rng = kos::idl::rng::Client::connect(kRngPort);
    if (!rng.ok()) return;
    size_t have = 0;
    uint64_t next = 0;
    while (true) {
        kos_thread_yield();
        const bool is_due = kos_time_ticks() >= next;
        if (!is_due || __atomic_load_n(&mailbox->is_full, __ATOMIC_ACQUIRE) != 0) continue;
        const auto data = rng->read(kDeviceBytes - have);
        // Nothing there, or the driver restarts: again in the next period.
        if (!data.ok() || data->size() > kDeviceBytes - have) continue;
        __builtin_memcpy(mailbox->bytes + have, data->data(), data->size());
        have += data->size();
        if (have < kDeviceBytes) continue;
        have = 0;
        next = kos_time_ticks() + pause;
        __atomic_store_n(&mailbox->is_full, 1u, __ATOMIC_RELEASE);
        kos_thread_signal_server();
    }
}

void seed_from_root(Generator& generator) {
    uint64_t words[4] = {};
    if (kos_status_is_ok(kos_root_request(KOS_ROOT_ENTROPY, words))) {
        generator.mix(kRoot, {reinterpret_cast<const uint8_t*>(words), sizeof words});
        kos::entropy::erase({reinterpret_cast<uint8_t*>(words), sizeof words});
    }
    // Worth little, but different in every instance; not counted as a seed.
    const uint64_t ticks = kos_time_ticks();
    generator.mix(kRoot, {reinterpret_cast<const uint8_t*>(&ticks), sizeof ticks});
}

}  // namespace

int main(int, char**) {
    const kos_startup_t* startup = kos_app_startup();
    static Generator generator;
    static Service service(generator);
    static Mailbox mailbox;
    static Saved saved;
    if (!saved.open(reinterpret_cast<void*>(startup->persistent_base), startup->persistent_bytes)) {
        kos_stop("persistent: expected at least 4K");
    }
    Context context{generator, service, saved, mailbox};
    SavedSeed seed;
    if (saved.load(&seed)) generator.mix(kSaved, seed.bytes);
    kos::entropy::erase(seed.bytes);
    seed_from_root(generator);
    save_seed(context);

    if (kos::service::find_connection(startup, kRngPort) != nullptr) {
        kos_thread_t* thread = nullptr;
        if (kos_thread_create(ask_device, &mailbox, 0, &thread) != KOS_STATUS_CREATED ||
            !kos_status_is_ok(kos_thread_start(thread))) {
            kos_stop("threads: expected 2, the second asks the port rng");
        }
    }

    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
