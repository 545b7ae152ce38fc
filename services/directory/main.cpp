/*
 * The domain `directory`: the port "directory" on its own time, because some callers are answered later.
 */
#include <kos/app.h>
#include <kos/server.h>
#include <kos/time.h>

#include "../common/pulse.h"
#include "../common/startup.h"
#include "directory.h"

namespace {

using kos::directory::Answer;
using kos::directory::Callers;
using kos::directory::Directory;

// Callers that wait, by libkos' reply objects.
class DeferredCallers final : public Callers {
public:
    void begin(kos_server_t* server, const kos_caller_t* caller) {
        server_ = server;
        caller_ = caller;
    }
    bool defer(unsigned waiter) override {
        return kos_status_is_ok(kos_server_defer(server_, caller_, &deferred_[waiter]));
    }
    void answer(unsigned waiter, const Answer& answer) override {
        if (!kos_status_is_ok(answer.status)) {
            kos_server_answer(&deferred_[waiter], answer.status, nullptr);
        } else if (answer.connection != 0) {
            (void)kos_directory_request_answer(&deferred_[waiter], answer.connection);
        } else {
            (void)kos_directory_subscribe_answer(&deferred_[waiter], answer.changes, answer.bound);
        }
    }

private:
    kos_server_t* server_ = nullptr;
    const kos_caller_t* caller_ = nullptr;
    kos_deferred_t deferred_[Directory::kMostWaiters] = {};
};

struct Context {
    Directory& directory;
    DeferredCallers& callers;
    kos::service::Pulse& pulse;
};

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    auto* context = static_cast<Context*>(server->context);
    context->callers.begin(server, caller);
    const kos_status_t status = context->directory.call(*caller, *request, kos_time_ticks(), *answer);
    context->pulse.wake_at(context->directory.next_deadline());
    return status;
}

void queued(kos_server_t* server, const kos_caller_t* caller, uint64_t label, const void* bytes, size_t size_bytes) {
    // A message that is wrong has no effect; its sender does not wait for an answer.
    (void)static_cast<Context*>(server->context)->directory.queued(*caller, label, bytes, size_bytes);
}

void signalled(kos_server_t* server, uint64_t) {
    auto* context = static_cast<Context*>(server->context);
    context->directory.expire(kos_time_ticks());
    context->pulse.wake_at(context->directory.next_deadline());
}

}  // namespace

int main(int, char**) {
    const kos_startup_t* startup = kos_app_startup();
    static kos::directory::SavedState saved;
    if (!saved.open(reinterpret_cast<void*>(startup->persistent_base), startup->persistent_bytes)) {
        kos_stop("persistent: expected at least 4K");
    }
    static DeferredCallers callers;
    static Directory directory(kos::service::entries<kos_startup_introduction_t>(startup, startup->introductions),
                               saved, callers);
    static kos::service::Pulse pulse;
    pulse.start();
    Context context{directory, callers, pulse};
    kos_server_t server = {.call = call, .queued = queued, .signalled = signalled, .context = &context};
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
