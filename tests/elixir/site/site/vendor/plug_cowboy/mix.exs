defmodule PlugCowboy.MixProject do
  use Mix.Project

  # A web server of this name and nothing more.
  def project, do: [app: :plug_cowboy, version: "2.0.0", elixir: "~> 1.14", deps: []]
  def application, do: [extra_applications: []]
end
