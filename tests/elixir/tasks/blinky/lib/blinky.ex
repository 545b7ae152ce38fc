defmodule Blinky do
  @moduledoc "Blinks with the line that /etc/blinky.conf names."
  use GenServer
  require Logger

  # Circuits.GPIO, or what takes its place.
  @gpio Application.compile_env!(:blinky, :gpio)

  def start_link(line), do: GenServer.start_link(__MODULE__, line, name: __MODULE__)

  @doc "How often it has changed, and the line's level as it is read back."
  def state, do: GenServer.call(__MODULE__, :state)

  @impl true
  def init(line) do
    {:ok, led} = @gpio.open(line, :output, initial_value: 0)
    Logger.info("blinking with line #{line}")
    send(self(), :blink)
    {:ok, %{led: led, level: 0, changes: 0}}
  end

  @impl true
  def handle_info(:blink, state) do
    level = 1 - state.level
    :ok = @gpio.write(state.led, level)
    Process.send_after(self(), :blink, Application.fetch_env!(:blinky, :interval_ms))
    {:noreply, %{state | level: level, changes: state.changes + 1}}
  end

  @impl true
  def handle_call(:state, _from, state), do: {:reply, {state.changes, state.level == @gpio.read(state.led)}, state}
end
