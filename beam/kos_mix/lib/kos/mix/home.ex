defmodule Kos.Mix.Home do
  @moduledoc """
  Where the KOS tree is: `KOS_HOME`, or the place that `./kos mix install` recorded in this archive.
  """

  @recorded System.get_env("KOS_RECORDED_HOME")

  @doc "The tree's folder. Raises, saying what to do, if there is none."
  @spec path!() :: Path.t()
  def path! do
    {path, from} =
      case System.get_env("KOS_HOME") do
        value when value in [nil, ""] -> {@recorded, "recorded when the archive was installed"}
        value -> {Path.expand(value), "KOS_HOME"}
      end

    cond do
      path == nil ->
        Mix.raise("""
        This archive does not know where KOS is.
        In a clone of KOS run: ./kos mix install
        or set the environment variable KOS_HOME to that clone.\
        """)

      not File.regular?(Path.join(path, "kos")) ->
        Mix.raise("""
        There is no KOS in #{path} (#{from}).
        In the clone that you want to use run: ./kos mix install
        or set KOS_HOME to it.\
        """)

      true ->
        path
    end
  end

  @doc "A path inside the tree."
  def path!(name), do: Path.join(path!(), name)
end
