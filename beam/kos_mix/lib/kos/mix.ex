defmodule Kos.Mix do
  @moduledoc """
  What a `mix.exs` may use of this archive.
  """

  @doc """
  The Elixir library of KOS as a dependency, from the tree that this archive belongs to:

      defp deps, do: [Kos.Mix.library()]
  """
  @spec library() :: {:kos, keyword()}
  def library, do: {:kos, path: Kos.Mix.Home.path!("beam/kos")}
end
