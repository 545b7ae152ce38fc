defmodule Station do
  @moduledoc """
  For the prompt on the console.

      iex> Station.level()      # mm
      iex> Station.target(600)
      iex> Station.domains()
      iex> Station.break("controller", :compromise)
  """
  alias Station.{Attack, Board, Plant}

  def level, do: with(%{level_mm: mm} <- Board.get(:judge), do: mm)
  def judge, do: Board.get(:judge)
  def interlock, do: Board.get(:interlock)
  def target(mm), do: Plant.set_target(mm)
  def domains, do: for(entry <- Board.get(:domains, []), do: {entry.name, entry.state, entry.restarts})
  defdelegate break(part, how), to: Attack, as: :begin
end
