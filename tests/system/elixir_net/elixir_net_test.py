"""OTP's network applications on the device against those of the host: openssl in both directions with TLS 1.2 and 1.3,
OpenSSH's client and an IEx and an Erlang shell, a web server, a name server, and an Erlang node."""

import http.server
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from kos import network, processes, session, system_image
from kos.common import TOP, KosError
from kos.results import Results, kernel

SYSTEM = Path(__file__).parent / "system.toml"
MODULES = TOP / "build/target/tests/system/elixir_net/image/ebin"
# Seconds of the host, which may be busy with other tests.
BOOT_S, STEP_S = 400, 120
TLS, IEX, ERL = 8443, 2222, 2223
CHECKS = ("names", "no_such_name", "http_client", "tls12_client", "tls13_client", "refused_port",
          "refused_then_silent", "outside", "outside_ends")
NAME = b"\x03kos\x04test\x00"


class Names(socketserver.BaseRequestHandler):
    """Knows kos.test."""

    def handle(self):
        question, stream = self.request
        name_end = question.index(b"\0", 12) + 1
        name, kind = question[12:name_end].lower(), question[name_end:name_end + 2]
        addresses = {b"\0\1": socket.inet_aton("192.0.2.7"), b"\0\x1c": socket.inet_pton(socket.AF_INET6, "2001:db8::7")}
        found = addresses.get(kind) if name == NAME else None
        code = b"\x81\x80" if name == NAME else b"\x81\x83"
        head = question[:2] + code + b"\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
        answer = head + question[12:name_end + 4]
        if found:
            answer += b"\xc0\x0c" + kind + b"\0\1\0\0\0\x3c" + len(found).to_bytes(2, "big") + found
        stream.sendto(answer, self.client_address)


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"0123456789abcdef" * 32768
        self.send_response(200 if self.path == "/large" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def name_server():
    """On the port that name servers have; another run of this test may still have it."""
    end = time.monotonic() + STEP_S
    while True:
        try:
            return socketserver.ThreadingUDPServer(("127.0.0.1", 53), Names)
        except OSError as error:
            if time.monotonic() > end:
                raise KosError(f"port 53 of 127.0.0.1: {error}") from None
            time.sleep(1)


def in_background(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def start_openssl(folder, port):
    certificate = folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=host", "-keyout", certificate, "-out", folder / "public.pem"], check=True, capture_output=True)
    return processes.start(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-key", certificate, "-cert",
                            folder / "public.pem"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_node(folder, port):
    (folder / "parameters").mkdir()
    (folder / "parameters/dist_port").write_text(str(port))
    return processes.start(["erl", "-noinput", "-pa", MODULES, "-name", "host@10.0.2.2", "-setcookie", "elixir_net",
                            "-start_epmd", "false", "-epmd_module", "kos_epmd", "-kos_root", folder,
                            "-kernel", "inet_dist_use_interface", "{127,0,0,1}"],
                           env=dict(os.environ, HOME=str(folder)), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)


def tls_server(port, version):
    """The device's TLS server, by openssl's client: the version agreed on, and an echo of 100 KB."""
    data = b"k" * 100000 + b"\n"
    run = subprocess.Popen(["openssl", "s_client", "-quiet", f"-{version.replace('.', '_')}", "-connect", f"127.0.0.1:{port}"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    timer = threading.Timer(STEP_S, run.kill)
    timer.start()
    try:
        agreed = run.stdout.readline()
        threading.Thread(target=lambda: (run.stdin.write(data), run.stdin.flush()), daemon=True).start()
        got = b""
        while len(got) < 2 * len(data) and (part := run.stdout.read1(65536)):
            got += part
    finally:
        timer.cancel()
        run.kill()
        run.wait()
    wanted = {"tls1.2": b"tlsv1.2\n", "tls1.3": b"tlsv1.3\n"}[version]
    if agreed != wanted:
        return f"agreed on {agreed!r}"
    return None if sorted(got) == sorted(data * 2) else f"{len(got)} bytes of echo, expected {2 * len(data)}"


def ssh(folder, port, password, command=(), stdin=""):
    ask = folder / "ask"
    ask.write_text(f"#!/bin/sh\necho {password}\n")
    ask.chmod(0o700)
    words = ["ssh", "-p", str(port), "-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/hosts",
             "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1", "kos@127.0.0.1", *command]
    environment = dict(os.environ, SSH_ASKPASS=str(ask), SSH_ASKPASS_REQUIRE="force", HOME=str(folder))
    try:
        done = subprocess.run(words, input=stdin.encode(), capture_output=True, timeout=STEP_S, env=environment,
                              start_new_session=True)
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")


def erlang_by_ssh(folder, port):
    status, output = ssh(folder, port, "sesame", ["lists:sum([20, 22])."])
    return None if status == 0 and "42" in output else f"status {status}: {output[-200:]!r}"


def iex_by_ssh(folder, port):
    _, output = ssh(folder, port, "sesame", [], "IO.puts(\"sum: #{20 + 22}\")\nexit\n")
    return None if re.search(r"sum: 42", output) else f"{output[-200:]!r}"


def wrong_password(folder, port):
    status, output = ssh(folder, port, "open", ["1."])
    return None if status not in (0, None) and "denied" in output else f"status {status}: {output[-200:]!r}"


def from_outside(results, forwards, folder):
    ports = {one.port: one.host_port for one in forwards}
    for name, problem in (("tls12_server", lambda: tls_server(ports[TLS], "tls1.2")),
                          ("tls13_server", lambda: tls_server(ports[TLS], "tls1.3")),
                          ("erlang_by_ssh", lambda: erlang_by_ssh(folder, ports[ERL])),
                          ("iex_by_ssh", lambda: iex_by_ssh(folder, ports[IEX])),
                          ("ssh_wrong_password", lambda: wrong_password(folder, ports[ERL]))):
        results.add(name, problem())


def from_inside(results, console):
    for name in CHECKS:
        found = console.expect_match(rf"check {name}: ([^\n]*)\n", STEP_S)
        results.add(name, None if found[1] == "pass" else found[1])


def main():
    for program in ("ssh", "openssl", "erl"):
        if not shutil.which(program):
            raise KosError(f"no {program} on this machine")
    results = Results()
    path, cores = kernel()
    folder = Path(tempfile.mkdtemp())
    pages = in_background(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages))
    names = in_background(name_server())
    tls_port, dist_port = network.free_port("tcp"), network.free_port("tcp")
    others = [start_openssl(folder, tls_port), start_node(folder, dist_port)]
    try:
        root_task = system_image.compile_system(SYSTEM, parameters={
            "beam.http_port": pages.server_address[1], "beam.tls_port": tls_port, "beam.dist_port": dist_port})
        forwards = network.forwards_of(root_task, network.free_port)
        with session.boot(root_task, path, cores, forwards=forwards) as console:
            try:
                console.expect("net: ready", BOOT_S)
                results.add("start")
                from_inside(results, console)
                from_outside(results, forwards, folder)
            except KosError as error:
                results.add("dialogue", str(error))
    finally:
        for process in others:
            processes.stop(process)
        pages.shutdown()
        names.shutdown()
        shutil.rmtree(folder)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
