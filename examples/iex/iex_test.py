"""Debian's Erlang/OTP and Elixir, used at the prompt as a user does: editing, completion, the menu of Ctrl-C, programs, files,
databases, timers, sockets; the end of the BEAM in each way, after which the supervisor brings it back."""

import sys
from pathlib import Path

from kos import session, system_image
from kos.common import KosError
from kos.results import Results, kernel

SYSTEM = Path(__file__).parent / "system.toml"
RESTARTED = Path(__file__).parent / "restarted/system.toml"
# Seconds of the host, which may be busy with other tests.
BOOT_S, STEP_S = 400, 120
# Between two characters: a person's speed; the UART has no flow control.
PAUSE_S = 0.003

UP, LEFT, BACKSPACE, CTRL_A, CTRL_C, TAB = "\x1b[A", "\x1b[D", "\x7f", "\x01", "\x03", "\t"
PROMPT = r"\niex\(\d+\)> "

# (name, what is typed, what the terminal shows): keys, without Return.
KEYS = (
    ("echo", "0 + 23", "0 \\+ 23"),
    ("backspace", BACKSPACE + "2", "2"),
    ("begin_of_line", CTRL_A + "2", "20 \\+ 22"),
    ("edited", "\r", "\n42" + PROMPT),
    ("history", UP, "20 \\+ 22"),
    ("history_evaluated", "\r", "\n42" + PROMPT),
    ("completion", "Enum.rever" + TAB, "Enum\\.reverse"),
    ("completed", "([1, 2])" + LEFT + "\r", r"\n\[2, 1\]" + PROMPT),
    ("completion_of_files", 'File.exists?("/etc/hostn' + TAB, 'hostname'),
    ("completed_file", '")\r', r"\ntrue" + PROMPT),
    ("menu", CTRL_C, r"\(a\)bort"),
    ("menu_left", "c\r", ""),
    ("after_the_menu", "20 + 3\r", r"\n23" + PROMPT),
    ("menu_info", CTRL_C, r"\(a\)bort"),
    ("menu_info_shown", "i\r", "=erlang_system|System|=memory"),
    ("after_the_info", "20 + 4\r", r"\n24" + PROMPT),
)

MNESIA = (
    ("mnesia_schema", 'Application.put_env(:mnesia, :dir, \'/tmp/m\'); :mnesia.create_schema([node()])', ":ok"),
    ("mnesia_disc_copies", ":mnesia.start; :mnesia.create_table(:t, [disc_copies: [node()]])", r"\{:atomic, :ok\}"),
    ("mnesia_transaction", ":mnesia.transaction(fn -> for i <- 1..50, do: :mnesia.write({:t, i, i * i}) end) |> elem(0)", ":atomic"),
    ("mnesia_from_disc", ":stopped = :mnesia.stop; :mnesia.start; :ok = :mnesia.wait_for_tables([:t], 20000); :mnesia.dirty_read(:t, 7)",
     r"\[\{:t, 7, 49\}\]"),
)

