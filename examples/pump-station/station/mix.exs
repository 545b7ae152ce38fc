defmodule Station.MixProject do
  use Mix.Project

  def project do
    [
      app: :station,
      version: "0.1.0",
      elixir: "~> 1.14",
      # Typed calls of the native parts (Kos.Idl.*), made of *.capnp by the build (../CMakeLists.txt).
      elixirc_paths: ["lib", Path.expand("../common", __DIR__) | List.wrap(System.get_env("KOS_BINDINGS"))],
      start_permanent: Mix.env() == :prod,
      deps: [{:kos, path: "../../../beam/kos"}],
      # The cookie is no secret: who may connect at all is the manifest's to say.
      releases: [station: [include_executables_for: [], strip_beams: true, cookie: "pump-station"]]
    ]
  end

  def application do
    [mod: {Station.Application, []}, extra_applications: [:logger, :crypto, :iex]]
  end
end
