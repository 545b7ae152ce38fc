defmodule History.MixProject do
  use Mix.Project

  def project do
    [
      app: :history,
      version: "0.1.0",
      elixir: "~> 1.14",
      # Typed calls of the guard (Kos.Idl.Guard), made by the build (../CMakeLists.txt).
      elixirc_paths: ["lib", Path.expand("../common", __DIR__) | List.wrap(System.get_env("KOS_BINDINGS"))],
      start_permanent: Mix.env() == :prod,
      deps: [{:kos, path: "../../../beam/kos"}],
      releases: [history: [include_executables_for: [], strip_beams: true, cookie: "pump-station"]]
    ]
  end

  def application do
    [mod: {History.Application, []}, extra_applications: [:logger]]
  end
end
