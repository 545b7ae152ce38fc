defmodule Station.Archive do
  @moduledoc """
  Hands a sample to the history each second, and asks it for what it has, by Erlang distribution. The history is another domain
  with a BEAM of its own: this one goes on whatever becomes of it. Samples that it could not take are handed over when it is back.
  """
  use GenServer
  alias Station.Board

  @history :history@kos
  @self :station@kos
  @interval 1000
  @waiting 600

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "Samples of the last `seconds`, the oldest first: `{:ok, [{ms, level, motor, inflow, relief}]}`."
  def since(seconds) do
    GenServer.call({History.Store, @history}, {:since, seconds}, 2000)
  catch
    :exit, _ -> {:error, :unavailable}
  end

  @impl true
  def init(_) do
    send(self(), :sample)
    {:ok, %{waiting: []}}
  end

  @impl true
  def handle_info(:sample, state) do
    Process.send_after(self(), :sample, @interval)
    {:noreply, state |> add(sample()) |> hand_over()}
  end

  def handle_info(_, state), do: {:noreply, state}

  defp sample do
    with %{} = judge <- Board.get(:judge, nil, 1000) do
      {System.system_time(:millisecond), judge.level_mm, judge.motor_percent, judge.inflow_ml_per_s,
       judge.relief_ml_per_s}
    end
  end

  defp add(state, nil), do: state
  defp add(state, sample), do: %{state | waiting: Enum.take([sample | state.waiting], @waiting)}

  defp hand_over(%{waiting: []} = state), do: state

  defp hand_over(state) do
    with true <- connected?(),
         {:ok, memory} <- GenServer.call({History.Store, @history}, {:add, Enum.reverse(state.waiting)}, 2000) do
      Board.put(:history, :up)
      Board.put({:memory, "history"}, %{used_bytes: memory})
      %{state | waiting: []}
    else
      _ -> away(state)
    end
  catch
    :exit, _ -> away(state)
  end

  defp away(state) do
    Board.put(:history, :away)
    state
  end

  # Started here and not by the command line, so that whatever is missing for it holds up nobody.
  defp connected? do
    Node.alive?() or match?({:ok, _}, :net_kernel.start(@self, %{name_domain: :shortnames, hidden: true}))
  end
end
