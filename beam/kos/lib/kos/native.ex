defmodule Kos.Native do
  @moduledoc """
  A native application as a process: a proxy that lives exactly as long as one instance of the domain, so that Elixir
  supervisors can link, monitor and restart it.

      children = [
        Kos.Domain,
        {Kos.Native, "motor"},
        MyApp.MotorControl
      ]
      Supervisor.start_link(children, strategy: :rest_for_one)

  The proxy starts once the domain is ready (`timeout`, default 30 s) and exits with `{:kos_exit, reason}` when that
  instance ends, whatever has ended it: the reasons are those of `Kos.Domain`. With `shutdown: :stop` the end of the proxy
  stops the domain (needs `stop` and `start` in appman's `allow`); by default it runs on.
  """
  use GenServer
  alias Kos.Domain

  @poll_ms 50

  def child_spec({name, options}),
    do: %{id: {__MODULE__, name}, start: {__MODULE__, :start_link, [name, options]}, shutdown: 5000}

  def child_spec(name), do: child_spec({name, []})

  @doc "Waits until the domain is ready. Options: `timeout`, `shutdown: :stop`, and those of `GenServer.start_link/3`."
  def start_link(name, options \\ []) do
    {own, options} = Keyword.split(options, [:timeout, :shutdown])
    options = Keyword.put_new(options, :name, via(name))
    GenServer.start_link(__MODULE__, {name, own}, Keyword.put(options, :timeout, :infinity))
  end

  @doc "The proxy of a domain, or nil."
  @spec whereis(String.t()) :: pid | nil
  def whereis(name), do: GenServer.whereis(via(name))

  @doc "The instance that the proxy stands for."
  @spec instance(GenServer.server()) :: pos_integer
  def instance(proxy), do: GenServer.call(proxy, :instance)

  defp via(name), do: {:global, {__MODULE__, name}}

  @impl true
  def init({name, options}) do
    Process.flag(:trap_exit, true)
    deadline = System.monotonic_time(:millisecond) + Keyword.get(options, :timeout, 30_000)

    with :ok <- wanted(name, options[:shutdown]),
         {:ok, entry} <- ready(name, deadline),
         {:ok, reference} <- Domain.monitor(name),
         # Not one that has ended meanwhile.
         {:ok, %{state: :ready, instance: instance}} when instance == entry.instance <- Domain.status(name) do
      {:ok, %{name: name, instance: instance, reference: reference, shutdown: options[:shutdown]}}
    else
      {:ok, _} -> {:stop, :ended_at_once}
      {:error, reason} -> {:stop, reason}
    end
  end

  defp wanted(name, :stop) do
    case Domain.start(name) do
      {:error, :conflict} -> {:error, :not_in_this_mode}
      other -> other
    end
  end

  defp wanted(_name, _), do: :ok

  defp ready(name, deadline) do
    case Domain.status(name) do
      {:ok, %{state: :ready} = entry} ->
        {:ok, entry}

      {:error, reason} when reason in [:unauthorized, :not_found, :not_granted] ->
        {:error, reason}

      _ ->
        if System.monotonic_time(:millisecond) > deadline do
          {:error, :not_ready}
        else
          Process.sleep(@poll_ms)
          ready(name, deadline)
        end
    end
  end

  @impl true
  def handle_call(:instance, _from, state), do: {:reply, state.instance, state}

  @impl true
  def handle_info({:kos_down, reference, _, info}, %{reference: reference} = state),
    do: {:stop, {:kos_exit, info.reason}, state}

  def handle_info({:EXIT, _, reason}, state), do: {:stop, reason, state}
  def handle_info(_, state), do: {:noreply, state}

  @impl true
  def terminate({:kos_exit, _}, _state), do: :ok
  def terminate(_, %{shutdown: :stop, name: name}), do: Domain.stop(name)
  def terminate(_, _), do: :ok
end
