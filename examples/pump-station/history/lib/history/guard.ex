defmodule History.Guard do
  @moduledoc """
  Restarts the station when it has not been heard of for too long: a BEAM that is stuck answers nobody, but it is a domain like
  any other, and the supervisor ends it from outside. The kernel's own watchdogs do the same for the native parts.
  """
  use GenServer
  require Logger

  @silence_ms 15_000
  # It needs that long to come up on a slow machine.
  @start_ms 90_000

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "The station has given a sign of life."
  def heard, do: GenServer.cast(__MODULE__, :heard)

  @impl true
  def init(_), do: {:ok, @start_ms, @start_ms}

  @impl true
  def handle_cast(:heard, _), do: {:noreply, @silence_ms, @silence_ms}

  @impl true
  def handle_info(:timeout, _) do
    Logger.warning("nothing was heard of the station: restart #{inspect(Kos.Domain.restart("station"))}")
    {:noreply, @start_ms, @start_ms}
  end

  def handle_info(_, limit), do: {:noreply, limit, limit}
end
