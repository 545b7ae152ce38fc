/*
 * The domain `rtc`: one PL031, served as the port "rtc". An active server, because callers may wait for a time.
 */
#include "pl031.h"
#include "rtc_service.h"
#include "serve.h"
#include "server_calls.h"

namespace {

using namespace kos::driver;
using Rtc = Pl031<Hardware>;

constexpr char kDevice[] = "pl031";

}  // namespace

int main(int, char**) {
    static Hardware hardware = registers_of(kDevice);
    static Rtc rtc(hardware);
    if (!kos_status_is_ok(rtc.start())) kos_stop("device pl031: no PL031 at this address");
    static ServerCalls calls;
    static RtcService<Rtc, ServerCalls> service(
        rtc, calls, clients_listed("setters", "parameter setters: expected names of clients of this domain, or *"));
    calls.server = service.server();
    return serve(service, kDevice);
}