# Over loopback: the domain has no [network].
SERVE = "{:ok, l} = :gen_tcp.listen(0, [:binary, active: false]); {:ok, p} = :inet.port(l); "
CHAIN = "o = [digest: :sha256, key: {:namedCurve, :secp256r1}]; c = %{root: o, intermediates: [], peer: o}; "
NETWORK = (
    ("tcp", SERVE + "spawn(fn -> {:ok, s} = :gen_tcp.accept(l); {:ok, b} = :gen_tcp.recv(s, 0); :gen_tcp.send(s, b) end); "
     "{:ok, c} = :gen_tcp.connect({127, 0, 0, 1}, p, [:binary, active: false]); :ok = :gen_tcp.send(c, \"echo\"); "
     "{:gen_tcp.recv(c, 0, 9999), :gen_tcp.recv(c, 0, 9999)}", r'\{\{:ok, "echo"\}, \{:error, :closed\}\}'),
    ("tcp_refused", "{:gen_tcp.connect({127, 0, 0, 1}, 1, []), :gen_tcp.connect({8, 8, 8, 8}, 1, [])}",
     r"\{\{:error, :econnrefused\}, \{:error, :enetunreach\}\}"),
    ("tcp_many", SERVE + "f = fn f -> {:ok, s} = :gen_tcp.accept(l); pid = spawn(fn -> receive do :go -> :ok end; {:ok, b} = :gen_tcp.recv(s, 0); "
     ":gen_tcp.send(s, b) end); :gen_tcp.controlling_process(s, pid); send(pid, :go); f.(f) end; spawn(fn -> f.(f) end); "
     "1..100 |> Task.async_stream(fn i -> {:ok, c} = :gen_tcp.connect({127, 0, 0, 1}, p, [:binary, active: false]); "
     ":gen_tcp.send(c, <<i>>); {:ok, <<^i>>} = :gen_tcp.recv(c, 1); i end, max_concurrency: 100, timeout: 99999) |> Enum.count", "100"),
    ("udp", "{:ok, a} = :gen_udp.open(0, [:binary, active: false, recvttl: true]); {:ok, p} = :inet.port(a); {:ok, b} = :gen_udp.open(0); "
     ":gen_udp.send(b, {127, 0, 0, 1}, p, \"text\"); {:ok, {_, _, x, t}} = :gen_udp.recv(a, 0, 9999); {x, t}", r'\{\[ttl: 64\], "text"\}'),
    ("interfaces", "{:ok, [{'lo', of}]} = :inet.getifaddrs; Keyword.get_values(of, :addr)", r"\[\{127, 0, 0, 1\}, \{0, 0, 0, 0, 0, 0, 0, 1\}\]"),
    ("names", "{:ok, n} = :inet.gethostname; {:inet.getaddr('localhost', :inet), elem(:inet.getaddr(n, :inet), 0), n}",
     r"\{\{:ok, \{127, 0, 0, 1\}\}, :ok, 'iex'\}"),
    ("tls", "{:ok, _} = Application.ensure_all_started(:ssl); " + CHAIN + "t = :public_key.pkix_test_data(%{server_chain: c, client_chain: c}); "
     "for v <- [:\"tlsv1.2\", :\"tlsv1.3\"] do {:ok, l} = :ssl.listen(0, t.server_config ++ [:binary, active: false, versions: [v]]); "
     "{:ok, {_, p}} = :ssl.sockname(l); spawn(fn -> {:ok, h} = :ssl.transport_accept(l); {:ok, s} = :ssl.handshake(h); :ssl.send(s, \"secret\"); "
     "Process.sleep(9999) end); {:ok, c} = :ssl.connect({127, 0, 0, 1}, p, t.client_config ++ [:binary, active: false, versions: [v], "
     "server_name_indication: :disable, log_level: :error]); {:ok, x} = :ssl.recv(c, 6); x end", r'\["secret", "secret"\]'),
    ("http", "{:ok, _} = Application.ensure_all_started(:inets); File.write!(\"/tmp/page\", \"page\"); {:ok, d} = :inets.start(:httpd, port: 0, "
     "server_root: '/tmp', document_root: '/tmp', server_name: 'kos', bind_address: {127, 0, 0, 1}); [port: p] = :httpd.info(d, [:port]); "
     "{:ok, {{_, n, _}, _, b}} = :httpc.request('http://127.0.0.1:#{p}/page'); {n, b}", r"\{200, 'page'\}"),
)

