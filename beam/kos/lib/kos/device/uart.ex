defmodule Kos.Device.UART do
  @moduledoc """
  A serial line behind a driver of the interface `console` (PL011, virtio console), named as in Circuits. The port is the line.

      {:ok, uart} = Kos.Device.UART.start_link()
      :ok = Kos.Device.UART.open(uart, "uart_modem", active: true)
      :ok = Kos.Device.UART.write(uart, "AT\\r\\n")
      receive do
        {:circuits_uart, "uart_modem", data} -> data
      end

  The driver's manifest names who may read (`readers`); speed and format are the driver's. `active: false` is for `read/2`. What has arrived is asked
  for every 20 ms: the driver's signals do not reach a BEAM. The domain's own terminal (the port `console`) belongs to the personality.
  """
  use GenServer
  alias Kos.{Device, Interface, Port}

  @type uart :: pid
  @callback start_link(keyword) :: {:ok, uart} | {:error, term}
  @callback open(uart, String.t(), keyword) :: :ok | {:error, term}
  @callback write(uart, iodata) :: :ok | {:error, term}
  @callback read(uart, non_neg_integer) :: {:ok, binary} | {:error, term}
  @callback close(uart) :: :ok

  @poll_ms 20
  @piece 4096
  @patience_ms 5000

  # As tools/idl makes them of idl/console.capnp (tests/elixir/library compares).
  @write_some %{
    name: :write_some,
    label: 2,
    one_way: false,
    request: %{registers: true, fixed: 0, variable_at: 0, payload_max: 4096, fields: [{:data, {:data, 4096}, 0}]},
    answer: %{registers: true, fixed: 8, variable_at: 0, payload_max: 0, fields: [{:taken, {:unsigned, 8}, 0}]}
  }
  @read %{
    name: :read,
    label: 3,
    one_way: false,
    request: %{registers: true, fixed: 8, variable_at: 0, payload_max: 0, fields: [{:most, {:unsigned, 8}, 0}]},
    answer: %{registers: true, fixed: 0, variable_at: 0, payload_max: 4096, fields: [{:data, {:data, 4096}, 0}]}
  }

  @doc false
  def methods, do: [@write_some, @read]

  @doc "Ports of this domain whose names begin with `uart`, as `enumerate/0` of Circuits."
  @spec enumerate :: %{String.t() => map}
  def enumerate, do: Map.new(Device.names("uart"), &{&1, %{}})

  def start_link(options \\ []), do: GenServer.start_link(__MODULE__, self(), options)

  @doc "Opens the line. Options: `active` (default true: data are messages to who opens it)."
  def open(uart, name, options \\ []),
    do: GenServer.call(uart, {:open, name, Keyword.get(options, :active, true), self()})

  @doc "Writes all of it; `{:error, :timeout}` if the driver has no room for 5 seconds."
  def write(uart, data), do: GenServer.call(uart, {:write, IO.iodata_to_binary(data)}, 4 * @patience_ms)

  @doc "What has arrived, after at most `timeout` ms; `{:ok, \"\"}` if nothing has. `{:error, :active}` of an active line."
  def read(uart, timeout \\ 5000), do: GenServer.call(uart, {:read, timeout}, timeout + 2 * @patience_ms)

  def close(uart), do: GenServer.call(uart, :close)

  @impl true
  def init(_owner), do: {:ok, %{port: nil, name: nil, receiver: nil}}

  @impl true
  def handle_call({:open, name, active?, pid}, _from, %{port: nil} = state) do
    case Device.open(name) do
      {:ok, port} ->
        if active?, do: send(self(), :poll)
        {:reply, :ok, %{state | port: port, name: name, receiver: if(active?, do: pid)}}

      error ->
        {:reply, error, state}
    end
  end

  def handle_call({:open, _, _, _}, _from, state), do: {:reply, {:error, :eagain}, state}
  def handle_call(_, _from, %{port: nil} = state), do: {:reply, {:error, :ebadf}, state}
  def handle_call({:write, data}, _from, state), do: {:reply, send_all(state.port, data, deadline(@patience_ms)), state}
  def handle_call({:read, _}, _from, %{receiver: pid} = state) when pid != nil, do: {:reply, {:error, :active}, state}
  def handle_call({:read, timeout}, _from, state), do: {:reply, await(state.port, deadline(timeout)), state}

  def handle_call(:close, _from, state) do
    Device.close(state.port)
    {:reply, :ok, %{state | port: nil, receiver: nil}}
  end

  @impl true
  def handle_info(:poll, %{receiver: pid} = state) when pid != nil do
    case take(state.port) do
      {:ok, ""} ->
        Process.send_after(self(), :poll, @poll_ms)

      {:ok, data} ->
        send(pid, {:circuits_uart, state.name, data})
        send(self(), :poll)

      # The driver is restarting, or is somebody else's: the reader learns it, and the line is asked again.
      {:error, reason} ->
        send(pid, {:circuits_uart, state.name, {:error, reason}})
        Process.send_after(self(), :poll, 50 * @poll_ms)
    end

    {:noreply, state}
  end

  def handle_info(_, state), do: {:noreply, state}

  @spec take(Port.conn()) :: {:ok, binary} | Port.error()
  defp take(port) do
    case Interface.call(port, @read, %{most: @piece}, []) do
      {:ok, %{data: data}} -> {:ok, data}
      {:error, :empty} -> {:ok, ""}
      error -> error
    end
  end

  defp await(port, deadline) do
    with {:ok, ""} <- take(port) do
      if now() >= deadline, do: {:ok, ""}, else: Process.sleep(@poll_ms) && await(port, deadline)
    end
  end

  defp send_all(_port, "", _deadline), do: :ok

  defp send_all(port, data, deadline) do
    piece = binary_part(data, 0, min(byte_size(data), @piece))

    case Interface.call(port, @write_some, %{data: piece}, []) do
      {:ok, %{taken: 0}} ->
        if now() >= deadline, do: {:error, :timeout}, else: Process.sleep(@poll_ms) && send_all(port, data, deadline)

      {:ok, %{taken: count}} when count <= byte_size(piece) ->
        send_all(port, binary_part(data, count, byte_size(data) - count), deadline)

      {:ok, _} ->
        {:error, :peer_invalid}

      error ->
        error
    end
  end

  defp deadline(ms), do: now() + ms
  defp now, do: System.monotonic_time(:millisecond)
end
