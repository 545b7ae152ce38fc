defmodule Station.Watch do
  @moduledoc """
  What the system says about itself: the domains and their restarts (the supervisor's table), the log, the packets that the router
  refused.
  """
  use Supervisor
  alias Station.{Asker, Board}

  @kept 200

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "Lines of the log with numbers above `sequence`, the oldest first."
  def log(sequence), do: Enum.filter(Board.get(:log, []), &(&1.sequence > sequence))

  @impl true
  def init(_) do
    Supervisor.init(
      [
        {Asker, {:domains, 300, &domains/0}},
        {Asker, {:log, 400, &read_log/0}},
        {Asker, {:denials, 1500, &denials/0}}
      ],
      strategy: :one_for_one,
      max_restarts: 100,
      max_seconds: 60
    )
  end

  defp domains do
    with {:ok, list} <- Kos.Domain.list(), do: Board.put(:domains, list)
  end

  defp read_log do
    {next, before, kept} = Board.get(:log_state, {0, 0, []})

    case Kos.Log.read(next) do
      # The log itself was restarted and counts anew: from its beginning next time. Here the numbers go on.
      {:ok, after_these, _lost, _} when after_these < next ->
        Board.put(:log_state, {0, before + next, kept})

      {:ok, after_these, _lost, lines} ->
        kept = Enum.take(kept ++ Enum.map(lines, &line(&1, before)), -@kept)
        Board.put(:log_state, {after_these, before, kept})
        Board.put(:log, kept)

      _ ->
        :nothing
    end
  end

  defp line(line, before) do
    %{
      sequence: before + line.sequence,
      time: div(line.ticks * 1000, ticks_per_second()),
      domain: line.domain,
      level: line.level,
      text: line.text
    }
  end

  # Of the generic timer on QEMU's virt machine; the log says times in its ticks.
  defp ticks_per_second, do: 62_500_000

  defp denials do
    with {:ok, uplink} <- Kos.Net.uplink() do
      Board.put(:net, %{state: uplink.state, denials: uplink.denials, connections: uplink.connections})
    end

    {next, _} = Board.get(:denials, {0, []})

    with {:ok, after_these, _lost, entries} <- Kos.Net.denials(next) do
      {_, kept} = Board.get(:denials, {0, []})
      Board.put(:denials, {after_these, Enum.take(kept ++ entries, -50)})
    end
  end
end
