defmodule Station.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _arguments) do
    children = [
      Kos.Domain,
      Station.Board,
      Station.Plant,
      Station.Watch,
      Station.Archive,
      {Alive, "station_guard"},
      Station.Web
    ]

    Supervisor.start_link(children, strategy: :one_for_one, max_restarts: 100, max_seconds: 60, name: Station.Supervisor)
  end
end
