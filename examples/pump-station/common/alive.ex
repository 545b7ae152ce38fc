defmodule Alive do
  @moduledoc """
  Tells the guard every two seconds that this BEAM still gets something done: a native domain, which restarts the one of the BEAMs that
  it does not hear any more. A BEAM that is stuck answers nobody, but it is a domain like any other, and can be ended from outside.

  Part of both Elixir applications: `elixirc_paths` in their mix.exs.
  """
  use Supervisor

  @interval 2000
  @port_name :port_guard

  @doc "`guard`: the port at which the guard hears this BEAM."
  def start_link(guard), do: Supervisor.start_link(__MODULE__, guard, name: __MODULE__)

  @impl true
  def init(guard) do
    children = [
      {Kos.Port, {guard, name: @port_name}},
      {Task, &beat/0} |> Supervisor.child_spec(restart: :permanent)
    ]

    Supervisor.init(children, strategy: :one_for_one, max_restarts: 100, max_seconds: 60)
  end

  # A guard that is just being restarted hears the next one.
  defp beat do
    _ = Kos.Idl.Guard.alive(@port_name, %{}, timeout: 1000)
    Process.sleep(@interval)
    beat()
  end
end
