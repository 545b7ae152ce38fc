defmodule Mix.Tasks.Kos.Init do
  @moduledoc """
  Makes an Elixir project that exists a device: writes system.toml, app.toml and root.toml beside its mix.exs.

      mix kos.init

  The project itself is not changed. To use the Elixir library of KOS in it, add to its mix.exs:

      archives: [kos_mix: "~> 0.1"],           # in project/0
      deps: [..., Kos.Mix.library()]           # in its dependencies
  """
  @shortdoc "Makes an Elixir project that exists a device"
  use Mix.Task
  alias Kos.Mix.{Generator, Project, Shell, Toolchain}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.init", arguments, []) do
      :help -> :ok
      {_, []} -> adopt()
      {_, rest} -> Mix.raise("kos.init takes no #{Enum.join(rest, " ")}")
    end
  end

  defp adopt do
    Toolchain.check_otp!()
    unless File.regular?("mix.exs"), do: Mix.raise("There is no mix.exs here. A new project: mix kos.new PATH")
    config = Mix.Project.config()

    if config[:apps_path] do
      Mix.raise(
        "This is an umbrella project; a device's domain is one application. Run mix kos.init in the one that is started"
      )
    end

    name = Project.check_name!(to_string(config[:app]))
    Generator.adopt(File.cwd!(), name, Macro.camelize(name))
    Mix.shell().info("\nNext: mix kos.run    # in QEMU; Ctrl-A X leaves")
  end
end
