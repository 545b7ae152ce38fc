defmodule Kos.ServicesTest do
  use ExUnit.Case
  import ExUnit.CaptureIO
  alias Kos.Fake

  doctest Kos.Wire
  doctest Kos.Log
  doctest Kos.Net
  doctest Kos.Helpers

  setup do
    {:ok, root: Fake.start()}
  end

  defp entry(name, fields \\ []) do
    state = Keyword.get(fields, :state, 3)
    reason = Keyword.get(fields, :reason, 0)
    instance = Keyword.get(fields, :instance, 1)
    padded = name <> :binary.copy(<<0>>, 32 - byte_size(name))
    <<padded::binary, 5::little-16, state, reason, instance::little-32, instance - 1::little-32, 0::little-32>>
  end

  # appman with one domain, "motor", whose row is in a table that the test changes.
  defp appman(initial) do
    table = :ets.new(:appman, [:public])
    :ets.insert(table, [{:motor, initial}, {:changes, 7}, {:watchers, []}])

    Fake.port("appman", fn
      %{label: 1, param: 0} = record ->
        [Fake.reply(record, param: 1, payload: entry("appman"))]

      %{label: 1, param: 1} = record ->
        [Fake.reply(record, param: 0, payload: entry("motor"))]

      %{label: 2, payload: "motor"} = record ->
        [Fake.reply(record, payload: :ets.lookup_element(table, :motor, 2))]

      %{label: 5, payload: "motor"} = record ->
        [Fake.reply(record)]

      %{label: 8, param: since} = record ->
        :ets.insert(table, {:watchers, [Process.get(:fake_socket)]})
        last = :ets.lookup_element(table, :changes, 2)
        row = :ets.lookup_element(table, :motor, 2)
        [Fake.reply(record, param: last, payload: if(since == last, do: "", else: row))]

      record ->
        [Fake.reply(record, label: 147)]
    end)

    fn row ->
      :ets.insert(table, {:motor, row})
      :ets.update_counter(table, :changes, 1)
      [{_, watchers}] = :ets.take(table, :watchers)
      :ets.insert(table, {:watchers, []})
      Enum.each(watchers, &Fake.put(&1, %Kos.Record{kind: :notice}))
    end
  end

  test "domains" do
    appman(entry("motor", instance: 4, reason: 8))
    assert {:ok, [%{name: "appman"}, %{name: "motor", number: 5}]} = Kos.Domain.list()
    assert {:ok, %{state: :ready, last_reason: :hung, instance: 4, restarts: 3}} = Kos.Domain.status("motor")
    assert Kos.Domain.status("pump") == {:error, :not_found}
    assert Kos.Domain.restart("motor") == :ok
    assert Kos.Domain.restart("pump") == {:error, :not_found}
    assert capture_io(&Kos.Helpers.domains/0) =~ ~r/5 +motor +ready/
  end

  test "without the port" do
    assert Kos.Domain.list() == {:error, :not_granted}
    assert capture_io(&Kos.Helpers.domains/0) =~ "does not give this domain the port appman"
    assert Kos.Device.GPIO.open(1, :input) == {:error, :no_driver}
    assert Kos.Device.I2C.open("i2c-1") == {:error, :no_driver}
    assert Kos.Net.uplink() == {:error, :not_granted}
  end

  test "each end is told once" do
    set = appman(entry("motor"))
    start_supervised!(Kos.Domain)
    {:ok, reference} = Kos.Domain.monitor("motor")
    refute_receive {:kos_down, _, _, _}, 50
    set.(entry("motor", instance: 2, reason: 4))
    assert_receive {:kos_down, ^reference, "motor", %{instance: 1, reason: :fault_memory}}
    refute_receive {:kos_down, _, _, _}, 50
    set.(entry("motor", instance: 2, state: 1, reason: 8))
    assert_receive {:kos_down, ^reference, "motor", %{instance: 2, reason: :hung}}
    set.(entry("motor", instance: 3, reason: 8))
    refute_receive {:kos_down, _, _, _}, 50
    {:ok, late} = Kos.Domain.monitor("motor")
    :ok = Kos.Domain.demonitor(reference)
    set.(entry("motor", instance: 4, reason: 1))
    assert_receive {:kos_down, ^late, "motor", %{instance: 3, reason: :done}}
    refute_received {:kos_down, ^reference, _, _}
    assert Kos.Domain.monitor("pump") == {:error, :not_found}
  end

  test "a native application as a process" do
    Process.flag(:trap_exit, true)
    set = appman(entry("motor", state: 2))
    start_supervised!(Kos.Domain)
    spawn(fn -> Process.sleep(100) && set.(entry("motor")) end)
    {:ok, proxy} = Kos.Native.start_link("motor", timeout: 5000)
    assert Kos.Native.whereis("motor") == proxy
    assert Kos.Native.instance(proxy) == 1
    monitor = Process.monitor(proxy)
    set.(entry("motor", instance: 2, reason: 9))
    assert_receive {:DOWN, ^monitor, :process, ^proxy, {:kos_exit, :killed}}
    assert_receive {:EXIT, ^proxy, {:kos_exit, :killed}}
    refute_receive {:DOWN, _, _, _, _}, 30
    assert {:error, :not_found} = Kos.Native.start_link("pump")
  end

  test "parameters", %{root: root} do
    File.write!(Path.join(root, "parameters/colour"), "green")
    File.write!(Path.join(root, "parameters/count"), "0x2a")
    assert Kos.KV.get("colour") == "green"
    assert Kos.KV.get(:taste, "none") == "none"
    assert Kos.KV.get("../domain/name", "none") == "none"
    assert Kos.KV.get_integer("count") == 42
    assert Kos.KV.get_all() == %{"colour" => "green", "count" => "0x2a"}
    assert capture_io(&Kos.Helpers.params/0) == "colour = green\ncount = 0x2a\n"
    assert Kos.Domain.self() == nil

    for {name, text} <- [name: "web", number: "9", instance: "2", generation: "1"],
        do: File.write!(Path.join(root, "domain/#{name}"), text)

    assert Kos.Domain.self() == %{name: "web", number: 9, instance: 2, generation: 1}
  end

  test "the log" do
    test = self()

    line = fn sequence, text ->
      name = "pump" <> :binary.copy(<<0>>, 28)
      fill = :binary.copy(<<0>>, rem(8 - rem(byte_size(text), 8), 8))

      <<sequence::little-64, 5::little-64, 1::little-32, 7::little-16, 2, byte_size(text), name::binary, text::binary,
        fill::binary>>
    end

    Fake.port("log", fn
      %{label: 1} = record ->
        send(test, {:line, record.param, record.payload})
        [Fake.reply(record)]

      %{label: 2, param: 0} = record ->
        [Fake.reply(record, param: 2, words: {0, 2}, payload: line.(0, "one") <> line.(1, "and two"))]

      record ->
        [Fake.reply(record, label: 152)]
    end)

    {:ok, _} = Logger.add_backend(Kos.Log)
    require Logger
    capture_io(:stderr, fn -> Logger.error("broken\nbadly") && Logger.flush() end)
    assert_receive {:line, 1, "broken" <> _}, 1000
    Logger.remove_backend(Kos.Log)
    assert {:ok, 2, 0, [%{text: "one", domain: "pump"}, %{text: "and two", level: 2}]} = Kos.Log.read(0)
    assert Kos.Log.read(2) == {:error, :empty}
    assert capture_io(fn -> Kos.Helpers.dmesg() end) == "pump#1 | warning: one\npump#1 | warning: and two\n"
  end

  test "a log without a thread for calls" do
    Fake.port("log", fn record -> [Fake.status(record, :unauthorized)] end)
    require Logger

    told =
      capture_io(:stderr, fn ->
        {:ok, _} = Logger.add_backend(Kos.Log)
        Logger.error("one")
        Logger.error("two")
        Logger.flush()
        Logger.remove_backend(Kos.Log)
      end)

    assert [_, _] = String.split(told, "threads = 2 or more")
  end

  test "gpio" do
    test = self()
    levels = :ets.new(:levels, [:public])

    Fake.port("gpio", fn
      %{label: 1} = record ->
        [Fake.reply(record, param: 0b101000)]

      %{label: 2, param: param} = record ->
        send(test, {:direction, param}) && [Fake.reply(record)]

      %{label: 3} = record ->
        [Fake.reply(record, param: 1)]

      %{label: 4, param: param} = record ->
        send(test, {:write, param}) && [Fake.reply(record)]

      %{label: 5} = record ->
        [Fake.reply(record)]

      %{label: 7} = record ->
        first = :ets.insert_new(levels, {:told, true})
        if first, do: [Fake.reply(record, param: 0b100000 + 256 * 0b100000)], else: :silent
    end)

    alias Kos.Device.GPIO
    assert GPIO.enumerate() == {:ok, [3, 5]}
    {:ok, led} = GPIO.open(3, :output, initial_value: 1)
    assert_received {:direction, 0x010103}
    assert GPIO.write(led, 0) == :ok
    assert_received {:write, 3}
    assert GPIO.read(led) == 1
    {:ok, button} = GPIO.open(5, :input)
    assert GPIO.set_interrupts(button, :both) == :ok
    assert_receive {:circuits_gpio, 5, _, 1}
    GPIO.close(button)
    GPIO.close(led)
  end

  test "helpers that need nothing", %{root: root} do
    File.mkdir_p!(Path.join(root, "a/b"))
    assert capture_io(fn -> Kos.Helpers.tree(Path.join(root, "a")) end) =~ "`-- b"
    assert capture_io(fn -> Kos.Helpers.cat(Path.join(root, "none")) end) =~ "no such file"
    assert capture_io(fn -> Kos.Helpers.uptime() end) =~ "up "
    assert capture_io(fn -> Kos.Helpers.top(3) end) =~ "REDUCTIONS"
    assert capture_io(fn -> Kos.Helpers.ifconfig() end) =~ "lo:"
    assert capture_io(fn -> Kos.Helpers.ports() end) == ""
  end
end
