defmodule Station.Asker do
  @moduledoc "A process that calls a function at an interval, and again an interval after that has ended."
  use GenServer

  def child_spec({key, _, _} = options),
    do: %{id: {__MODULE__, key}, start: {GenServer, :start_link, [__MODULE__, options]}}

  @impl true
  def init({_key, interval, function}) do
    send(self(), :ask)
    {:ok, {interval, function}}
  end

  @impl true
  def handle_info(:ask, {interval, function} = state) do
    function.()
    Process.send_after(self(), :ask, interval)
    {:noreply, state}
  end

  # A late answer of a call that was given up.
  def handle_info(_, state), do: {:noreply, state}
end
