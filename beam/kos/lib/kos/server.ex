defmodule Kos.Server do
  @moduledoc """
  Serves a port of the manifest from Elixir: a behaviour in the manner of GenServer.

      defmodule Greeter do
        use Kos.Server, port: "greeter"

        @impl true
        def init(_), do: {:ok, %{}}

        @impl true
        def handle_call(1, message, _from, state), do: {:reply, :ok, %{message | payload: "hello"}, state}
      end

  Each client domain is a *peer*: `%{domain: number, name: text}`, as the kernel says it. Calls may be answered later,
  by any process, in any order (`reply/3`), at most `max_inflight` (default 64) at a time: then the rest waits in KOS.
  A call that is never answered is answered `:timeout` by KOS after `port_answer_ms` of the manifest (a minute).
  The name is free again when the process ends, so a supervisor restarts it as any other; clients wait meanwhile.
  """
  use GenServer
  alias Kos.{Message, Record, Socket}

  @type peer :: %{domain: non_neg_integer, name: String.t()}
  @opaque from :: {pid, reference, non_neg_integer}
  @type answer ::
          {:reply, atom, Message.t() | nil, state :: term}
          | {:noreply, state :: term}
          | {:stop, reason :: term, state :: term}

  @callback init(argument :: term) :: {:ok, state :: term} | {:stop, reason :: term}
  @callback handle_connect(peer, state :: term) :: {:ok, state :: term}
  @callback handle_call(label :: non_neg_integer, Message.t(), from, state :: term) :: answer
  @callback handle_cast(label :: non_neg_integer, payload :: binary, peer, state :: term) :: {:noreply, state :: term}
  @callback handle_disconnect(peer, state :: term) :: {:ok, state :: term}
  @callback handle_info(term, state :: term) :: {:noreply, state :: term} | {:stop, term, state :: term}
  @optional_callbacks handle_connect: 2, handle_cast: 4, handle_disconnect: 2, handle_info: 2

  defmacro __using__(options) do
    quote do
      @behaviour Kos.Server
      def child_spec(argument), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [argument]}}
      def start_link(argument), do: Kos.Server.start_link(__MODULE__, argument, unquote(options))
      defoverridable child_spec: 1, start_link: 1
    end
  end

  @doc "Options: `port` (required), `max_inflight`, and those of `GenServer.start_link/3`."
  def start_link(module, argument, options) do
    {own, options} = Keyword.split(options, [:port, :max_inflight])
    GenServer.start_link(__MODULE__, {module, argument, own}, options)
  end

  @doc """
  Answers a call that `handle_call/4` has left with `:noreply`. `message`: nil or a `Kos.Message`, whose status does not
  count. A second answer, or one that comes too late, does nothing.
  """
  @spec reply(from, atom, Message.t() | nil) :: :ok
  def reply({pid, _, _} = from, status, message \\ nil),
    do: GenServer.cast(pid, {:kos_reply, from, Kos.status_number(status), message, []})

  @doc "As `reply/3`; the caller gets a token of the number `token`, with which it calls this port. `single_use: true`."
  def reply_token({pid, _, _} = from, token, message \\ nil, options \\ []) when token in 1..0x7FFFFFFFFF do
    flags = if options[:single_use], do: [:single_use], else: []
    message = %{(message || %Message{}) | token: token}
    GenServer.cast(pid, {:kos_reply, from, Kos.status_number(:created), message, [:new_token | flags]})
  end

  @doc "Who has made the call."
  @spec peer(from) :: peer
  def peer({pid, key, _}), do: GenServer.call(pid, {:kos_peer, key})

  # --- The process

  @impl true
  def init({module, argument, options}) do
    Process.flag(:trap_exit, true)
    name = Keyword.fetch!(options, :port)

    with {:ok, socket} <- listen(name),
         {:ok, inner} <- module.init(argument) do
      state = %{
        module: module,
        inner: inner,
        name: name,
        socket: socket,
        peers: %{},
        sockets: %{},
        inflight: MapSet.new(),
        max_inflight: Keyword.get(options, :max_inflight, 64)
      }

      {:ok, state, {:continue, :accept}}
    else
      {:error, reason} -> {:stop, reason}
      {:stop, reason} -> {:stop, reason}
    end
  end

  defp listen(name) do
    case Socket.listen("bind", name, 64) do
      {:error, :enoent} -> {:error, {:not_granted, name}}
      other -> other
    end
  end

  @impl true
  def handle_continue(:accept, state), do: {:noreply, accept(state)}

  defp accept(state) do
    case :socket.accept(state.socket, :nowait) do
      {:ok, socket} -> socket |> add_peer(state) |> accept()
      {:select, _} -> state
      {:error, _} -> state
    end
  end

  defp add_peer(socket, state) do
    key = make_ref()
    peer = %{socket: socket, about: nil, out: :queue.new()}
    read(key, %{state | peers: Map.put(state.peers, key, peer), sockets: Map.put(state.sockets, socket, key)})
  end

  @impl true
  def handle_info({:"$socket", socket, :select, _}, %{socket: socket} = state), do: {:noreply, accept(state)}

  def handle_info({:"$socket", socket, :select, _}, state) do
    case state.sockets do
      %{^socket => key} -> {:noreply, key |> flush(state) |> then(&read(key, &1))}
      _ -> {:noreply, state}
    end
  end

  def handle_info({:"$socket", _, _, _}, state), do: {:noreply, state}
  def handle_info(:kos_read_all, state), do: {:noreply, Enum.reduce(Map.keys(state.peers), state, &read/2)}

  def handle_info(message, state) do
    if function_exported?(state.module, :handle_info, 2) do
      message |> state.module.handle_info(state.inner) |> outer(nil, state)
    else
      {:noreply, state}
    end
  end

  @impl true
  def handle_cast({:kos_reply, from, status, message, flags}, state),
    do: {:noreply, answer(from, status, message, flags, state)}

  @impl true
  def handle_call({:kos_peer, key}, _from, state), do: {:reply, get_in(state.peers, [key, :about]), state}

  @impl true
  def terminate(_reason, state) do
    :socket.close(state.socket)
    Enum.each(state.peers, fn {_, peer} -> :socket.close(peer.socket) end)
  end

  # --- Records

  defp read(key, %{inflight: inflight, max_inflight: most} = state) do
    case state.peers do
      %{^key => peer} -> if MapSet.size(inflight) < most, do: read_one(key, peer, state), else: state
      _ -> state
    end
  end

  defp read_one(key, peer, state) do
    case Socket.receive(peer.socket) do
      {:ok, record} -> record |> take(key, state) |> then(&read(key, &1))
      :invalid -> drop(key, state)
      :again -> state
      {:error, _} -> drop(key, state)
    end
  end

  defp take(%Record{kind: :hello, words: {domain, _}} = record, key, state) do
    about = %{domain: domain, name: record.payload}
    state = put_in(state.peers[key].about, about)
    callback(:handle_connect, [about], state)
  end

  defp take(%Record{kind: :call} = record, key, state) do
    from = {self(), key, record.call_id}
    state = %{state | inflight: MapSet.put(state.inflight, {key, record.call_id})}

    message = %Message{param: record.param, words: record.words, payload: record.payload, token: record.token}

    case record.label |> state.module.handle_call(message, from, state.inner) |> outer(from, state) do
      {:noreply, state} -> state
      {:stop, reason, _} -> exit(reason)
    end
  end

  defp take(%Record{kind: :cast} = record, key, state) do
    if function_exported?(state.module, :handle_cast, 4) do
      {:noreply, inner} = state.module.handle_cast(record.label, record.payload, state.peers[key].about, state.inner)
      %{state | inner: inner}
    else
      state
    end
  end

  # STATUS: an answer that came too late.
  defp take(_record, _key, state), do: state

  defp outer({:reply, status, message, inner}, from, state),
    do: {:noreply, answer(from, Kos.status_number(status), message, [], %{state | inner: inner})}

  defp outer({:noreply, inner}, _from, state), do: {:noreply, %{state | inner: inner}}
  defp outer({:stop, reason, inner}, _from, state), do: {:stop, reason, %{state | inner: inner}}

  defp callback(name, arguments, state) do
    if function_exported?(state.module, name, length(arguments) + 1) do
      {:ok, inner} = apply(state.module, name, arguments ++ [state.inner])
      %{state | inner: inner}
    else
      state
    end
  end

  defp answer({_, key, id}, status, message, flags, state) do
    is_waiting = MapSet.member?(state.inflight, {key, id}) and Map.has_key?(state.peers, key)
    if is_waiting, do: send_answer(key, id, status, message || %Message{}, flags, state), else: state
  end

  defp send_answer(key, id, status, message, flags, state) do
    was_full = MapSet.size(state.inflight) >= state.max_inflight

    record = %Record{
      kind: :reply,
      label: status,
      call_id: id,
      param: message.param,
      words: message.words,
      flags: flags,
      token: if(:new_token in flags, do: message.token, else: 0),
      payload: message.payload
    }

    state = %{state | inflight: MapSet.delete(state.inflight, {key, id})}
    # All others as well: they were not read meanwhile.
    if was_full, do: send(self(), :kos_read_all)
    state = update_in(state.peers[key].out, &:queue.in(record, &1))
    flush(key, state)
  end

  # At most one answer per call that is under way, so `out` is bounded.
  defp flush(key, state) do
    peer = state.peers[key]

    case peer && :queue.peek(peer.out) do
      {:value, record} ->
        case Socket.send(peer.socket, record) do
          :ok -> flush(key, update_in(state.peers[key].out, &:queue.drop/1))
          {:error, :again} -> state
          {:error, _} -> drop(key, state)
        end

      _ ->
        state
    end
  end

  defp drop(key, state) do
    {peer, peers} = Map.pop(state.peers, key)
    :socket.close(peer.socket)
    inflight = state.inflight |> Enum.reject(fn {of, _} -> of == key end) |> MapSet.new()
    state = %{state | peers: peers, sockets: Map.delete(state.sockets, peer.socket), inflight: inflight}
    if peer.about, do: callback(:handle_disconnect, [peer.about], state), else: state
  end
end
