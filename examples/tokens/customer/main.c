// A client: opens an account, uses it, lets somebody else look at it, closes it.
#include <kos/app.h>
#include <kos/idl/auditor.h>
#include <kos/idl/bank.h>
#include <kos/log.h>

int main(void) {
    kos_bank_client_t bank;
    kos_bank_account_client_t account;
    kos_auditor_client_t auditor;
    uint64_t balance = 0;
    kos_assert_ok(kos_bank_connect("bank", &bank));
    kos_assert_ok(kos_auditor_connect("auditor", &auditor));
    kos_assert_ok(kos_bank_client_open(bank, &account));
    kos_assert_ok(kos_bank_account_client_deposit(account, 40, &balance));
    kos_assert_ok(kos_bank_account_client_deposit(account, 2, &balance));
    kos_assert_ok(kos_auditor_client_audit(auditor, account, &balance));
    kos_log_info("the auditor has seen %lu", balance);
    kos_assert_eq(balance, 42);
    kos_assert_ok(kos_bank_account_client_close(account));
    kos_assert_eq(kos_bank_account_client_deposit(account, 1, &balance), KOS_STATUS_INVALID_TOKEN);
    return 0;
}
