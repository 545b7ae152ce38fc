// A server that is handed an account for one question. It knows no bank: the account is all that it has,
// until it gives it back.
#include <kos/idl/auditor.h>

static kos_status_t audit(kos_auditor_server_t* self, const kos_caller_t* caller, kos_bank_account_client_t account,
                          uint64_t* balance) {
    (void)self, (void)caller;
    kos_status_t const status = kos_bank_account_client_deposit(account, 0, balance);
    kos_msg_token_delete(account.slot);
    return status;
}

int main(void) {
    static kos_auditor_server_t server = {.audit = audit};
    return kos_auditor_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
