defmodule Mix.Tasks.Kos.Build do
  @moduledoc """
  Builds the device's boot image: the releases of its Elixir applications, its native applications, the platform.

      mix kos.build [--output FILE] [--sel4 PATH] [--cores N]

    * `--output FILE` - where the image goes; `_build/kos/SYSTEM.elf` unless given
    * `--sel4 PATH` - with this unmodified seL4 instead of Keel
    * `--cores N` - 1, 2 or 4; 1 unless given

  Elixir applications get typed modules of interface schemas as native ones get their bindings, made anew when a schema has changed:
  `*.capnp` beside their `mix.exs` and those of its `kos_interfaces` (`mix help compile.kos`).

  The platform itself is compiled once, without the tests and examples of KOS: some 500 steps, minutes. Later builds only do what has
  changed.
  """
  @shortdoc "Builds the device's boot image"
  use Mix.Task
  alias Kos.Mix.{Project, Releases, Shell, System, Toolchain}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.build", arguments, output: :string, sel4: :string, cores: :integer) do
      :help -> :ok
      {options, []} -> build(options)
      {_, rest} -> Mix.raise("kos.build takes no #{Enum.join(rest, " ")}")
    end
  end

  defp build(options) do
    Toolchain.check_otp!()
    project = Project.find!()
    output = Path.expand(options[:output] || Project.build(project, "#{Path.basename(project.root)}.elf"))
    Releases.make_all!(project)

    System.step("Boot image", fn ->
      Shell.kos!(["image", project.root, "--output", output] ++ System.kernel(options))
    end)
  end
end
