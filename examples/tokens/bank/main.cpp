// A server whose accounts are tokens: who has the token has the account, and nobody else.
#include <kos/idl/bank.hpp>
using namespace kos::idl;

struct Account : bank_account::Server<Account> {
    Result<uint64_t> deposit(const Caller& who, uint32_t amount) { return balance[who.token % 64] += amount; }
    Result<void> close(const Caller& who) { return Result<void>(kos_msg_token_revoke("bank", who.token)); }
    uint64_t balance[64] = {};
};

struct Bank : bank::Server<Bank> {
    Result<Owned<bank_account::Client>> open(const Caller& who) {
        if (opened == 63) return Failure{KOS_STATUS_FULL};
        return bank_account::create_token("bank", ++opened, who.domain);
    }
    // Requests through a token carry its number.
    kos_status_t dispatch(const Caller& who, const kos_msg_t& request, kos_msg_t& answer) {
        return who.token ? account.dispatch(who, request, answer) : Server::dispatch(who, request, answer);
    }
    Account account;
    uint64_t opened = 0;
};

int main() {
    static Bank bank;
    return bank.run().ok() ? 0 : 1;
}
