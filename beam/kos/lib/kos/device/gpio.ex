defmodule Kos.Device.GPIO do
  @moduledoc """
  Lines of a GPIO driver (`idl/gpio.capnp`), named as in Circuits.

      {:ok, led} = Kos.Device.GPIO.open(3, :output, initial_value: 0)
      :ok = Kos.Device.GPIO.write(led, 1)
      {:ok, button} = Kos.Device.GPIO.open(5, :input)
      :ok = Kos.Device.GPIO.set_interrupts(button, :both)
      receive do
        {:circuits_gpio, 5, _timestamp, level} -> level
      end

  The port of the driver is `"gpio"`, or what the option `port` says. Which lines this domain has, the driver's manifest
  says. An output whose driver was restarted is set again by the next `write/2`. Edges that come meanwhile are lost.
  """
  use GenServer
  alias Kos.Port

  @lines 1
  @set_direction 2
  @read 3
  @write 4
  @subscribe 5
  @wait 7
  @edges %{none: 0, rising: 1, falling: 2, both: 3}
  @wait_ms 60_000

  @type line :: pid

  @doc "Numbers of the lines that this domain has."
  @spec enumerate(keyword) :: {:ok, [0..7]} | Port.error()
  def enumerate(options \\ []) do
    Kos.Once.with_port(Keyword.get(options, :port, "gpio"), fn port ->
      with {:ok, message} <- Port.call(port, @lines, "", small: true),
           do: {:ok, for(line <- 0..7, bit(message.param, line) == 1, do: line)}
    end)
  end

  @doc "Opens a line as `:input` or `:output`. Options: `initial_value` of an output (default 0), `port`."
  @spec open(0..7, :input | :output, keyword) :: {:ok, line} | {:error, term}
  def open(line, direction, options \\ []) when line in 0..7 and direction in [:input, :output] do
    port = Keyword.get(options, :port, "gpio")

    if port in Kos.ports() do
      # Not linked before it is open: a line that is somebody else's is an error, not an exit.
      with {:ok, pid} <- GenServer.start(__MODULE__, {port, line, direction, Keyword.get(options, :initial_value, 0)}) do
        Process.link(pid)
        {:ok, pid}
      end
    else
      {:error, :no_driver}
    end
  end

  @spec read(line) :: 0 | 1 | Port.error()
  def read(gpio), do: GenServer.call(gpio, :read, 10_000)
  @spec write(line, 0 | 1) :: :ok | Port.error()
  def write(gpio, value) when value in [0, 1], do: GenServer.call(gpio, {:write, value}, 10_000)
  @spec set_direction(line, :input | :output) :: :ok | Port.error()
  def set_direction(gpio, direction), do: GenServer.call(gpio, {:direction, direction}, 10_000)

  @doc """
  The caller gets `{:circuits_gpio, line, nanoseconds, level}` after edges of that kind (`:none`, `:rising`, `:falling`,
  `:both`). One process of the domain at a time may wait for edges.
  """
  @spec set_interrupts(line, :none | :rising | :falling | :both) :: :ok | Port.error()
  def set_interrupts(gpio, edges) when is_map_key(@edges, edges),
    do: GenServer.call(gpio, {:interrupts, edges, self()}, 10_000)

  @spec close(line) :: :ok
  def close(gpio), do: GenServer.stop(gpio)

  @impl true
  def init({name, line, direction, value}) do
    with {:ok, port} <- Port.start_link(name),
         state = %{port: port, line: line, direction: direction, value: value, receiver: nil, waiting: nil},
         :ok <- direct(state) do
      {:ok, state}
    else
      {:error, reason} -> {:stop, reason}
    end
  end

  @impl true
  def handle_call(:read, _from, state) do
    case small(state, @read, <<state.line>>) do
      {:ok, message} -> {:reply, bit(message.param, 0), state}
      error -> {:reply, error, state}
    end
  end

  def handle_call({:write, value}, _from, state) do
    state = %{state | value: value}

    case small(state, @write, <<state.line, value>>) do
      {:ok, _} -> {:reply, :ok, state}
      # The driver was restarted: its lines are inputs.
      {:error, :conflict} when state.direction == :output -> {:reply, direct(state), state}
      error -> {:reply, error, state}
    end
  end

  def handle_call({:direction, direction}, _from, state) do
    state = %{state | direction: direction}
    {:reply, direct(state), state}
  end

  def handle_call({:interrupts, edges, pid}, _from, state) do
    case small(state, @subscribe, <<state.line, @edges[edges]>>) do
      {:ok, _} -> {:reply, :ok, wait(%{state | receiver: if(edges != :none, do: pid)})}
      error -> {:reply, error, state}
    end
  end

  @impl true
  def handle_info({reference, result}, %{waiting: reference} = state) do
    state = %{state | waiting: nil}

    case result do
      {:ok, %{param: param}} ->
        # Lines in byte 0, levels in byte 1.
        if bit(param, state.line) == 1 and state.receiver do
          level = bit(param, state.line + 8)
          send(state.receiver, {:circuits_gpio, state.line, System.monotonic_time(:nanosecond), level})
        end

        {:noreply, wait(state)}

      {:error, reason} when reason in [:timeout, :peer_gone] ->
        {:noreply, wait(state)}

      {:error, _} ->
        {:noreply, state}
    end
  end

  def handle_info(_, state), do: {:noreply, state}

  defp wait(%{receiver: nil} = state), do: state
  defp wait(%{waiting: reference} = state) when reference != nil, do: state
  defp wait(state), do: %{state | waiting: Port.async(state.port, @wait, "", small: true, timeout: @wait_ms)}

  defp direct(state) do
    output = if state.direction == :output, do: 1, else: 0
    level = if output == 1, do: state.value, else: 0

    with {:ok, _} <- small(state, @set_direction, <<state.line, output, level>>), do: :ok
  end

  # Parameters of up to 8 bytes travel in `param`.
  defp small(state, label, bytes),
    do: Port.call(state.port, label, "", param: :binary.decode_unsigned(bytes, :little), small: true)

  defp bit(number, index), do: number |> Bitwise.bsr(index) |> Bitwise.band(1)
end
