defmodule Station.Web.Events do
  @moduledoc """
  What changes, twice a second, to everybody who listens: one event of JSON, made once for all. Who does not take it within five
  seconds is cut off and may come again.
  """
  use GenServer
  alias Station.{Board, Json, Watch}

  @interval 500
  @listeners 8

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "Sends events until the other side goes or this server ends. `last`: the number of the last line of the log it has."
  def stream(socket, last) do
    case GenServer.call(__MODULE__, :listen) do
      :ok ->
        :ok = :gen_tcp.send(socket, head())
        :ok = :inet.setopts(socket, active: :once)
        _ = send_state(socket, state(number(last)))
        loop(socket)

      :full ->
        :gen_tcp.send(socket, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\r\n")
    end
  end

  defp head do
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\nretry: 500\n\n"
  end

  defp loop(socket) do
    receive do
      {:event, event} -> with :ok <- :gen_tcp.send(socket, event), do: loop(socket)
      {:tcp_closed, ^socket} -> :ok
      {:tcp_error, ^socket, _} -> :ok
      # Nobody has anything to say here.
      {:tcp, ^socket, _} -> :ok
    end
  end

  defp number(text) do
    case Integer.parse(text || "") do
      {number, ""} -> number
      _ -> 0
    end
  end

  @doc "All that the page shows; lines of the log with numbers above `sequence`."
  def state(sequence) do
    log = Watch.log(sequence)
    {_, denials} = Board.get(:denials, {0, []})

    %{
      time: System.system_time(:millisecond),
      uptime: div(:erlang.statistics(:wall_clock) |> elem(0), 1000),
      judge: Board.get(:judge, nil, 1500),
      interlock: Board.get(:interlock, nil, 1500),
      controller: Board.get(:controller, nil, 1500),
      history: Board.get(:history, :away, 5000),
      net: Board.get(:net),
      refused: length(denials),
      domains: Board.get(:domains, []) |> Enum.map(&domain/1),
      beam: :erlang.memory(:total),
      trials: Station.Attack.allowed?(),
      log: log
    }
  end

  defp domain(entry) do
    memory = Board.get({:memory, entry.name})

    %{
      name: entry.name,
      state: entry.state,
      reason: entry.last_reason,
      instance: entry.instance,
      restarts: entry.restarts,
      used: memory && memory.used_bytes
    }
  end

  @impl true
  def init(_) do
    Process.send_after(self(), :tick, @interval)
    {:ok, %{listeners: %{}, sent: 0}}
  end

  @impl true
  def handle_call(:listen, {pid, _}, state) do
    if map_size(state.listeners) < @listeners do
      {:reply, :ok, put_in(state.listeners[Process.monitor(pid)], pid)}
    else
      {:reply, :full, state}
    end
  end

  @impl true
  def handle_info(:tick, state) do
    Process.send_after(self(), :tick, @interval)
    if map_size(state.listeners) > 0, do: {:noreply, broadcast(state)}, else: {:noreply, state}
  end

  def handle_info({:DOWN, reference, :process, _, _}, state),
    do: {:noreply, %{state | listeners: Map.delete(state.listeners, reference)}}

  defp broadcast(state) do
    now = state(state.sent)
    event = event(now)
    for pid <- Map.values(state.listeners), do: send(pid, {:event, event})
    %{state | sent: last(now, state.sent)}
  end

  defp send_state(socket, state), do: :gen_tcp.send(socket, event(state))

  defp last(%{log: []}, before), do: before
  defp last(%{log: log}, _), do: List.last(log).sequence

  defp event(state) do
    id = if state.log == [], do: [], else: ["id: ", to_string(last(state, 0)), "\n"]
    IO.iodata_to_binary([id, "data: ", Json.encode(state), "\n\n"])
  end
end
