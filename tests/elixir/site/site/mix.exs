defmodule Site.MixProject do
  use Mix.Project

  # Shaped as a project of Phoenix is: a web server among its dependencies, assets that are digested, a runtime.exs.
  def project do
    [
      app: :site,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      # As Phoenix' own, it asks for nothing that config/runtime.exs wants.
      aliases: ["assets.deploy": ["cmd echo {} > priv/static/cache_manifest.json"]],
      deps: [
        {:plug_cowboy, path: "vendor/plug_cowboy"}
      ]
    ]
  end

  def application, do: [mod: {Site.Application, []}, extra_applications: [:logger]]
end
