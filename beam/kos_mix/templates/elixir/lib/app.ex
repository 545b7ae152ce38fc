defmodule <%= @module %> do
  @moduledoc """
  Documentation for `<%= @module %>`.
  """

  @doc """
  Hello world.

      iex> <%= @module %>.hello()
      :world

  """
  def hello, do: :world

  @doc "How often the application's heart has beaten."
  def beats, do: <%= @module %>.Heart.beats()
end
