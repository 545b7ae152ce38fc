defmodule History.Hostile do
  @moduledoc "How this domain goes wrong when it is asked to."
  require Logger

  def run(:crash), do: :erlang.halt(:abort)

  # Nothing of lower priority gets a turn while this runs on the only scheduler.
  def run(:hang) do
    Process.flag(:priority, :max)
    spin()
  end

  def run(:compromise) do
    for port <- ~w(pump actuators controller judge),
        do: say("connect to #{port}: #{inspect(Kos.Socket.connect("port", port))}")

    for {address, port} <- [{{10, 78, 9, 2}, 8080}, {{10, 0, 2, 2}, 80}],
        do: say("TCP to #{:inet.ntoa(address)}:#{port}: #{inspect(:gen_tcp.connect(address, port, [], 1500))}")

    say("restart of pump: #{inspect(Kos.Domain.restart("pump"))}")
    say("takes all memory")
    Process.sleep(500)
    eat([])
  end

  defp spin, do: spin()
  defp say(text), do: Logger.warning("hostile: " <> text)
  defp eat(kept), do: eat([:binary.copy(<<0xAA>>, 8 * 1024 * 1024) | kept])
end
