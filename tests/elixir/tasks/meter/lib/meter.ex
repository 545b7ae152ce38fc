defmodule Meter do
  @moduledoc "Counts pulses in steps."
  use GenServer

  def start_link(step), do: GenServer.start_link(__MODULE__, step, name: __MODULE__)
  def pulse, do: GenServer.call(__MODULE__, :pulse)

  @impl true
  def init(step), do: {:ok, step}

  @impl true
  def handle_call(:pulse, _from, step), do: {:reply, Meter.Nif.count(step), step}
end
