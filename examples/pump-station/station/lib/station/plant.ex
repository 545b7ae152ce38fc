defmodule Station.Plant do
  @moduledoc """
  The native parts, as the station knows them: a connection to each port, and a process for each that asks it at an interval and
  puts the answer on the board. A part that is hung or gone holds up nobody but its own process.
  """
  use Supervisor
  alias Kos.Idl.{Controller, Interlock, Judge, Part}
  alias Station.{Asker, Board}

  @timeout 800
  @parts ~w(plant pump sensor controller)

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "The parts that the page may break."
  def parts, do: @parts -- ["plant"]

  @doc "`mm`: 300 to 700; what is outside is `{:error, :invalid_argument}`, said by the controller itself."
  def set_target(mm) do
    with {:ok, _} <- Controller.set_target(name("controller"), %{mm: mm}, timeout: @timeout), do: :ok
  end

  @doc "Lets a part go wrong: `:crash`, `:hang` or `:compromise`."
  def trial(part, how) when part in @parts do
    with {:ok, _} <- Part.trial(name(part <> "_part"), %{how: how}, timeout: @timeout), do: :ok
  end

  @impl true
  def init(_) do
    ports = ["judge", "interlock", "controller" | Enum.map(@parts, &(&1 <> "_part"))]
    connections = for port <- ports, do: {Kos.Port, {port, name: name(port)}}

    askers =
      [
        asker(:judge, 200, fn -> state(Judge.state(name("judge"), %{}, timeout: @timeout)) end),
        asker(:interlock, 200, fn -> state(Interlock.state(name("interlock"), %{}, timeout: @timeout)) end),
        asker(:controller, 400, fn -> state(Controller.state(name("controller"), %{}, timeout: @timeout)) end)
      ] ++
        for part <- @parts do
          asker({:memory, part}, 2500, fn -> Part.memory(name(part <> "_part"), %{}, timeout: @timeout) end)
        end

    Supervisor.init(connections ++ askers, strategy: :one_for_one, max_restarts: 100, max_seconds: 60)
  end

  defp name(port), do: :"port_#{port}"
  defp state({:ok, %{state: state}}), do: {:ok, state}
  defp state(error), do: error

  defp asker(key, interval, function), do: {Asker, {key, interval, fn -> keep(key, function.()) end}}

  defp keep(key, {:ok, value}), do: Board.put(key, value)
  defp keep(_key, {:error, _}), do: :old
end