# (name, expression, what it gives)
EVALUATED = (
    ("system_cmd", 'System.cmd("echo", ["a", "b"])', r'\{"a b\\n", 0\}'),
    ("system_cmd_status", 'System.cmd("sh", ["-c", "exit 3"])', r'\{"", 3\}'),
    ("system_cmd_missing", 'try do System.cmd("/no/such", []) rescue e -> e.original end', ":enoent"),
    ("os_cmd", ":os.cmd('echo $((6*7))')", r"'42\\n'"),
    ("port", 'p = Port.open({:spawn, "cat"}, [:binary]); Port.command(p, "x"); '
     'receive do {^p, {:data, d}} -> {:got, d} after 9999 -> :late end', r'\{:got, "x"\}'),
    ("first_process_is_immune", ":os.cmd('kill -9 1')", r"\[\]"),
    ("port_exit", 'p = Port.open({:spawn, "sh -c \'kill -9 $$\'"}, [:exit_status]); '
     'receive do {^p, {:exit_status, s}} -> s after 9999 -> :late end', "137"),
    ("file", 'File.mkdir_p!("/tmp/a/b"); File.write!("/tmp/a/f", "abc"); File.rename!("/tmp/a/f", "/tmp/a/b/g"); '
     '{File.ls!("/tmp/a"), File.stat!("/tmp/a/b/g").size, File.read("/tmp/a/f")}', r'\{\["b"\], 3, \{:error, :enoent\}\}'),
    ("file_of_the_image", 'File.write("/etc/hostname", "changed"); File.read!("/etc/hostname")', '"changed"'),
    ("dets", "{:ok, t} = :dets.open_file(:d, file: '/tmp/d'); :dets.insert(t, for(i <- 1..100, do: {i, -i})); :dets.close(t); "
     "{:ok, t} = :dets.open_file(:d, file: '/tmp/d'); {:dets.info(t, :size), :dets.lookup(t, 9)}", r"\{100, \[\{9, -9\}\]\}"),
    *MNESIA,
    ("crypto_hash", 'Base.encode16(:crypto.hash(:sha256, "abc")) |> binary_part(0, 16)', '"BA7816BF8F01CFEA"'),
    ("crypto_cipher", "k = :crypto.strong_rand_bytes(32); n = <<0::96>>; {c, g} = :crypto.crypto_one_time_aead(:aes_256_gcm, k, n, \"text\", \"\", true); "
     ":crypto.crypto_one_time_aead(:aes_256_gcm, k, n, c, \"\", g, false)", '"text"'),
    ("crypto_curve", "{p, s} = :crypto.generate_key(:ecdh, :x25519); {q, r} = :crypto.generate_key(:ecdh, :x25519); "
     ":crypto.compute_key(:ecdh, q, s, :x25519) == :crypto.compute_key(:ecdh, p, r, :x25519)", "true"),
    ("memory", ":erlang.memory(:total) > 5_000_000 and :erlang.memory(:code) > 1_000_000", "true"),
    ("os_mon", "{:ok, _} = Application.ensure_all_started(:os_mon); :cpu_sup.util >= 0 and :cpu_sup.avg1 >= 0", "true"),
    ("memsup", "{all, used, _} = :memsup.get_memory_data; all > used and used > 0", "true"),
    ("disksup", "send(:disksup, :timeout); for {'/tmp', kb, _} <- :disksup.get_disk_data, do: kb > 1000", r"\[true\]"),
    ("schedulers", "{:erlang.system_info(:schedulers_online), :erlang.system_info(:dirty_cpu_schedulers_online)}", r"\{CORES, CORES\}"),
    ("all_schedulers_work", "n = System.schedulers_online; 1..(4 * n) |> Task.async_stream(fn i -> Enum.sum(1..(200_000 + i)) end, timeout: 99999) "
     "|> Enum.count(fn {:ok, _} -> true end) == 4 * n", "true"),
)

# How late a timer of so many milliseconds may be: on one core time is the machine's own and nobody else's.
TIMERS = ("for n <- [1, 3, 10, 50, 200] do t = System.monotonic_time(:microsecond); Process.sleep(n); "
          "(System.monotonic_time(:microsecond) - t) / 1000 - n end |> then(&(Enum.min(&1) >= 0 and Enum.max(&1) < LATE))")

CHILD = 'System.cmd("sh", ["-c", "erl -noshell -eval \'erlang:halt(WHY).\' 2>/dev/null; echo status $?; head -n 1 /tmp/dump"], env: [{"ERL_CRASH_DUMP", "/tmp/dump"}]) |> elem(0)'
CHILDREN = (
    ("crash_dump", CHILD.replace("WHY", '\\"why\\"'), r'"status 1\\n=erl_crash_dump:0\.5\\n"'),
    ("abort_of_a_child", CHILD.replace("WHY", "abort"), r'"status 134\\n=erl_crash_dump:0\.5\\n"'),
)

# A call `restart` of appman, as kos_port_record.h has it.
KILL = ('{:ok, s} = :socket.open(:local, :seqpacket, :default); :ok = :socket.connect(s, %{family: :local, path: "/run/kos/port/appman"}); '
        ':socket.send(s, <<1::little-16, 1::little-16, 5::little-32, 1::little-64, 0::320, "iex">>); Process.sleep(:infinity)')
