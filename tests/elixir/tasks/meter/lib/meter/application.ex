defmodule Meter.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([{Meter, Application.fetch_env!(:meter, :step)}], strategy: :one_for_one)
  end
end
