defmodule History.Store do
  @moduledoc """
  The samples of the last hours, in a DETS table in `/tmp`: memory of this domain, as the system has no storage service yet. They
  survive the end of this process and not that of the domain; the station hands over again what it still has.
  """
  use GenServer
  require Logger

  @table :samples
  @file_name '/tmp/samples.dets'
  @kept 14_400
  @node :history@kos

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @impl true
  def init(_) do
    {:ok, @table} = :dets.open_file(@table, file: @file_name, auto_save: 10_000)
    send(self(), :listen)
    {:ok, nil}
  end

  @impl true
  def handle_call({:add, samples}, _from, state) when is_list(samples) do
    for {time, _, _, _, _} = sample when is_integer(time) <- samples, do: :dets.insert(@table, {key(time), sample})
    {:reply, {:ok, :erlang.memory(:total)}, state}
  end

  def handle_call({:since, seconds}, _from, state) when is_integer(seconds) do
    from = System.system_time(:millisecond) - seconds * 1000
    samples = :dets.select(@table, [{{:_, :"$1"}, [{:>, {:element, 1, :"$1"}, from}], [:"$1"]}])
    {:reply, {:ok, Enum.sort(samples)}, state}
  end

  def handle_call({:trial, how}, _from, state) when how in [:crash, :hang, :compromise] do
    {:ok, _} = Task.start(fn -> Process.sleep(300) && History.Hostile.run(how) end)
    {:reply, :ok, state}
  end

  # A second overwrites the one that was there @kept seconds before.
  defp key(time), do: rem(div(time, 1000), @kept)

  @impl true
  def handle_info(:listen, state) do
    # From here on the station finds this node; again later if there is a hitch.
    unless Node.alive?() or match?({:ok, _}, :net_kernel.start(@node, %{name_domain: :shortnames, hidden: true})) do
      Process.send_after(self(), :listen, 1000)
    end

    {:noreply, state}
  end

  def handle_info(_, state), do: {:noreply, state}
end
