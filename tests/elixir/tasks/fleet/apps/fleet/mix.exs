defmodule Mix.Tasks.Compile.Natives do
  use Mix.Task.Compiler
  @recursive true

  # Two native parts, built as elixir_make and cmake packages do it: told by the environment where things are.
  @impl true
  def run(_arguments) do
    priv = Path.join(Mix.Project.app_path(), "priv")
    build = Path.join(Mix.Project.app_path(), "cmake")
    include = Path.join([:code.root_dir(), "erts-#{:erlang.system_info(:version)}", "include"])
    erts = System.get_env("ERTS_INCLUDE_DIR", include)
    run!("make", ["-C", "c_src", "PRIV=#{priv}"], [])
    run!("cmake", ["-S", "c_src", "-B", build, "-DERTS_INCLUDE_DIR=#{erts}", "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=#{priv}"], [])
    run!("cmake", ["--build", build], [])
  end

  defp run!(program, arguments, environment) do
    case System.cmd(program, arguments, env: environment, stderr_to_stdout: true) do
      {_, 0} -> :ok
      {text, _} -> Mix.raise("#{program} failed:\n" <> text)
    end
  end
end

defmodule Fleet.MixProject do
  use Mix.Project

  def project do
    [
      app: :fleet,
      version: "0.1.0",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      elixir: "~> 1.14",
      compilers: [:natives | Mix.compilers()],
      deps: [{:plain, path: "../../vendor/plain"}, {:wire, path: "../../vendor/wire", manager: :make}]
    ]
  end

  def application, do: [mod: {Fleet, []}, extra_applications: [:logger, :inets, :ssl, :os_mon]]
end
