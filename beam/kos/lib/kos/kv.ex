defmodule Kos.KV do
  @moduledoc """
  The parameters that the manifest gives this domain (`[parameters]` in `app.toml`), read only, always text.

  They are files below `/run/kos/parameters`, so that each read tells what this instance of the domain was started with.
  """

  @doc "The value, or `default`."
  @spec get(String.t() | atom, default) :: String.t() | default when default: term
  def get(name, default \\ nil) do
    with true <- valid?(to_string(name)), {:ok, value} <- File.read(path(to_string(name))) do
      value
    else
      _ -> default
    end
  end

  @doc "The value as a number; raises `ArgumentError` if there is one that is none."
  @spec get_integer(String.t() | atom, default) :: integer | default when default: term
  def get_integer(name, default \\ nil) do
    case get(name) do
      nil -> default
      "0x" <> hex -> String.to_integer(hex, 16)
      value -> String.to_integer(value)
    end
  end

  @doc "All of them."
  @spec get_all() :: %{String.t() => String.t()}
  def get_all do
    case File.ls(Path.join(Kos.root(), "parameters")) do
      {:ok, names} -> Map.new(names, &{&1, get(&1, "")})
      {:error, _} -> %{}
    end
  end

  defp path(name), do: Path.join([Kos.root(), "parameters", name])
  defp valid?(name), do: name =~ ~r/\A[a-z][a-z0-9_]*\z/
end
