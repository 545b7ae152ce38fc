defmodule FleetWeb do
  def ready?, do: true
end
