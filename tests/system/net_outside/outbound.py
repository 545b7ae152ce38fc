"""Whom a Linux program may reach through the router, and what is refused and recorded, rule by rule and one bit off."""

from inside import REASONS
from kos import packets
from kos.packets import ip

SOON_S = 8  # what is refused is refused at once, on a machine that may be slow
A, CNAME, AAAA = 1, 5, 28
TTL = 300
MANY = [ip(f"203.0.113.{128 + number}") for number in range(60)]
HUGE = [ip(f"203.0.{115 + number // 200}.{number % 200}") for number in range(220)]  # more than a datagram takes


def serve(world):
    """Machines outside: whatever address, these ports answer in capitals; a page by HTTP."""
    def in_capitals(connection):
        def ready(one):
            if one.is_ended:
                one.ready = None  # sending may wait, and more be heard meanwhile
                one.send(bytes(one.received).upper())
                one.finish()
        connection.ready = ready

    def page(connection):
        def ready(one):
            if b"\r\n\r\n" in one.received and not one.is_finished:
                one.send(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\npage\n")
                one.finish()
        connection.ready = ready

    for port in (80, 99, 442, 443, 444, 445, 446, 7999, 8000, 8010, 8011):
        world.listeners[port] = in_capitals
    world.listeners[8005] = page
    world.listeners[53] = world.serve_names
    for port in (7, 8, 99, 443):
        world.datagrams[port] = lambda packet: packet.data.upper()

    def addresses(*found):
        return lambda kind: [(None, A if len(one) == 4 else AAAA, one, TTL) for one in found
                             if kind == (A if len(one) == 4 else AAAA)]

    def alias(kind):
        chain = [(None, CNAME, b"\4edge\3cdn\4test\0", TTL), ("edge.cdn.test", CNAME, b"\2ip\3cdn\4test\0", TTL)]
        return [*chain, ("ip.cdn.test", A, ip("192.0.2.30"), TTL)] if kind == A else chain

    world.names |= {
        "api.example.org": addresses(ip("192.0.2.10"), ip("2001:67c:98::10")),
        "one.example.net": addresses(ip("192.0.2.20")),
        "a.b.example.net": addresses(ip("192.0.2.21")),
        "www.example.net": alias,
        "many.example.net": addresses(*MANY),
        "huge.example.net": addresses(*HUGE),
        "example.net": addresses(ip("192.0.2.66")),
        "evil.example.org": addresses(ip("192.0.2.66")),
        "inside.example.net": addresses(ip("10.78.5.2"), ip("127.0.0.1")),
    }


ALLOWED = [
    ("network, one port", "connect", "203.0.113.5", 443),
    ("network, the first port of a range", "connect", "203.0.113.127", 8000),
    ("network, the last port of a range", "connect", "203.0.113.0", 8010),
    ("protocol any, TCP", "connect", "198.51.100.9", 99),
    ("protocol any, UDP", "datagram", "198.51.100.9", 99),
    ("address, UDP", "datagram", "198.51.100.7", 7),
    ("network of IPv6", "connect", "2001:67c:99::5", 443),
    ("host name", "connect", "api.example.org", 444),
    ("the same, in capitals", "connect", "API.Example.ORG", 444),
    ("names below a name", "connect", "one.example.net", 445),
    ("names far below a name", "connect", "a.b.example.net", 445),
    ("a name with aliases", "connect", "www.example.net", 445),
    ("domain", "connect", "net-echo.internal", 7),
]

REFUSED = [
    ("network: the bit behind the prefix", "connect", "203.0.113.133", 443, "rule"),
    ("network: the last bit of the prefix", "connect", "203.0.113.197", 443, "rule"),
    ("network: a bit of the prefix", "connect", "203.0.112.5", 443, "rule"),
    ("port: one below", "connect", "203.0.113.5", 442, "rule"),
    ("range: one below", "connect", "203.0.113.5", 7999, "rule"),
    ("range: one above", "connect", "203.0.113.5", 8011, "rule"),
    ("protocol: UDP to the port for TCP", "datagram", "203.0.113.5", 443, "rule"),
    ("protocol: TCP to the port for UDP", "connect", "198.51.100.7", 7, "rule"),
    ("address: one bit", "datagram", "198.51.100.6", 7, "rule"),
    ("address: another port", "datagram", "198.51.100.7", 8, "rule"),
    ("protocol any: one bit of the address", "datagram", "198.51.100.8", 99, "rule"),
    ("IPv6: a bit of the prefix", "connect", "2001:67c:98::5", 443, "rule"),
    ("host name: another port", "connect", "192.0.2.10", 443, "rule"),
    ("host name: one bit of its address", "connect", "192.0.2.11", 444, "rule"),
    ("names below a name: another port", "connect", "192.0.2.20", 444, "rule"),
    ("domain: another port", "connect", "net-echo.internal", 8, "rule"),
    ("another domain", "connect", "10.78.{status}.2", 80, "rule"),
    ("the gateway of the world", "connect", "10.0.2.2", 80, "rule"),
    ("the router itself", "connect", "10.78.{own}.1", 54, "rule"),
    ("the device's own address", "connect", "10.0.2.15", 8008, "rule"),
]

REFUSED_NAMES = [("host name: another name", "evil.example.org"), ("names below a name: the name itself", "example.net"),
                 ("names below a name: another end", "badexample.net")]


def try_allowed(results, agent, witness, name, action, to, port):
    before = witness.next_denial()
    answer = agent.do(action, to, port)
    expected = "hello" if "net-echo" in to else "HELLO"
    denied = witness.denials(before)[0]
    results.add(f"passes: {name}", None if answer.get("got") == expected and not denied else f"{answer} {denied}")


def try_refused(results, agent, witness, numbers, name, action, to, port, reason):
    to = to.format(**numbers)
    before = witness.next_denial()
    answer = agent.do(action, to, port)
    # A reset is "refused"; "administratively prohibited" says that there is no way (Linux: ip(7), icmp(7)).
    wanted = ("ConnectionRefusedError", "OSError")
    problem = None
    if answer.get("error") not in wanted or answer["seconds"] > SOON_S:
        problem = f"the program: {answer}"
    found = [one for one in witness.denials(before)[0] if is_denial(one, reason, numbers["own"], to, port)]
    if not found:
        problem = f"{problem or ''} not recorded"
    results.add(f"refused at once and recorded: {name}", problem)


def is_denial(one, reason, domain, to, port):
    right = REASONS[one["reason"]] == reason and one["domain"] == domain and not one["is_inbound"]
    if not right or one["destination_port"] != port:
        return False
    return not to[0].isdigit() or one["destination"] == packets.mapped(ip(to)).hex()


def try_name(results, agent, witness, numbers, name, host):
    before = witness.next_denial()
    answer = agent.do("resolve", host)
    found = [one for one in witness.denials(before)[0] if REASONS[one["reason"]] == "name" and one["name"] == host]
    right = answer.get("error") == "gaierror" and answer["seconds"] < SOON_S and found and found[0]["domain"] == numbers["own"]
    results.add(f"refused at once and recorded: {name}", None if right else f"{answer} {found}")


def run(results, world, agent, witness):
    serve(world)
    numbers = domain_numbers(agent, witness)
    # Before its name was looked up, an address is anybody's.
    try_refused(results, agent, witness, numbers, "host name: before it is looked up", "connect", "192.0.2.10", 444, "rule")
    for one in ALLOWED:
        try_allowed(results, agent, witness, *one)
    for one in REFUSED:
        try_refused(results, agent, witness, numbers, *one)
    for one in REFUSED_NAMES:
        try_name(results, agent, witness, numbers, *one)
    page = agent.do("curl", "http://203.0.113.5:8005/")
    results.add("curl gets a page", None if page.get("got") == [0, "page\n", ""] else str(page))
    none = agent.do("curl", "http://203.0.113.5:8020/")
    right = none.get("got", [0])[0] == 7 and none["seconds"] < SOON_S  # "failed to connect to host"
    results.add("curl is refused at once", None if right else str(none))
    answers_of_names(results, world, agent, witness)


def domain_numbers(agent, witness):
    """Numbers of domains, which are part of their addresses: the agent's from a denial, others from its name service."""
    before = witness.next_denial()
    agent.do("connect", "203.0.112.1", 1)
    own = witness.denials(before)[0][0]["domain"]
    echo = int(agent.do("resolve", "net-echo.internal")["got"][0].split(".")[2])
    return {"own": own, "status": echo + 1}


def answers_of_names(results, world, agent, witness):
    # More addresses than the program takes by UDP, and more than the server sends by UDP: both are asked for by TCP.
    for name, host, all_of_them in (("many", "many.example.net", MANY), ("huge", "huge.example.net", HUGE)):
        found = agent.do("resolve", host).get("got") or []
        wanted = {packets.ipaddress.ip_address(one).compressed for one in all_of_them}
        results.add(f"a name with {name} addresses", None if set(found) == wanted else f"{len(found)} of {len(wanted)}")
        passes = agent.do("connect", packets.ipaddress.ip_address(all_of_them[-1]).compressed, 445)
        results.add(f"an address of {name}", None if passes.get("got") == "HELLO" else str(passes))
    # A server that does not answer by TCP: the addresses that came by UDP.
    del world.listeners[53]
    found = agent.do("resolve", "huge.example.net").get("got") or []
    results.add("a server without TCP", None if len(found) >= 60 else f"{len(found)}")
    world.listeners[53] = world.serve_names
    before = witness.next_denial()
    inside = agent.do("connect", "inside.example.net", 445)
    denied = [REASONS[one["reason"]] for one in witness.denials(before)[0]]
    results.add("a name cannot open the inside", None if "error" in inside and denied else f"{inside} {denied}")
    asked = world.questions
    ports, ids = {one[2] for one in asked}, {one[3] for one in asked}
    varied = len(asked) > 10 and len(ports) > len(asked) * 3 // 4 and len(ids) > len(asked) * 3 // 4
    results.add("questions have ports and numbers of their own", None if varied else f"{len(ports)} {len(ids)} of {len(asked)}")
    strays = sorted({name for name, *_ in asked} - set(world.names))
    results.add("no name goes out that no rule allows", None if not strays and "evil.example.org" not in
                {name for name, *_ in asked} else str(strays))
