// Shows level and pump on the console at its interval, whatever happens to the controller.
#include <kos/app.h>
#include <kos/cpp/log.h>
#include <kos/time.h>
#include <kos/idl/console.hpp>
#include <kos/idl/display.hpp>
#include <kos/idl/pump.hpp>
#include <kos/idl/sensor.hpp>

using namespace kos::idl;

namespace {

constexpr unsigned kTick = 0;  // user bit of the alarm

class Display : public display::Server<Display> {
public:
    Display(sensor::Client sensor, pump::Client pump, console::Client console)
        : interval_us_(kos_app_parameter_number("interval_ms", 500) * 1000),
          sensor_(sensor),
          pump_(pump),
          console_(console) {
        server()->signalled = [](kos_server_t* server, uint64_t bits) {
            if (bits & 1u << kTick) static_cast<Display*>(server->context)->tick();
        };
        set_alarm();
    }

    Result<display::ProgressAnswer> progress(const Caller&) { return display::ProgressAnswer{lines_, longest_gap_us_}; }

private:
    void set_alarm() { kos_assert_ok(kos_time_alarm(kTick, kos_time_after_us(interval_us_))); }

    void tick() {
        set_alarm();
        if (!show()) return;
        const uint64_t now = kos_time_us();
        if (lines_++ != 0 && now - shown_us_ > longest_gap_us_) longest_gap_us_ = now - shown_us_;
        shown_us_ = now;
    }

    bool show() {
        const auto sample = sensor_.latest();
        const auto pump = pump_.status();
        kos::Line line;
        if (sample.ok() && pump.ok()) {
            line << "level " << sample->level_mm << " mm, flow " << sample->flow_ml_per_s << " ml/s, pump "
                 << static_cast<unsigned>(pump->percent) << " %\n";
        } else {
            line << "level unknown: " << kos::Status(sample.ok() ? pump.status() : sample.status()) << "\n";
        }
        const std::string_view text = line.text();
        return console_.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()}).ok();
    }

    const uint64_t interval_us_;
    const sensor::Client sensor_;
    const pump::Client pump_;
    const console::Client console_;
    uint64_t lines_ = 0;
    uint64_t shown_us_ = 0;
    uint64_t longest_gap_us_ = 0;
};

}  // namespace

int main() {
    const auto sensor = sensor::Client::connect("sensor");
    const auto pump = pump::Client::connect("pump");
    const auto console = console::Client::connect("console");
    kos_assert(sensor.ok() && pump.ok() && console.ok());
    static Display display(*sensor, *pump, *console);
    return display.run().ok() ? 0 : 1;
}
