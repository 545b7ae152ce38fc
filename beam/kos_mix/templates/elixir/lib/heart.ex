defmodule <%= @module %>.Heart do
  @moduledoc "A process that beats: what your application does goes in its place."
  use GenServer
  require Logger

  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options[:name] || __MODULE__)

  def beats(server \\ __MODULE__), do: GenServer.call(server, :beats)

  @impl true
  def init(options) do
    Logger.info("<%= @name %> is alive")
    {:ok, beat(%{interval_ms: options[:interval_ms], beats: 0})}
  end

  @impl true
  def handle_call(:beats, _from, state), do: {:reply, state.beats, state}

  @impl true
  def handle_info(:beat, state), do: {:noreply, beat(%{state | beats: state.beats + 1})}

  defp beat(state) do
    Process.send_after(self(), :beat, state.interval_ms)
    state
  end
end
