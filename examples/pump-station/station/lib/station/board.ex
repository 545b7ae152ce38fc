defmodule Station.Board do
  @moduledoc """
  What is known now, for everybody to read: an ETS table of `{key, value, time}`, written by those who ask the parts.

  Who reads never waits for a part that is hung or gone; what is old says how old it is.
  """
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  def put(key, value), do: :ets.insert(__MODULE__, {key, value, System.monotonic_time(:millisecond)})

  @doc "The value, or `otherwise` if nobody has put one within the last `fresh` ms."
  def get(key, otherwise \\ nil, fresh \\ :infinity) do
    now = System.monotonic_time(:millisecond)

    case :ets.lookup(__MODULE__, key) do
      [{_, value, time}] when fresh == :infinity or now - time <= fresh -> value
      _ -> otherwise
    end
  end

  @impl true
  def init(_) do
    :ets.new(__MODULE__, [:named_table, :public, :set, read_concurrency: true])
    {:ok, nil}
  end
end
