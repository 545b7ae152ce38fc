defmodule :kos_dist_test do
  @moduledoc false
  # Two BEAM domains: `left` judges, `right` does what it is told. First by the carrier `kos`, which has a stream in each
  # direction; then by TCP through the router, where both have other names. `right` is ended in the middle.
  alias Kos.Domain

  @left :left@kos
  @right :right@kos
  @large 3_000_000

  def run do
    :logger.set_primary_config(:level, :none)
    domain = Domain.self()
    spawn(fn -> start(if domain, do: domain.name, else: System.get_env("ROLE", "linux")) end)
  end

  defp start("right") do
    Process.register(self(), :right)
    :ok = begin(@right, :shortnames)
    serve(0)
  end

  defp start("left") do
    Process.register(self(), :left)
    if Kos.KV.get("mode") == "bench", do: bench(), else: judge()
  end

  # On Linux, to compare with: two nodes over the loopback, whose figures stand for both carriers. Each has an address of
  # its own, because all nodes listen on one port.
  defp start("linux") do
    :ok = begin(:"left@127.0.0.1", :longnames)
    {:ok, [[root]]} = :init.get_argument(:root)
    bin = :os.getenv('BINDIR')

    words =
      ["--", "-root", root, "-bindir", bin, "-progname", "erl", "--", "-home", "/root", "--", "-noshell", "-noinput", "-pa"] ++
        :code.get_path() ++
        ["-start_epmd", "false", "-epmd_module", "kos_epmd", "-kernel", "inet_dist_use_interface", "{127,0,0,2}"] ++
        ["-s", "kos_dist_test", "run"]

    elixir_port = [args: words, env: [{'ROLE', 'linux_right'}, {'ROOTDIR', root}]]
    :erlang.open_port({:spawn_executable, bin ++ '/beam.smp'}, elixir_port)
    true = reach(:"right@127.0.0.2")
    for carrier <- ["carrier", "tcp"], do: test(carrier, fn -> measure(carrier, :"right@127.0.0.2") end)
    verdict()
    :erlang.halt(0)
  end

  defp start("linux_right") do
    Process.register(self(), :right)
    :ok = begin(:"right@127.0.0.2", :longnames)
    serve(0)
  end

  defp judge do
    test("start", fn -> begin(@left, :shortnames) == :ok and Node.self() == @left end)
    test("connect", fn -> reach(@right) and Node.list() == [@right] end)
    test("creation", fn -> :erpc.call(@right, :erlang, :system_info, [:creation]) == 5 end)
    test("sizes", &sizes/0)
    test("slow_reader", &slow_reader/0)
    test("no_reader", &no_reader/0)
    test("typed", &typed/0)
    test("not_granted", fn -> quickly(fn -> not Node.connect(:log@kos) and not Node.connect(:nobody@kos) end) end)
    test("other_name", &other_name/0)
    test("death", &death/0)
    test("next_instance", fn -> reach(@right) and :erpc.call(@right, :erlang, :system_info, [:creation]) == 7 end)
    test("death_while_it_sends", &death_while_it_sends/0)
    test("other_side_connects", &other_side_connects/0)
    test("messages", fn -> measure("carrier", @right) end)
    test("tcp", &tcp/0)
    test("tcp_messages", fn -> measure("tcp", tcp_name(:right)) end)
    verdict()
  end

  defp bench do
    test("carrier", fn -> begin(@left, :shortnames) == :ok and reach(@right) and measure("carrier", @right) end)
    test("tcp", fn -> tcp() and measure("tcp", tcp_name(:right)) end)
    test("native", &native/0)
    verdict()
  end

  defp verdict do
    failed = Process.get(:failed, 0)
    verdict = if failed == 0, do: "pass", else: "fail"
    count = Process.get(:count, 0)
    record(~s({"verdict":"#{verdict}","passed":#{count - failed},"failed":#{failed},"skipped":0}))
  end

  defp begin(name, kind) do
    {:ok, _} = :net_kernel.start([name, kind])
    true = Node.set_cookie(:elixir_dist)
    :ok
  end

  # --- The other side

  defp serve(count) do
    receive do
      {:echo, from, value} ->
        send(from, {:echo, value})
        serve(count)

      {:count, from} ->
        send(from, {:count, count})
        serve(0)

      :one ->
        serve(count + 1)

      {:sleep, ms} ->
        Process.sleep(ms)
        serve(count)

      # Nobody takes what arrives at this node, for so long.
      {:read_nothing, from, ms} ->
        readers = for pid <- Process.list(), reader?(pid), do: pid
        for pid <- readers, do: :erlang.suspend_process(pid)
        send(from, {:reads_nothing, length(readers)})
        Process.sleep(ms)
        for pid <- readers, do: :erlang.resume_process(pid)
        serve(0)

      {:in_order, from, number, _} ->
        if number != count, do: send(from, {:out_of_order, number, count})
        serve(number + 1)

      {:flood, to, bytes} ->
        for number <- 0..9999, do: send(to, {:flood, number, bytes})
        serve(0)

      # The connection ends under it.
      {:names, name, kind, back} ->
        :ok = :net_kernel.stop()
        :ok = begin(name, kind)
        if back, do: Node.connect(back)
        serve(0)
    end
  end

  defp reader?(pid), do: match?({:current_function, {:kos_dist_controller, :read, _}}, Process.info(pid, :current_function))

  # --- Tests

  defp sizes do
    for size <- [0, 1, 65_535, 65_536, @large] do
      bytes = bytes(size)
      send({:right, @right}, {:echo, self(), bytes})
      ^bytes = receive(do: ({:echo, got} -> got), after: (60_000 -> :late))
    end

    true
  end

  # Much more than all buffers between the two: who sends is stopped, nothing is lost, and others go on meanwhile.
  defp slow_reader do
    bytes = bytes(100_000)
    send({:right, @right}, {:sleep, 50})
    for _ <- 1..50, do: send({:right, @right}, {:echo, self(), bytes})
    :pong = :net_adm.ping(@right)
    Enum.all?(1..50, fn _ -> receive(do: ({:echo, ^bytes} -> true), after: (60_000 -> false)) end)
  end

  # A node that takes nothing: who sends to it stands still after a few megabytes, however much there is to send, and when it
  # goes on nothing is lost and all is in order.
  @blocked_messages 300
  @blocked_bytes 100_000
  @bound 6_000_000

  defp no_reader do
    send({:right, @right}, {:read_nothing, self(), 1500})
    1 = receive(do: ({:reads_nothing, readers} -> readers), after: (10_000 -> :late))
    bytes = bytes(@blocked_bytes)
    sent = :counters.new(1, [])
    judge = self()
    before = :erlang.memory(:total)

    writer =
      spawn_link(fn ->
        for number <- 0..(@blocked_messages - 1) do
          send({:right, @right}, {:in_order, judge, number, bytes})
          :counters.add(sent, 1, 1)
        end

        send(judge, :written)
      end)

    # Until it stands still, which is long before the other side goes on.
    true = wait(fn -> Process.info(writer, :status) == {:status, :suspended} end, 20)
    Process.sleep(300)
    {:status, :suspended} = Process.info(writer, :status)
    taken = :counters.get(sent, 1) * @blocked_bytes
    grown = :erlang.memory(:total) - before
    IO.puts("stands still after #{taken} bytes, #{grown} more in use")
    true = taken > 0 and taken < @bound and grown < @bound
    :written = receive(do: (:written -> :written), after: (60_000 -> :late))
    send({:right, @right}, {:count, self()})
    # One out of its turn would have said so before this answer.
    receive do
      {:count, count} -> count == @blocked_messages
      {:out_of_order, _, _} -> false
    after
      60_000 -> false
    end
  end

  # By the module that the build makes of the interface.
  defp typed do
    {:ok, appman} = Kos.Port.start_link("appman")
    {:ok, %{entry: %{name: "right", state: :ready}}} = Kos.Idl.Appman.status(appman, %{name: "right"})
    {:error, :unauthorized} = Kos.Idl.Appman.stop(appman, %{name: "right"})
    {:ok, %{next: next, entries: [%{name: "right"}]}} = Kos.Idl.Appman.watch(appman, %{since: 0})
    {:ok, %{next: ^next, entries: []}} = Kos.Idl.Appman.watch(appman, %{since: next})
    {:error, :invalid_argument} = Kos.Idl.Appman.status(appman, %{name: String.duplicate("x", 32)})
    :ok = Kos.Port.close(appman)
    true
  end

  # A node that calls itself otherwise than its domain does not get in, in neither direction.
  defp other_name do
    watch(@right)
    send({:right, @right}, {:names, :imposter@kos, :shortnames, @left})
    gone = down(@right, 30_000)
    Process.sleep(300)
    refused = not Node.connect(@right) and not Node.connect(:imposter@kos) and Node.list([:visible, :hidden]) == []
    # Nothing but the supervisor reaches it now.
    :ok = Domain.restart("right")
    {true, true, true} = {gone, refused, reach(@right)}
    true
  end

  # The other domain ends while much is under way: nodedown at once, and no call hangs.
  defp death do
    watch(@right)
    monitor = Process.monitor({:right, @right})
    send({:right, @right}, {:sleep, 60_000})
    bytes = bytes(@large)
    writer = spawn(fn -> for _ <- 1..10, do: send({:right, @right}, {:echo, self(), bytes}) end)
    Process.sleep(20)
    began = System.monotonic_time(:millisecond)
    :ok = Domain.restart("right")
    true = down(@right, 5000)
    took = System.monotonic_time(:millisecond) - began
    IO.puts("nodedown after #{took} ms")

    :noconnection =
      receive do
        {:DOWN, ^monitor, :process, _, reason} -> reason
      after
        1000 -> :late
      end

    Process.exit(writer, :kill)
    took < 1000
  end

  # It ends in the middle of what it says: what has arrived is whole and in order, and nodedown follows at once.
  defp death_while_it_sends do
    true = reach(@right)
    watch(@right)
    bytes = bytes(50_000)
    send({:right, @right}, {:flood, self(), bytes})
    first = receive(do: ({:flood, number, ^bytes} -> number), after: (30_000 -> :late))
    began = System.monotonic_time(:millisecond)
    :ok = Domain.restart("right")
    arrived = flood(bytes, 1)
    took = System.monotonic_time(:millisecond) - began
    IO.puts("nodedown after #{took} ms and #{arrived} messages")
    first == 0 and is_integer(arrived) and arrived < 10_000 and took < 5000 and reach(@right)
  end

  defp flood(bytes, next) do
    receive do
      {:flood, ^next, ^bytes} -> flood(bytes, next + 1)
      {:flood, other, _} -> {:out_of_order, other, next}
      {:nodedown, @right} -> next
    after
      10_000 -> :no_nodedown
    end
  end

  defp other_side_connects do
    watch(@right)
    true = Node.disconnect(@right)
    true = down(@right, 5000)
    # By the other stream: asked for over the only way there is, which is over afterwards.
    true = reach(@right)
    watch(@right)
    send({:right, @right}, {:names, @right, :shortnames, @left})
    down(@right, 5000) and wait(fn -> @right in Node.list() end, 200)
  end

  defp tcp do
    send({:right, @right}, {:names, tcp_name(:right), :longnames, nil})
    Process.sleep(100)
    :ok = :net_kernel.stop()
    :ok = begin(tcp_name(:left), :longnames)
    reach(tcp_name(:right)) and :erpc.call(tcp_name(:right), Node, :self, []) == tcp_name(:right)
  end

  defp tcp_name(:right) do
    {:ok, %{number: number}} = Domain.status("right")
    :"right@10.78.#{number}.2"
  end

  defp tcp_name(:left), do: :"left@10.78.#{Domain.self().number}.2"

  # --- Figures

  defp measure(name, node) do
    rounds = rounds()
    right = {:right, node}
    for _ <- 1..20, do: round_trip(right)
    # What the rest of the system still does after its start counts as well.
    Process.sleep(1000)
    {trips, _} = :timer.tc(fn -> for _ <- 1..rounds, do: round_trip(right) end)
    row("#{name}/round_trip", trips * 1000 / rounds)
    messages = rounds * 10

    {one_way, _} =
      :timer.tc(fn ->
        for _ <- 1..messages, do: send(right, :one)
        send(right, {:count, self()})
        ^messages = receive(do: ({:count, count} -> count))
      end)

    row("#{name}/message", one_way * 1000 / messages)
    true
  end

  # A native server, called one after the other, and as many at a time as the domain has threads for.
  defp native do
    rounds = rounds()
    {:ok, echo} = Kos.Port.start_link("idl_c")
    call = fn -> {:ok, %{sum: 42}} = Kos.Idl.Echo.add(echo, %{a: 40, b: 2}) end
    for _ <- 1..20, do: call.()
    {one, _} = :timer.tc(fn -> for _ <- 1..rounds, do: call.() end)
    row("native/call", one * 1000 / rounds)
    payload = bytes(4096)
    {large, _} = :timer.tc(fn -> for _ <- 1..rounds, do: {:ok, %{copy: ^payload}} = Kos.Idl.Echo.data(echo, %{data: payload}) end)
    row("native/call_4096_bytes", large * 1000 / rounds)

    # Method 2, as Kos.Idl.Echo.add calls it: 40 and 2, each in half of the parameter.
    <<add::little-64>> = <<40::little-32, 2::little-32>>

    {many, _} =
      :timer.tc(fn ->
        for _ <- 1..div(rounds, 50) do
          calls = for _ <- 1..50, do: Kos.Port.async(echo, 2, "", small: true, param: add, words: {0, 0})
          for reference <- calls, do: {:ok, %{param: 42}} = Kos.Port.await(reference)
        end
      end)

    row("native/call_of_many", many * 1000 / rounds)
    true
  end

  defp rounds, do: Kos.KV.get_integer("rounds") || 2000

  defp round_trip(right) do
    send(right, {:echo, self(), 1})
    receive(do: ({:echo, 1} -> :ok))
  end

  # Of virtual time: with one instruction per nanosecond, instructions of everybody together.
  defp row(name, value), do: record(~s({"row":"#{name}","value":#{round(value)},"unit":"ns"}))

  # --- Help

  # No pattern that a buffer repeats.
  defp bytes(size), do: binary_part(for(n <- 0..div(size, 4), into: "", do: <<n * 2_654_435_761::32>>), 0, size)

  defp reach(node), do: wait(fn -> Node.connect(node) == true end, 600)

  defp wait(function, tries) do
    cond do
      function.() -> true
      tries == 0 -> false
      true -> Process.sleep(50) && wait(function, tries - 1)
    end
  end

  defp watch(node), do: true = Node.monitor(node, true)

  defp down(node, ms) do
    receive do
      {:nodedown, ^node} -> true
    after
      ms -> false
    end
  end

  defp quickly(function) do
    {time, result} = :timer.tc(function)
    result and time < 2_000_000
  end

  defp test(name, function) do
    {result, detail} =
      try do
        if function.(), do: {"pass", ""}, else: {"fail", "not so"}
      catch
        kind, reason -> {"fail", inspect({kind, reason, __STACKTRACE__})}
      end

    Process.put(:count, Process.get(:count, 0) + 1)

    if result == "fail" do
      Process.put(:failed, Process.get(:failed, 0) + 1)
      IO.puts("#{name}: #{detail}")
    end

    record(~s({"test":"#{name}","result":"#{result}"}))
  end

  defp record(json), do: IO.binwrite(<<0x1E, json::binary, "\n">>)
end
