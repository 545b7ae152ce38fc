# Looks at accounts of others, with their consent.
@0xb51e7c02f9d84a36;

using Bank = import "bank.capnp".Bank;

interface Auditor {
  audit @0 (account :Bank.Account) -> (balance :UInt64);
}