# One of os_mon's servers dies, and its supervisor has another one soon.
TREE = ("{:ok, _} = Application.ensure_all_started(:os_mon); old = Process.whereis(:cpu_sup); Process.exit(old, :kill); "
        "Stream.repeatedly(fn -> Process.sleep(10); Process.whereis(:cpu_sup) end) |> Stream.take(500) |> Enum.any?(&(&1 not in [nil, old])) "
        "and :cpu_sup.nprocs > 0")


class Prompt:
    def __init__(self, results, console):
        self.results, self.console = results, console

    def step(self, name, text, wanted, timeout=STEP_S):
        """Types; what comes must match. Nothing that follows makes sense if it does not."""
        try:
            self.console.send(text, PAUSE_S)
            self.console.expect_match(wanted, timeout)
        except KosError as error:
            self.results.add(name, str(error))
            raise
        self.results.add(name)

    def evaluate(self, name, expression, wanted, timeout=STEP_S):
        self.step(name, expression + "\r", r"\n *" + wanted + r"[^\n]*" + PROMPT, timeout)

    def starts(self, name, text):
        self.step(name, text, r"Erlang/OTP.*Interactive Elixir.*iex\(1\)> ", BOOT_S)


def evaluated(cores):
    late = 3 if cores == 1 else 10000  # on several cores time is the host's
    yield from ((name, text, wanted.replace("CORES", str(cores))) for name, text, wanted in EVALUATED)
    yield "timers", TIMERS.replace("LATE", str(late)), "true"
    # What these leave running (connections that are kept, TLS's own timers) would make a timer late now and then.
    yield from NETWORK


def use(prompt, cores):
    prompt.starts("prompt", "")
    for name, text, wanted in KEYS:
        prompt.step(name, text, wanted)
    for name, text, wanted in evaluated(cores):
        prompt.evaluate(name, text, wanted)
    if cores == 1:
        for name, text, wanted in CHILDREN:
            prompt.evaluate(name, text, wanted)
        prompt.starts("init_restart", ":init.restart\r")
        prompt.evaluate("after_restart", "20 + 5", "25")
        # Each of these ends the domain's first process, and with it the domain: the supervisor brings it back.
        prompt.starts("init_stop", ":init.stop\r")
        # The answer only once it is asked for: the terminal is the shell's until then.
        prompt.step("menu_before_abort", CTRL_C, r"\(d\)istribution")
        prompt.starts("menu_abort", "a\r")
    prompt.starts("abort", ":erlang.halt(:abort)\r")
    prompt.evaluate("supervision_tree", "Supervisor.count_children(:kernel_sup).active > 5", "true")
    prompt.evaluate("nothing_left", 'File.read!("/etc/hostname") != "changed" and File.ls!("/tmp") == []', "true")


def killed(prompt, _):
    """The supervisor kills the BEAM in the midst of its work, and again what it has begun instead."""
    prompt.starts("prompt_before_kill", "")
    prompt.evaluate("work_before_kill", 'File.write!("/tmp/left", "x"); spawn(fn -> Stream.cycle([1]) |> Stream.run() end); :os.cmd(\'sleep 999 &\')', r"\[\]")
    for instance in ("2", "3"):
        prompt.starts(f"killed_by_appman_{instance}", KILL + "\r")
        prompt.evaluate(f"instance_{instance}", 'File.read!("/run/kos/domain/instance") |> String.trim()', f'"{instance}"')
        prompt.evaluate(f"tree_works_{instance}", TREE, "true")
        prompt.evaluate(f"nothing_left_of_killed_{instance}", 'File.ls!("/tmp")', r"\[\]")


def main():
    results = Results()
    path, cores = kernel()
    runs = [(SYSTEM, use), (RESTARTED, killed)] if cores == 1 else [(SYSTEM, use)]
    for system, steps in runs:
        with session.boot(system_image.compile_system(system), path, cores) as console:
            try:
                steps(Prompt(results, console), cores)
            except KosError:
                pass  # it is in the results
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
