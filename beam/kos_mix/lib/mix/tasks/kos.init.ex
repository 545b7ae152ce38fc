defmodule Mix.Tasks.Kos.Init do
  @moduledoc """
  Makes an Elixir project that exists a device: writes system.toml, app.toml and root.toml beside its mix.exs.

      mix kos.init

  A project with Phoenix, Bandit or Cowboy gets a network and its port 4000 forwarded. Environment variables that config/runtime.exs
  reads are in app.toml; SECRET_KEY_BASE with a value made now, for development. An umbrella project becomes one domain, of its one release. A
  Nerves project keeps its targets: on KOS, `Mix.target()` is `:kos`, steps of `Nerves.Release` are left out, and its rootfs_overlay comes along. What
  stands in the way, and what is different, is said; mix kos.deps.check says it again.

  The project itself is not changed. To use the Elixir library of KOS in it, add to its mix.exs:

      archives: [kos_mix: "~> 0.1"],           # in project/0
      deps: [..., Kos.Mix.library()]           # in its dependencies
  """
  @shortdoc "Makes an Elixir project that exists a device"
  use Mix.Task
  alias Kos.Mix.{Adopt, Generator, Project, Shell, Toolchain}

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
    found = Adopt.look(File.cwd!(), Mix.Project.config())
    name = Project.check_name!(found.name)

    Generator.adopt(File.cwd!(), name, Macro.camelize(name),
      port: found.port,
      variables: found.variables,
      overlay: found.overlay
    )

    say_variables(found)
    for text <- found.wrong, do: Mix.shell().info([:red, "\nFirst: ", :reset, text])
    for note <- found.notes, do: Mix.shell().info([:yellow, "\nNote: ", :reset, note])
    if found.port, do: Mix.shell().info("\nWhile it runs, it is at http://localhost:#{found.port} of this machine")
    Mix.shell().info("\nNext: mix kos.run    # in QEMU; Ctrl-A X leaves")
  end

  defp say_variables(found) do
    optional = for {variable, nil} <- found.variables, variable not in found.required, do: variable

    if found.required != [],
      do:
        Mix.shell().info([
          :yellow,
          "\nNeeded: ",
          :reset,
          "config/runtime.exs ends the start without #{Enum.join(found.required, ", ")}. Give the values in app.toml, [app.environment]"
        ])

    if optional != [],
      do:
        Mix.shell().info(
          "\nconfig/runtime.exs also reads #{Enum.join(optional, ", ")}: values, if you want them, go to app.toml, [app.environment]"
        )
  end
end
