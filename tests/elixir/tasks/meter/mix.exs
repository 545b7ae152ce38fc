defmodule Mix.Tasks.Compile.Native do
  # As elixir_make does it: a Makefile, told where things are by the environment.
  use Mix.Task.Compiler

  @impl true
  def run(_arguments) do
    include = Path.join([:code.root_dir(), "erts-#{:erlang.system_info(:version)}", "include"])

    environment = [
      {"MIX_APP_PATH", Mix.Project.app_path()},
      {"ERTS_INCLUDE_DIR", System.get_env("ERTS_INCLUDE_DIR", include)}
    ]

    case System.cmd("make", ["all"], env: environment, stderr_to_stdout: true) do
      {_, 0} -> :ok
      {text, _} -> Mix.raise("make failed:\n" <> text)
    end
  end
end

defmodule Meter.MixProject do
  use Mix.Project

  def project do
    [
      app: :meter,
      version: "1.2.0",
      elixir: "~> 1.14",
      compilers: [:native | Mix.compilers()],
      start_permanent: Mix.env() == :prod,
      deps: []
    ]
  end

  def application do
    [mod: {Meter.Application, []}, extra_applications: [:logger, :crypto]]
  end
end
