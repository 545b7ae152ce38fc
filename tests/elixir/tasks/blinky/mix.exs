defmodule Blinky.MixProject do
  use Mix.Project

  @app :blinky
  @all_targets [:rpi0, :rpi4]

  # As mix nerves.new writes it; its packages, of which there are none here, are said to be in folders.
  def project do
    [
      app: @app,
      version: "0.1.0",
      elixir: "~> 1.14",
      archives: [nerves_bootstrap: "~> 1.11"],
      start_permanent: Mix.env() == :prod,
      deps: deps(),
      releases: [{@app, release()}],
      preferred_cli_target: [run: :host, test: :host]
    ]
  end

  def application do
    [
      mod: {Blinky.Application, []},
      extra_applications: [:logger, :runtime_tools]
    ]
  end

  defp deps do
    [
      # Dependencies for all targets
      {:nerves, path: "../nerves/nerves", runtime: false},
      {:shoehorn, path: "../nerves/shoehorn"},
      {:ring_logger, path: "../nerves/ring_logger"},
      {:toolshed, path: "../nerves/toolshed"},

      # Dependencies for all targets except :host
      {:circuits_gpio, path: "../nerves/circuits_gpio", targets: @all_targets},
      {:nerves_runtime, path: "../nerves/nerves_runtime", targets: @all_targets},
      {:nerves_pack, path: "../nerves/nerves_pack", targets: @all_targets},

      # Dependencies for specific targets
      {:nerves_system_rpi0, path: "../nerves/nerves_system_rpi0", runtime: false, targets: :rpi0},
      {:nerves_system_rpi4, path: "../nerves/nerves_system_rpi4", runtime: false, targets: :rpi4}
    ]
  end

  def release do
    [
      overwrite: true,
      cookie: "#{@app}_cookie",
      include_erts: &Nerves.Release.erts/0,
      steps: [&Nerves.Release.init/1, :assemble],
      strip_beams: Mix.env() == :prod or [keep: ["Docs"]]
    ]
  end
end
