// teller: enters into the ledger, whose server is in Elixir; at the end says there what it has found.
#include <kos/idl/ledger.h>
#include <kos/log.h>

static kos_status_t enter(kos_ledger_client_t ledger, uint64_t amount, const char* note, size_t bytes,
                          uint64_t* total) {
    return kos_ledger_client_enter(ledger, amount, note, bytes, total);
}

int main(void) {
    kos_ledger_client_t ledger;
    uint64_t first = 0, second = 0, none = 7;
    if (!kos_status_is_ok(kos_ledger_connect("ledger", &ledger))) return 1;
    if (!kos_status_is_ok(enter(ledger, 40, "rent", 4, &first))) return 1;
    if (!kos_status_is_ok(enter(ledger, 2, "tea", 3, &second))) return 1;
    bool const refused = enter(ledger, 0, "", 0, &none) == KOS_STATUS_INVALID_ARGUMENT;
    bool const right = first == 40 && second == 42 && refused && none == 7;
    kos_log_info("the ledger says %lu, then %lu", first, second);
    return kos_status_is_ok(enter(ledger, right ? second : 1, right ? "right" : "wrong", 5, &first)) ? 0 : 1;
}
