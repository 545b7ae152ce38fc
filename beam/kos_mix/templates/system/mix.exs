defmodule <%= @module %>.System.MixProject do
  use Mix.Project

  # The whole device. Its applications are in apps/; system.toml says which of them make up the system.
  def project do
    [
      apps_path: "apps",
      apps: elixir_apps(),
      version: "0.1.0",
      archives: [kos_mix: "~> 0.1"],
      start_permanent: Mix.env() == :prod,
      deps: []
    ]
  end

  # The others are native: they have a CMakeLists.txt.
  defp elixir_apps do
    for file <- Path.wildcard(Path.join(__DIR__, "apps/*/mix.exs")), do: file |> Path.dirname() |> Path.basename() |> String.to_atom()
  end
end
