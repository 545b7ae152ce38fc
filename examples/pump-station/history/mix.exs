defmodule History.MixProject do
  use Mix.Project

  def project do
    [
      app: :history,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [{:kos, path: "../../../beam/kos"}],
      releases: [history: [include_executables_for: [], strip_beams: true, cookie: "pump-station"]]
    ]
  end

  def application do
    [mod: {History.Application, []}, extra_applications: [:logger]]
  end
end
