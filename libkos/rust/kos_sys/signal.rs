//! `kos/signal.h`

functions! { "kos/signal.h";
    fn kos_signal_wait(bits: u64) -> u64;
    fn kos_signal_poll(bits: u64) -> u64;
}
