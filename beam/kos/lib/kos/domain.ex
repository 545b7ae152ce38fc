defmodule Kos.Domain do
  @moduledoc """
  The domains of the system by the supervisor's port `appman`: status, restart, monitors.

  What may be asked says the parameter `allow` of appman in `system.toml`; everything else is `{:error, :unauthorized}`. The
  manifest has to give this domain the port: `[[uses]] port = "appman"`.

  Start it below the application's supervisor (`Kos.Domain` as a child) where `monitor/1` is used; the other functions
  connect by themselves if it is not there.

  **Monitors** are told by the supervisor, which signals this domain at each change: nothing polls. A domain's instances are
  numbered, so each end is told exactly once, however short it was: `{:kos_down, reference, name, info}`, where `info` is
  `%{instance:, reason:}` of the instance that has ended. Of several ends before the first could be told one message tells,
  with the last reason. A supervisor that is itself restarted loses nothing: who watches asks its next instance.
  """
  use GenServer
  alias Kos.{Port, Wire}

  @list 1
  @status 2
  @start 3
  @stop 4
  @restart 5
  @watch 8
  # For what no signal tells: an appman that has ended while it was asked.
  @again_ms 100
  @states [:stopped, :waiting, :starting, :ready, :stopping, :done]
  @reasons [
    :none,
    :done,
    :error,
    :assertion,
    :fault_memory,
    :fault_capability,
    :fault_instruction,
    :fault_syscall,
    :hung,
    :killed,
    :image,
    :memory
  ]
  @layout [
    name: {:text, 32},
    number: :u16,
    state: {:enum, @states},
    last_reason: {:enum, @reasons},
    instance: :u32,
    restarts: :u32,
    reserved: :u32
  ]

  @type t :: %{
          name: String.t(),
          number: non_neg_integer,
          state: atom,
          last_reason: atom,
          instance: non_neg_integer,
          restarts: non_neg_integer
        }

  @doc "What this domain is: `%{name:, number:, instance:, generation:}`; nil on another machine."
  @spec self() :: map | nil
  def self do
    read = &File.read(Path.join([Kos.root(), "domain", &1]))

    with {:ok, name} <- read.("name"),
         {:ok, number} <- read.("number"),
         {:ok, instance} <- read.("instance"),
         {:ok, generation} <- read.("generation") do
      %{
        name: name,
        number: String.to_integer(number),
        instance: String.to_integer(instance),
        generation: String.to_integer(generation)
      }
    else
      _ -> nil
    end
  end

  @doc "All domains of the system."
  @spec list() :: {:ok, [t]} | Port.error()
  def list, do: with_port(&list_from(&1, 0, []))

  defp list_from(port, first, done) do
    with {:ok, message} <- Port.call(port, @list, "", param: first),
         {:ok, entries} <- decode_list(message.payload) do
      case message.param do
        0 -> {:ok, done ++ entries}
        next when next > first and entries != [] -> list_from(port, next, done ++ entries)
        _ -> {:error, :peer_invalid}
      end
    end
  end

  @spec status(String.t()) :: {:ok, t} | Port.error()
  def status(name), do: with_port(&status_by(&1, name))

  @doc "Wanted from now on; not wanted any more; ended and begun again. `:ok` when appman has taken the order."
  @spec start(String.t()) :: :ok | Port.error()
  def start(name), do: order(@start, name)
  @spec stop(String.t()) :: :ok | Port.error()
  def stop(name), do: order(@stop, name)
  @spec restart(String.t()) :: :ok | Port.error()
  def restart(name), do: order(@restart, name)

  @doc """
  From now on the caller gets `{:kos_down, reference, name, info}` for each end of the domain; needs `Kos.Domain` to run.
  `{:error, :not_found}` and so on if appman does not tell about it.
  """
  @spec monitor(String.t()) :: {:ok, reference} | Port.error()
  def monitor(name), do: GenServer.call(__MODULE__, {:monitor, name, Kernel.self()})

  @doc "No message follows any more, none that has come already is left."
  @spec demonitor(reference) :: :ok
  def demonitor(reference) do
    :ok = GenServer.call(__MODULE__, {:demonitor, reference})

    receive do
      {:kos_down, ^reference, _, _} -> :ok
    after
      0 -> :ok
    end
  end

  # --- The process

  def start_link(_options \\ []), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @impl true
  def init(_) do
    with {:ok, port} <- Port.start_link("appman") do
      :ok = Port.monitor(port)
      {:ok, %{port: port, watched: %{}, known: %{}, since: 0, look: nil, again: false}}
    end
  end

  @impl true
  def handle_call(:port, _from, state), do: {:reply, state.port, state}

  def handle_call({:monitor, name, pid}, _from, state) do
    case status_by(state.port, name) do
      {:ok, entry} ->
        reference = Process.monitor(pid)
        known = Map.put_new(state.known, name, entry)
        state = %{state | watched: Map.put(state.watched, reference, {pid, name}), known: known}
        # Everybody for itself: it may have ended between two looks.
        {:reply, {:ok, reference}, state |> told(name, entry, reference) |> look()}

      error ->
        {:reply, error, state}
    end
  end

  def handle_call({:demonitor, reference}, _from, state) do
    Process.demonitor(reference, [:flush])
    {:reply, :ok, forget(reference, state)}
  end

  @impl true
  def handle_info({:DOWN, reference, :process, _, _}, %{watched: watched} = state) when is_map_key(watched, reference),
    do: {:noreply, forget(reference, state)}

  def handle_info({:kos_notice, port, _}, %{port: port} = state), do: {:noreply, look(state)}
  # A restarted appman signals everybody; but who was just asking it gets this instead.
  def handle_info({:kos_gone, port, _}, %{port: port} = state), do: {:noreply, look(state)}
  def handle_info(:look, state), do: {:noreply, look(state)}

  def handle_info({reference, result}, %{look: reference} = state) when is_reference(reference) do
    state = %{state | look: nil}

    state =
      with {:ok, message} <- result,
           {:ok, entries} <- decode_list(message.payload) do
        Enum.reduce(entries, %{state | since: message.param}, &changed/2)
      else
        _ ->
          Process.send_after(Kernel.self(), :look, @again_ms)
          state
      end

    {:noreply, if(state.again, do: look(%{state | again: false}), else: state)}
  end

  def handle_info({:DOWN, reference, :process, _, _}, %{look: reference} = state),
    do: {:noreply, %{state | look: nil}}

  def handle_info(_, state), do: {:noreply, state}

  # Asks what has changed, and to be signalled at the next change. One question at a time.
  defp look(%{look: nil, watched: watched} = state) when map_size(watched) > 0,
    do: %{state | look: Port.async(state.port, @watch, "", param: state.since)}

  defp look(%{look: nil} = state), do: state
  defp look(state), do: %{state | again: true}

  defp changed(%{name: name} = entry, state) do
    if is_map_key(state.known, name), do: told(state, name, entry, nil), else: state
  end

  # `newcomer` has asked after the end, so it is not told of it.
  defp told(state, name, entry, newcomer) do
    if ended(entry) > ended(state.known[name]) do
      info = %{instance: ended(entry), reason: entry.last_reason}

      for {reference, {pid, ^name}} <- state.watched,
          reference != newcomer,
          do: send(pid, {:kos_down, reference, name, info})
    end

    %{state | known: Map.put(state.known, name, entry)}
  end

  # The last instance that has ended; they are numbered from 1.
  defp ended(%{state: state, instance: instance}) when state in [:starting, :ready, :stopping], do: max(instance - 1, 0)
  defp ended(%{instance: instance}), do: instance

  defp forget(reference, state) do
    watched = Map.delete(state.watched, reference)
    names = watched |> Map.values() |> MapSet.new(&elem(&1, 1))
    %{state | watched: watched, known: Map.filter(state.known, fn {name, _} -> name in names end)}
  end

  # --- Calls

  defp status_by(port, name) do
    with {:ok, message} <- Port.call(port, @status, name) do
      case Wire.decode(message.payload, @layout) do
        {:ok, entry} -> {:ok, Map.delete(entry, :reserved)}
        :error -> {:error, :peer_invalid}
      end
    end
  end

  defp decode_list(bytes) do
    case Wire.decode_list(bytes, @layout) do
      {:ok, entries} -> {:ok, Enum.map(entries, &Map.delete(&1, :reserved))}
      :error -> {:error, :peer_invalid}
    end
  end

  defp order(label, name) do
    with_port(fn port ->
      with {:ok, _} <- Port.call(port, label, name), do: :ok
    end)
  end

  defp with_port(function) do
    case Process.whereis(__MODULE__) do
      nil -> Kos.Once.with_port("appman", function)
      pid -> function.(GenServer.call(pid, :port))
    end
  end
end
