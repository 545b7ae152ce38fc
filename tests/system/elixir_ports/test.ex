defmodule :kos_ports_test do
  @moduledoc false
  # The Elixir library on a device. Native servers are ../common/peer; the native client is ../linux_ports/caller. The
  # domain is restarted in the middle: what belongs to its first instance is counted as passed by the second.
  alias Kos.Device.{I2C, SPI}
  alias Kos.{Domain, Message, Native, Port}

  @echo 1
  @wrong 2
  @state 5
  @make_token 7
  @revoke_token 8
  @queue 6
  @defer 12
  @release 13
  @assertion 7
  @in_first 10

  defmodule Greeter do
    use Kos.Server, port: "greeter"

    @impl true
    def init(test), do: {:ok, %{test: test, casts: 0, last: 0}}

    @impl true
    def handle_call(1, %{token: 0} = message, _from, state),
      do: {:reply, :ok, %{message | param: message.param + 1}, state}

    def handle_call(_, %{token: token} = message, _from, state) when token != 0,
      do: {:reply, :ok, %{message | param: token}, state}

    def handle_call(2, message, from, state) do
      spawn(fn ->
        Process.sleep(20)
        Kos.Server.reply(from, :ok, %{message | param: message.param + 1})
      end)

      {:noreply, state}
    end

    def handle_call(3, _, _, state), do: {:stop, :normal, state}
    def handle_call(5, _, _, state), do: {:noreply, state}

    def handle_call(6, _, from, state) do
      Kos.Server.reply_token(from, 77)
      {:noreply, state}
    end

    def handle_call(8, _, _, state), do: {:reply, :ok, %Message{param: state.casts, words: {state.last, 0}}, state}

    def handle_call(10, _, _, state) do
      send(state.test, :die)
      {:noreply, state}
    end

    def handle_call(11, %{param: failures, words: {passes, _}}, _, state) do
      send(state.test, {:report, failures, passes})
      {:reply, :ok, nil, state}
    end

    def handle_call(_, _, _, state), do: {:reply, :bad_request, nil, state}

    @impl true
    def handle_cast(12, <<value::little-64>>, %{name: "caller"}, state),
      do: {:noreply, %{state | casts: state.casts + 1, last: value}}
  end

  def run do
    {:ok, _} = :application.ensure_all_started(:logger)
    # Elixir's Logger is not needed; reports of processes that end as they should would only be noise.
    :logger.set_primary_config(:level, :none)
    spawn(fn -> if Domain.self().instance == 1, do: first(), else: second() end)
  end

  defp first do
    {:ok, _} = Supervisor.start_link([Domain], strategy: :one_for_one)
    test("parameters", fn -> Kos.KV.get("colour") == "green" and Kos.KV.get_integer("port_wait_ms") == 300 end)
    test("calls", &calls/0)
    test("several", &several/0)
    test("tokens", &tokens/0)
    test("i2c", &i2c/0)
    test("spi", &spi/0)
    test("down_in_a_call", fn -> down("peer", fn peer -> {:error, :peer_gone} = wrong(peer) end) end)
    test("down_in_several_calls", fn -> down("peer_active", &wrong_with_others/1) end)
    test("down_without_a_call", fn -> down("peer", fn _ -> :ok = Domain.restart("peer") end) end)
    Process.register(self(), :test)
    {:ok, _} = Supervisor.start_link([{Greeter, self()}], strategy: :one_for_one, max_restarts: 100)

    test("serve", fn ->
      receive do
        :die -> true
      after
        120_000 -> false
      end
    end)

    :ok = Domain.restart("beam")
    Process.sleep(:infinity)
  end

  # Against a native server that plays a bus.
  defp i2c do
    ["i2c1"] = I2C.bus_names()
    {:ok, bus} = I2C.open("i2c1")
    {:ok, <<0x60>>} = I2C.write_read(bus, 0x76, <<0xD0>>, 1)
    {:ok, <<0x821740::24>>} = I2C.write_read(bus, 0x76, [0xFA], 3)
    bytes = for i <- 0..199, into: <<>>, do: <<i>>
    :ok = I2C.write(bus, 0x50, [0, bytes])
    {:ok, ^bytes} = I2C.write_read(bus, 0x50, <<0>>, 200)
    {:ok, <<_::2048*8>>} = I2C.read(bus, 0x50, 2048)
    {:error, :i2c_nak} = I2C.read(bus, 0x20, 1)
    {:error, :unauthorized} = I2C.read(bus, 0x10, 1)
    [0x50, 0x76] = I2C.detect_devices(bus)
    {:error, :no_driver} = I2C.open("i2c2")
    I2C.close(bus) == :ok
  end

  # Against a native server that plays a converter.
  defp spi do
    ["spi0_adc"] = SPI.bus_names()
    {:ok, adc} = SPI.open("spi0_adc")

    # As the documentation of the library has it: channel 7, ten bits.
    {:ok, <<_::6, 0x3FF::10>>} = SPI.transfer(adc, <<0x78, 0x00>>)
    {:ok, <<_::6, 0x155::10>>} = SPI.transfer(adc, [0x50, <<0x00>>])
    bytes = for i <- 1..4000, into: <<>>, do: <<rem(i, 50)>>
    {:ok, ^bytes} = SPI.transfer(adc, bytes)
    {:error, :invalid_argument} = SPI.transfer(adc, "")
    {:error, :unauthorized} = SPI.transfer(adc, <<0xEE>>)
    {:ok, %{speed_hz: 1_350_000, delay_us: 10, mode: 3, bits_per_word: 8, lsb_first: true}} = SPI.config(adc)
    {:error, :no_driver} = SPI.open("spi1")
    SPI.close(adc) == :ok
  end

  defp second do
    {:ok, _} = Supervisor.start_link([{Greeter, self()}], strategy: :one_for_one)

    test("report", fn ->
      receive do
        {:report, failures, passes} -> failures == 0 and passes > 15
      after
        120_000 -> false
      end
    end)

    failed = Process.get(:failed, 0)
    verdict = if failed == 0, do: "pass", else: "fail"
    record(~s({"verdict":"#{verdict}","passed":#{@in_first + 1 - failed},"failed":#{failed},"skipped":0}))
  end

  defp test(name, function) do
    {result, detail} =
      try do
        if function.(), do: {"pass", ""}, else: {"fail", "not so"}
      catch
        kind, reason -> {"fail", inspect({kind, reason, __STACKTRACE__})}
      end

    if result == "fail" do
      Process.put(:failed, Process.get(:failed, 0) + 1)
      IO.puts("#{name}: #{detail}")
    end

    record(~s({"test":"#{name}","result":"#{result}"}))
  end

  defp record(json), do: IO.binwrite(<<0x1E, json::binary, "\n">>)

  defp calls do
    {:ok, peer} = Port.start_link("peer")
    payload = :binary.copy("0123456789abcdef", 256)
    {:ok, %{param: 42, words: {7, _}}} = Port.call(peer, @echo, "", param: 41, words: {7, 8})
    {:ok, %{payload: ^payload}} = Port.call(peer, @echo, payload)
    {:error, :bad_request} = Port.call(peer, 999)
    for value <- 1..3, do: :ok = Port.cast(peer, @echo, <<value::little-64>>)
    {:ok, %{param: 3, words: {3, 0}}} = wait_for(fn -> Port.call(peer, @queue) end, &match?({:ok, %{param: 3}}, &1))
    {time, _} = :timer.tc(fn -> for number <- 1..200, do: {:ok, _} = Port.call(peer, @echo, "", param: number) end)
    {small, _} = :timer.tc(fn -> for _ <- 1..200, do: {:ok, _} = Port.call(peer, @echo, "", small: true) end)
    IO.puts("a call: #{div(time, 200)} us, a small one: #{div(small, 200)} us")
    Port.close(peer)
    true
  end

  defp several do
    {:ok, active} = Port.start_link("active")
    {:ok, peer} = Port.start_link("peer")
    late = Port.async(active, @defer, "", small: true)
    {:ok, %{param: 6}} = Port.call(peer, @echo, "", param: 5)
    {:error, :timeout} = Port.call(active, @defer, "", small: true, timeout: 30)
    echoes = for number <- 1..100, do: Port.async(active, @echo, "", param: number, small: true, timeout: 60_000)
    answers = Enum.map(echoes, &Port.await(&1, 60_000))
    true = Enum.all?(answers, &match?({:ok, _}, &1))
    {:ok, _} = Port.call(active, @release, "", param: 129, small: true)
    {:ok, %{status: :created}} = Port.await(late)
    Port.close(active)
    Port.close(peer)
    true
  end

  # More than a domain may hold: each is given back.
  defp tokens do
    {:ok, peer} = Port.start_link("peer")

    for number <- 1..300 do
      {:ok, %{token: :given_back}} = Port.call(peer, @make_token, "", param: number, words: {0, 0})
      {:ok, _} = Port.call(peer, @revoke_token, "", param: number)
    end

    Port.close(peer)
    true
  end

  # Exactly one DOWN for one end, whatever the connection was doing; and the next instance serves.
  defp down(name, function) do
    Process.flag(:trap_exit, true)
    {:ok, proxy} = Native.start_link(name)
    instance = Native.instance(proxy)
    reference = Process.monitor(proxy)
    {:ok, port} = Port.start_link(if name == "peer", do: "peer", else: "active")
    {:ok, %{param: ^instance}} = Port.call(port, @state)
    function.(port)

    true =
      receive do
        {:DOWN, ^reference, :process, ^proxy, {:kos_exit, _}} -> true
      after
        10_000 -> false
      end

    false =
      receive do
        {:DOWN, ^reference, _, _, _} -> true
      after
        300 -> false
      end

    {:ok, %{param: next}} = Port.call(port, @state, "", timeout: 10_000)
    Port.close(port)
    next == instance + 1
  end

  defp wrong(port), do: Port.call(port, @wrong, "", param: @assertion, small: true)

  defp wrong_with_others(port) do
    :ok = Port.monitor(port)
    others = for _ <- 1..2, do: Port.async(port, @defer, "", small: true)
    Process.sleep(50)
    {:error, :peer_gone} = wrong(port)
    [{:error, :peer_gone}, {:error, :peer_gone}] = Enum.map(others, &Port.await/1)

    receive do
      {:kos_gone, ^port, "active"} -> :ok
    after
      1000 -> exit(:not_told)
    end

    receive do
      {:kos_gone, ^port, _} -> exit(:told_twice)
    after
      50 -> :ok
    end
  end

  defp wait_for(function, good?, tries \\ 100) do
    result = function.()

    cond do
      good?.(result) -> result
      tries == 0 -> exit(result)
      true -> Process.sleep(10) && wait_for(function, good?, tries - 1)
    end
  end
end
