defmodule Station.Hostile do
  @moduledoc """
  What a station does that an attacker has taken over: code of his choice, in this domain, with all that it has. Each attempt is a
  line in the log. At last it takes all memory there is for it, which ends the BEAM.
  """
  require Logger

  @foreign ~w(pump actuators transmitter sensor console_of_somebody)
  @ports ["judge", "interlock", "controller", "sensor_part", "pump_part", "controller_part"]

  def run do
    # The same rubbish each time.
    :rand.seed(:exsss, 1)
    for port <- @foreign, do: attempt(fn -> connect(port) end)
    for port <- @ports, do: attempt(fn -> rubbish(port) end)
    for target <- [{{10, 0, 2, 2}, 22}, {{8, 8, 8, 8}, 53}, {{10, 78, 0, 1}, 22}], do: attempt(fn -> reach(target) end)
    for file <- ~w(/dev/mem /dev/kmem /proc/kcore), do: attempt(fn -> open(file) end)
    attempt(fn -> restart("netrouter") end)
    say("takes all memory")
    Process.sleep(1000)
    eat([])
  end

  # One that goes wrong is not the last one.
  defp attempt(fun) do
    fun.()
  catch
    kind, reason -> say("an attempt ended with #{inspect({kind, reason})}")
  end

  defp say(text), do: Logger.warning("hostile: " <> text)

  defp connect(port) do
    say("connect to #{port}: #{inspect(Kos.Socket.connect("port", port))}")
  end

  # A forged reading is among it: much water, right now.
  defp rubbish(port) do
    {:ok, conn} = GenServer.start(Kos.Port, {:name, port, []})

    refused =
      Enum.count(1..100, fn _ ->
        payload = :rand.bytes(:rand.uniform(64))
        match?({:error, _}, Kos.Port.call(conn, :rand.uniform(5000), payload, timeout: 300))
      end)

    say("100 requests of rubbish to #{port}: #{refused} refused")
    Kos.Port.close(conn)
  end

  defp reach({address, port}) do
    # A connection counts when something comes through it.
    answer =
      with {:ok, socket} <- :gen_tcp.connect(address, port, [active: false], 1500), do: :gen_tcp.recv(socket, 0, 1500)

    say("TCP to #{:inet.ntoa(address)}:#{port}: #{inspect(answer)}")
  end

  defp open(file), do: say("open #{file}: #{inspect(File.open(file, [:read]) |> elem(1))}")
  defp restart(domain), do: say("restart of #{domain}: #{inspect(Kos.Domain.restart(domain))}")

  defp eat(kept), do: eat([:binary.copy(<<0xAA>>, 8 * 1024 * 1024) | kept])
end
