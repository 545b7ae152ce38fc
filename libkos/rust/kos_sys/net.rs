//! `kos/net.h`
use crate::{c_char, c_int, c_uint, kos_status_t};
use core::ffi::c_void;

/// `kos_net_socket_t`: only ever behind a pointer.
#[repr(C)]
pub struct kos_net_socket_t {
    opaque: [u8; 0],
}

constants! { "kos/net.h";
    KOS_NET_TEXT_BYTES: usize = 56;
    KOS_NET_READABLE: u32 = 1;
    KOS_NET_WRITABLE: u32 = 2;
    KOS_NET_FAILED: u32 = 4;
}

structures! { "kos/net.h";
    struct kos_net_options_t {
        memory_bytes: u32,
        receive_bytes: u32,
        send_bytes: u32,
        connections: u32,
        sockets: u32,
        alarm_bit: u32,
        ring_out: *const c_char,
        ring_in: *const c_char,
    }
    struct kos_net_counters_t {
        sent_packets: u64,
        sent_bytes: u64,
        received_packets: u64,
        received_bytes: u64,
        link_full: u64,
        refused: u64,
        no_memory: u64,
        link_resets: u64,
        memory_used: u64,
        connections: u32,
        sockets: u32,
    }
    struct kos_net_address_t {
        bytes: [u8; 16],
        port: u16,
        version: u8,
        reserved: u8,
    }
}

/// The call-back of `kos_net_watch`.
pub type kos_net_ready_fn_t = unsafe extern "C" fn(socket: *mut kos_net_socket_t, context: *mut c_void);
/// The call-back of `kos_net_resolve`.
pub type kos_net_resolved_fn_t =
    unsafe extern "C" fn(context: *mut c_void, status: kos_status_t, address: *const kos_net_address_t);

functions! { "kos/net.h";
    fn kos_net_open(options: *const kos_net_options_t) -> kos_status_t;
    fn kos_net_signals() -> u64;
    fn kos_net_work();
    fn kos_net_counters(counters: *mut kos_net_counters_t);
    fn kos_net_address_parse(text: *const c_char, port: u16, address: *mut kos_net_address_t) -> kos_status_t;
    fn kos_net_address_format(address: *const kos_net_address_t, text: *mut c_char, room: usize);
    fn kos_net_own_address(version: c_uint, address: *mut kos_net_address_t) -> kos_status_t;
    fn kos_net_gateway(version: c_uint, address: *mut kos_net_address_t) -> kos_status_t;
    fn kos_net_ready(socket: *const kos_net_socket_t) -> u32;
    fn kos_net_watch(socket: *mut kos_net_socket_t, ready: Option<kos_net_ready_fn_t>, context: *mut c_void);
    fn kos_net_wait(socket: *mut kos_net_socket_t, events: u32, deadline_ticks: u64) -> kos_status_t;
    fn kos_net_status(socket: *const kos_net_socket_t) -> kos_status_t;
    fn kos_net_close(socket: *mut kos_net_socket_t);
    fn kos_net_abort(socket: *mut kos_net_socket_t);
    fn kos_net_local(socket: *const kos_net_socket_t, address: *mut kos_net_address_t) -> kos_status_t;
    fn kos_net_peer(socket: *const kos_net_socket_t, address: *mut kos_net_address_t) -> kos_status_t;
    fn kos_net_tcp_connect(to: *const kos_net_address_t, socket: *mut *mut kos_net_socket_t) -> kos_status_t;
    fn kos_net_tcp_listen(at: *const kos_net_address_t, backlog: c_uint, socket: *mut *mut kos_net_socket_t) -> kos_status_t;
    fn kos_net_tcp_accept(listener: *mut kos_net_socket_t, socket: *mut *mut kos_net_socket_t) -> kos_status_t;
    fn kos_net_tcp_send(socket: *mut kos_net_socket_t, bytes: *const c_void, count: usize, done: *mut usize) -> kos_status_t;
    fn kos_net_tcp_receive(socket: *mut kos_net_socket_t, bytes: *mut c_void, count: usize, done: *mut usize) -> kos_status_t;
    fn kos_net_tcp_peek(socket: *mut kos_net_socket_t, bytes: *mut *const c_void, count: *mut usize) -> kos_status_t;
    fn kos_net_tcp_consume(socket: *mut kos_net_socket_t, count: usize) -> kos_status_t;
    fn kos_net_tcp_finish(socket: *mut kos_net_socket_t) -> kos_status_t;
    fn kos_net_tcp_no_delay(socket: *mut kos_net_socket_t, enable: c_int) -> kos_status_t;
    fn kos_net_tcp_keep_alive(socket: *mut kos_net_socket_t, idle_s: c_uint, interval_s: c_uint, count: c_uint) -> kos_status_t;
    fn kos_net_udp_open(at: *const kos_net_address_t, socket: *mut *mut kos_net_socket_t) -> kos_status_t;
    fn kos_net_udp_send(socket: *mut kos_net_socket_t, to: *const kos_net_address_t, bytes: *const c_void, count: usize) -> kos_status_t;
    fn kos_net_udp_receive(socket: *mut kos_net_socket_t, bytes: *mut c_void, room: usize, count: *mut usize, from: *mut kos_net_address_t) -> kos_status_t;
    fn kos_net_resolve(name: *const c_char, version: c_uint, done: Option<kos_net_resolved_fn_t>, context: *mut c_void) -> kos_status_t;
    fn kos_net_resolve_wait(name: *const c_char, version: c_uint, deadline_ticks: u64, address: *mut kos_net_address_t) -> kos_status_t;
}
