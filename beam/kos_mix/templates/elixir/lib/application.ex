defmodule <%= @module %>.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    children = [
      {<%= @module %>.Heart, interval_ms: 1000}
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: <%= @module %>.Supervisor)
  end
end
