defmodule Fleet.Umbrella.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      version: "0.1.0",
      start_permanent: Mix.env() == :prod,
      deps: [],
      releases: [
        fleet: [
          applications: [fleet: :permanent, fleet_web: :permanent],
          # As a project of Nerves has it, which KOS leaves out.
          include_erts: &Nerves.Release.erts/0,
          steps: [&Nerves.Release.init/1, :assemble]
        ]
      ]
    ]
  end
end
