defmodule History.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _arguments) do
    Supervisor.start_link([History.Store, {Alive, "history_guard"}], strategy: :one_for_one, name: History.Supervisor)
  end
end
