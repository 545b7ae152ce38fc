// <%= @name %>: keeps a sum.
#include <kos/log.h>
#include <kos/idl/<%= @name %>.hpp>

using namespace kos::idl;

namespace {

class <%= @module %> : public <%= @symbol %>::Server<<%= @module %>> {
public:
    Result<uint64_t> add(const Caller&, uint64_t by) {
        uint64_t total = 0;
        if (__builtin_add_overflow(sum_, by, &total)) return Failure{KOS_STATUS_INVALID_ARGUMENT};
        return sum_ = total;
    }

private:
    uint64_t sum_ = 0;
};

}  // namespace

int main() {
    static <%= @module %> server;
    kos_log_info("<%= @name %> is ready");
    return server.run().ok() ? 0 : 1;
}
