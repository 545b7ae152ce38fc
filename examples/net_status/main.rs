//! A status page over HTTP/1.1: `/` for people, `/metrics` for machines. One connection does not wait for another, none
//! lives longer than ten seconds, and none is sent more than it takes.
#![no_std]
use kos::net::{Address, Listener, Ready, Tcp};
use kos::prelude::*;
use kos::{net, time, Duration, Instant};
mod request;
use request::{parse, Parsed};
kos::main!(main);

const PORT: u16 = 80;
const CONNECTIONS: usize = 64;
const LISTENER: u64 = u64::MAX;
const PATIENCE: Duration = Duration::from_secs(10);
/// User bit of the alarm for connections that take too long.
const LATE: u32 = 0;

struct Client {
    connection: Tcp,
    deadline: Instant,
    request: Vec<u8>,
    answer: Vec<u8>,
    sent: usize,
}

struct StatusPage {
    listener: Listener,
    ready: Ready,
    clients: [Option<Client>; CONNECTIONS],
    served: u64,
    refused: u64,
    begin: Instant,
}

impl StatusPage {
    fn accept(&mut self) {
        while let Ok(mut connection) = self.listener.accept() {
            if let Some(place) = self.clients.iter().position(Option::is_none) {
                connection.report_to(&self.ready, place as u64);
                let deadline = Instant::after(PATIENCE);
                let client = Client { connection, deadline, request: Vec::new(), answer: Vec::new(), sent: 0 };
                self.clients[place] = Some(client);
            } else {
                self.refused += 1;
            }
        }
        self.set_alarm();
    }

    /// Goes on with a connection; drops it, which closes it, when it is done with.
    fn serve(&mut self, place: usize) {
        let mut client = match self.clients.get_mut(place).and_then(Option::take) {
            Some(client) => client,
            None => return,
        };
        if client.answer.is_empty() {
            match receive(&mut client) {
                Ok(false) => {
                    self.clients[place] = Some(client);
                    return;
                }
                Ok(true) => client.answer = self.answer(&client.request),
                Err(_) => return,
            }
            self.served += 1;
        }
        match client.connection.send(&client.answer[client.sent..]) {
            Ok(done) => client.sent += done,
            Err(Status::FULL) => {}
            Err(_) => return,
        }
        if client.sent < client.answer.len() {
            self.clients[place] = Some(client);
        }
    }

    fn answer(&self, request: &[u8]) -> Vec<u8> {
        let (status, kind, body, is_head) = match parse(request) {
            Parsed::Request { path: "/", is_head } => ("200 OK", "text/html", self.page(), is_head),
            Parsed::Request { path: "/metrics", is_head } => ("200 OK", "text/plain", self.metrics(), is_head),
            Parsed::Request { is_head, .. } => ("404 Not Found", "text/plain", "no such page\n".into(), is_head),
            Parsed::OtherMethod => ("405 Method Not Allowed", "text/plain", "GET or HEAD\n".into(), false),
            Parsed::Malformed | Parsed::Incomplete => ("400 Bad Request", "text/plain", "what?\n".into(), false),
        };
        let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
        let length = body.len();
        let shown = if is_head { "" } else { &body };
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {length}\r\n\
             {allow}Connection: close\r\n\r\n{shown}"
        )
        .into_bytes()
    }

    fn page(&self) -> String {
        let seconds = self.begin.elapsed().as_secs();
        let served = self.served;
        format!("<!doctype html><title>KOS</title><h1>It works</h1><p>Up for {seconds} s; {served} pages so far.\n")
    }

    fn metrics(&self) -> String {
        let its = net::counters();
        format!(
            "uptime_seconds {}\nhttp_requests {}\nhttp_refused {}\nnet_received_packets {}\nnet_sent_packets {}\n\
             net_refused_packets {}\nnet_link_resets {}\nnet_memory_bytes {}\nnet_connections {}\n",
            self.begin.elapsed().as_secs(),
            self.served,
            self.refused,
            its.received_packets,
            its.sent_packets,
            its.refused,
            its.link_resets,
            its.memory_used,
            its.connections
        )
    }

    fn drop_late(&mut self) {
        let now = Instant::now();
        for place in &mut self.clients {
            if matches!(place, Some(client) if client.deadline <= now) {
                *place = None;
            }
        }
        self.set_alarm();
    }

    fn set_alarm(&self) {
        if let Some(first) = self.clients.iter().flatten().map(|client| client.deadline).min() {
            time::alarm(LATE, first).expect("the manifest gives the port timer");
        }
    }
}

/// Whether the whole request is there.
fn receive(client: &mut Client) -> Result<bool> {
    let mut bytes = [0; 512];
    loop {
        match client.connection.receive(&mut bytes) {
            Ok(0) => return Err(Status::PEER_GONE),
            Ok(count) => client.request.extend_from_slice(&bytes[..count]),
            Err(Status::EMPTY) => return Ok(false),
            Err(status) => return Err(status),
        }
        if !matches!(parse(&client.request), Parsed::Incomplete) {
            return Ok(true);
        }
    }
}

impl Server for StatusPage {
    fn call<'a>(&'a mut self, _: &Request<'a>, _: &mut Answer<'a>) -> Result {
        Err(Status::BAD_REQUEST)
    }

    fn signalled(&mut self, bits: u64) {
        if bits & kos::signal::user(LATE) != 0 {
            self.drop_late();
        }
        if bits & net::signals() == 0 {
            return;
        }
        net::work();
        while let Some(number) = self.ready.next() {
            match number {
                LISTENER => self.accept(),
                place => self.serve(place as usize),
            }
        }
    }
}

fn main() -> Result {
    net::open(net::Options::default())?;
    let ready = Ready::new();
    let mut listener = Listener::open(Address::any(PORT), 64)?;
    listener.report_to(&ready, LISTENER);
    let clients = core::array::from_fn(|_| None);
    let mut page = StatusPage { listener, ready, clients, served: 0, refused: 0, begin: Instant::now() };
    kos::serve(&mut page)
}
