defmodule Kos.Port do
  @moduledoc """
  A connection to a port of a native server, as a process.

      {:ok, sensor} = Kos.Port.start_link("sensor")
      {:ok, answer} = Kos.Port.call(sensor, 1)

  The process lives on when the server is restarted: calls that the server had end with `{:error, :peer_gone}`, later ones
  wait for its next instance. `monitor/1` tells of each end. A port that the manifest does not grant stops it with
  `{:not_granted, name}`, which a supervisor should not answer by trying again.

  Calls are answered in any order; `small: true` says that neither the request nor the answer has payload or a token, and
  lets several calls of a port be under way at once in the domain. What does not fit into the socket waits here, at most
  `max_queue` records (default 128); beyond that calls are answered `{:error, :overload}`, and so are casts.
  """
  use GenServer
  alias Kos.{Message, Record, Socket}

  @back_off_ms [50, 100, 200, 500, 1000, 2000, 5000]
  @time_max_ms 3_600_000
  @grace_ms 1000

  @type conn :: GenServer.server()
  @type error :: {:error, atom | {:unknown, non_neg_integer}}

  @doc """
  Connects to the port `name`. Options: `max_queue`, and those of `GenServer.start_link/3`.

  Does not wait for the server; calls do. On a machine without `/run/kos` the process stops at once.
  """
  def start_link(name, options \\ []) do
    {own, options} = Keyword.split(options, [:max_queue])
    GenServer.start_link(__MODULE__, {:name, name, own}, options)
  end

  def child_spec({name, options}),
    do: %{id: {__MODULE__, name}, start: {__MODULE__, :start_link, [name, options]}}

  def child_spec(name), do: child_spec({name, []})

  @doc """
  Calls the server: `{:ok, message}` with its answer (any status of success), or `{:error, status}`.

  Options: `param`, `words: {a, b}`, `timeout` in ms (default 5000; up to an hour), `small`. Errors besides the server's:
  `:timeout`, `:peer_gone`, `:peer_invalid`, `:overload`, `:closed`.
  """
  @spec call(conn, non_neg_integer, binary, keyword) :: {:ok, Message.t()} | error
  def call(conn, label, payload \\ "", options \\ []) do
    timeout = options |> Keyword.get(:timeout, 5000) |> min(@time_max_ms)

    GenServer.call(conn, {:call, request(label, payload, options, timeout)}, timeout + 2 * @grace_ms)
  catch
    :exit, {reason, _} when reason in [:noproc, :normal] -> {:error, :closed}
    :exit, {:timeout, _} -> {:error, :timeout}
  end

  @doc "As `call/4`, but returns a reference at once. The message `{reference, result}` follows, always; see `await/2`."
  @spec async(conn, non_neg_integer, binary, keyword) :: reference
  def async(conn, label, payload \\ "", options \\ []) do
    timeout = options |> Keyword.get(:timeout, 5000) |> min(@time_max_ms)
    # If the process ends, its :DOWN is the answer: await knows it.
    reference = :erlang.monitor(:process, GenServer.whereis(conn) || :kos_nobody, alias: :reply_demonitor)
    GenServer.cast(conn, {:async, reference, request(label, payload, options, timeout)})
    reference
  end

  @doc "Waits for the answer of `async/4`."
  @spec await(reference, timeout) :: {:ok, Message.t()} | error
  def await(reference, timeout \\ 10_000) do
    receive do
      {^reference, result} -> result
      {:DOWN, ^reference, :process, _, _} -> {:error, :closed}
    after
      timeout ->
        Process.demonitor(reference, [:flush])
        {:error, :timeout}
    end
  end

  @doc "One way, at most 48 bytes, into the port's queue. `{:error, :full}` may also come later: to the log, as a counter."
  @spec cast(conn, non_neg_integer, binary) :: :ok | error
  def cast(conn, label, payload \\ "") when byte_size(payload) <= 48 do
    GenServer.call(conn, {:cast, %Record{kind: :cast, label: label, payload: payload}})
  end

  @doc """
  From now on the caller gets `{:kos_gone, conn_pid, name}` for each end of the server that a call has met, and
  `{:kos_notice, conn_pid, name}` when the server signals what a call has asked it to (`watch` of appman).
  """
  @spec monitor(conn) :: :ok
  def monitor(conn), do: GenServer.call(conn, {:monitor, self()})

  @doc """
  What the port can do: `%{name:, payload_max:, queue:, tokens:, at_once:, refused_casts:, waiting:}`. Waits for the
  connection.
  """
  @spec info(conn) :: map
  def info(conn), do: GenServer.call(conn, :info)

  @spec close(conn) :: :ok
  def close(conn), do: GenServer.stop(conn)

  # --- The process

  @impl true
  def init({:name, name, options}) do
    {:ok, new_state(name, options), {:continue, :connect}}
  end

  defp new_state(name, options) do
    %{
      name: name,
      socket: nil,
      hello: nil,
      tries: 0,
      last_id: 0,
      calls: %{},
      queue: :queue.new(),
      queued: 0,
      max_queue: Keyword.get(options, :max_queue, 128),
      is_blocked: false,
      monitors: MapSet.new(),
      waiting_info: [],
      refused_casts: 0
    }
  end

  @impl true
  def handle_continue(:connect, state), do: connect(state)

  defp connect(state) do
    case Socket.connect("port", state.name) do
      {:ok, socket} ->
        read(%{state | socket: socket, tries: 0})

      {:error, reason} when reason in [:enoent, :enotdir] ->
        {:stop, {:not_granted, state.name}, fail_all(state, :not_granted)}

      {:error, _} ->
        wait = Enum.at(@back_off_ms, min(state.tries, length(@back_off_ms) - 1))
        Process.send_after(self(), :connect, wait)
        {:noreply, %{state | tries: state.tries + 1}}
    end
  end

  @impl true
  def handle_call({:call, record}, from, state), do: {:noreply, start_call(record, {:call, from}, state)}

  def handle_call({:cast, record}, _from, state) do
    case enqueue(record, state) do
      {:ok, state} -> {:reply, :ok, state}
      {:error, state} -> {:reply, {:error, :overload}, state}
    end
  end

  def handle_call({:monitor, pid}, _from, state) do
    Process.monitor(pid)
    {:reply, :ok, %{state | monitors: MapSet.put(state.monitors, pid)}}
  end

  def handle_call(:info, from, %{hello: nil} = state), do: {:noreply, update_in(state.waiting_info, &[from | &1])}
  def handle_call(:info, _from, state), do: {:reply, describe(state), state}

  @impl true
  def handle_cast({:async, reference, record}, state), do: {:noreply, start_call(record, {:async, reference}, state)}

  @impl true
  def handle_info({:"$socket", socket, :select, _}, %{socket: socket} = state), do: state |> flush() |> read()
  def handle_info({:"$socket", _, _, _}, state), do: {:noreply, state}
  def handle_info(:connect, state), do: connect(state)

  def handle_info({:late, id}, state) do
    # KOS answers in time by itself; this is for what never left the queue.
    {:noreply, finish(id, {:error, :timeout}, state)}
  end

  def handle_info({:DOWN, _, :process, pid, _}, state),
    do: {:noreply, update_in(state.monitors, &MapSet.delete(&1, pid))}

  def handle_info(_, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    if state.socket, do: :socket.close(state.socket)
    fail_all(state, :closed)
  end

  # --- Sending

  defp request(label, payload, options, timeout) do
    %Record{
      kind: :call,
      label: label,
      payload: payload,
      param: Keyword.get(options, :param, 0),
      words: Keyword.get(options, :words),
      flags: if(Keyword.get(options, :small, false), do: [:small], else: []),
      time_ms: max(timeout, 1)
    }
  end

  defp start_call(record, who, state) do
    id = state.last_id + 1
    state = %{state | last_id: id}
    timer = Process.send_after(self(), {:late, id}, record.time_ms + @grace_ms)
    state = put_in(state.calls[id], {who, timer})

    case enqueue(%{record | call_id: id}, state) do
      {:ok, state} -> state
      {:error, state} -> finish(id, {:error, :overload}, state)
    end
  end

  defp enqueue(_record, %{queued: queued, max_queue: most} = state) when queued >= most, do: {:error, state}

  defp enqueue(record, state) do
    {:ok, flush(%{state | queue: :queue.in(record, state.queue), queued: state.queued + 1, is_blocked: false})}
  end

  defp flush(%{socket: nil} = state), do: state
  defp flush(%{queued: 0} = state), do: state

  defp flush(state) do
    {:value, record} = :queue.peek(state.queue)

    case Socket.send(state.socket, record) do
      {:error, :again} -> %{state | is_blocked: true}
      :ok -> flush(drop(state))
      {:error, reason} when reason in [:epipe, :closed, :econnreset, :enotconn] -> state
      {:error, reason} -> flush(finish(record.call_id, {:error, reason}, drop(state)))
    end
  end

  defp drop(state), do: %{state | queue: :queue.drop(state.queue), queued: state.queued - 1, is_blocked: false}

  # --- Receiving

  defp read(state) do
    case Socket.receive(state.socket) do
      {:ok, record} -> record |> take(state) |> read()
      :invalid -> {:stop, :invalid_record, state}
      :again -> {:noreply, flush(state)}
      {:error, reason} -> lost(reason, state)
    end
  end

  # The personality closes a connection only when memory is used up.
  defp lost(_reason, state) do
    :socket.close(state.socket)
    connect(fail_all(%{state | socket: nil, hello: nil}, :closed))
  end

  defp take(%Record{kind: :hello} = record, state) do
    state = %{state | hello: record}
    Enum.each(state.waiting_info, &GenServer.reply(&1, describe(state)))
    flush(%{state | waiting_info: []})
  end

  defp take(%Record{kind: :reply} = record, state) do
    message = %Message{
      status: Kos.status(record.label),
      param: record.param,
      words: record.words,
      payload: record.payload,
      token: if(:token in record.flags, do: :given_back)
    }

    result = if Kos.success?(record.label), do: {:ok, message}, else: {:error, message.status}
    finish(record.call_id, result, state)
  end

  defp take(%Record{kind: :status, call_id: 0}, state), do: update_in(state.refused_casts, &(&1 + 1))

  defp take(%Record{kind: :status} = record, state),
    do: finish(record.call_id, {:error, Kos.status(record.label)}, state)

  defp take(%Record{kind: :gone}, state) do
    Enum.each(state.monitors, &send(&1, {:kos_gone, self(), state.name}))
    state
  end

  defp take(%Record{kind: :notice}, state) do
    Enum.each(state.monitors, &send(&1, {:kos_notice, self(), state.name}))
    state
  end

  defp take(_record, state), do: state

  defp finish(id, result, state) do
    case Map.pop(state.calls, id) do
      {nil, _} ->
        state

      {{who, timer}, calls} ->
        Process.cancel_timer(timer)
        answer(who, result)
        %{state | calls: calls}
    end
  end

  defp answer({:call, from}, result), do: GenServer.reply(from, result)
  defp answer({:async, reference}, result), do: send(reference, {reference, result})

  defp fail_all(state, reason) do
    Enum.each(state.calls, fn {_, {who, timer}} ->
      Process.cancel_timer(timer)
      answer(who, {:error, reason})
    end)

    Enum.each(state.waiting_info, &GenServer.reply(&1, {:error, reason}))
    %{state | calls: %{}, waiting_info: [], queue: :queue.new(), queued: 0}
  end

  defp describe(state) do
    %{
      name: state.name,
      payload_max: state.hello.label,
      queue: :has_queue in state.hello.flags,
      tokens: :has_tokens in state.hello.flags,
      at_once: state.hello.param,
      refused_casts: state.refused_casts,
      waiting: map_size(state.calls)
    }
  end
end
