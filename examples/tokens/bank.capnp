# A bank: an account is a token.
@0xd2a4f61c8b3907e5;

interface Bank {
  open @0 () -> (account :Account);
  # A new account with nothing in it.

  interface Account {
    deposit @0 (amount :UInt32) -> (balance :UInt64);
    close @1 () -> ();
    # Every copy of the token is invalid from then on.
  }
}
