// The personality's start: root file system, /dev, /proc, /sys, the first process, its three standard files.
#include "fs/dev/dev.h"
#include "fs/erofs/erofs.h"
#include "fs/proc/proc.h"
#include "fs/sys/sys.h"
#include "fs/tmpfs.h"
#include "platform/network.h"
#include "platform/server.h"
#include "task/exec.h"
#include "task/start.h"

#include <kos/app.h>
#include <kos/log.h>

#include <stdio.h>
#include <string.h>

using namespace kos::lx;

namespace {

const kos_startup_image_t* find_image(const kos_startup_t& startup, const char* name, uint32_t& number) {
    auto const* const images =
        reinterpret_cast<const kos_startup_image_t*>(reinterpret_cast<uintptr_t>(&startup) + startup.images.offset);
    for (number = 0; number < startup.images.count; ++number) {
        if (strcmp(images[number].name, name) == 0) return &images[number];
    }
    return nullptr;
}

[[noreturn]] void fail(const char* what, Errno error) {
    char text[160];
    snprintf(text, sizeof text, "%s: error %d", what, static_cast<int>(error));
    kos_log_error("%s", text);
    kos_stop(text);
}

template <class T>
T must(const char* what, Result<T> result) {
    if (!result.ok()) fail(what, result.error());
    return result.take();
}
void must(const char* what, const Status& status) {
    if (!status.ok()) fail(what, status.error());
}

Ref<FileSystem> open_root(const kos_startup_t& startup, KosServer& server) {
    uint32_t number = 0;
    const kos_startup_image_t* const image = find_image(startup, "root", number);
    if (!image) fail("the manifest gives no image \"root\"", Errno::kENOENT);
    auto pages = std::make_unique<KosImage>(number, image->bytes, kImageWindow, server.frames().mapper());
    return must("the root image is no EROFS", make_erofs(std::move(pages), server.frames()));
}

}  // namespace

int main() {
    const kos_startup_t& startup = *kos_app_startup();
    Objects::initialise(startup);
    static KosServer server(startup);
    must("kernel objects", server.initialise());
    static System system(server, server.frames(), server.time());
    server.set_system(system);
    must("the tree of files", make_tree(system, open_root(startup, server)));
    must("the console", open_console(system));
    must("ports", server.start_ports());
    must("the network", open_network(system, startup));
    must("files of the network", write_network_files(system));
    const auto* const arguments =
        reinterpret_cast<const kos_startup_text_t*>(reinterpret_cast<uintptr_t>(&startup) + startup.arguments.offset);
    const auto* const environment =
        reinterpret_cast<const kos_startup_text_t*>(reinterpret_cast<uintptr_t>(&startup) + startup.environment.offset);
    auto const text = [&](const kos_startup_text_t& of) {
        return std::string(reinterpret_cast<const char*>(&startup) + of.offset, of.length);
    };
    system.is_traced = kos_app_parameter_number("trace", 0) != 0;
    StartOptions options;
    for (uint32_t i = 0; i < startup.arguments.count; ++i) options.arguments.push_back(text(arguments[i]));
    for (uint32_t i = 0; i < startup.environment.count; ++i) options.environment.push_back(text(environment[i]));
    must("the first program", start_first_process(system, std::move(options)));
    server.run();
}
