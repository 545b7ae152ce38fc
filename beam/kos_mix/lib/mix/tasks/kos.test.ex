defmodule Mix.Tasks.Kos.Test do
  @moduledoc """
  Runs the tests of the applications on the device, in QEMU.

      mix kos.test [APP...] [--sel4 PATH] [--cores N] [--timeout S]

  Of an Elixir application: the same `test/**/*_test.exs` as `mix test` runs on this machine, inside its release, in the
  system of `system.toml`. Left out are those with `@tag :host`; those with `@tag :device` are run here only. `test_helper.exs`
  and what is below `test/support` stay on this machine. Of an umbrella project: those of all applications in its release, together.

  Of a native application: the system of its `test/system.toml`, one of whose domains says what it found (`kos/test.h`).

    * `APP` - of these applications; of all of them unless given
    * `--sel4 PATH`, `--cores N` - as for `mix kos.build`
    * `--timeout S` - of each boot; 300 unless given
  """
  @shortdoc "Runs the tests on the device, in QEMU"
  use Mix.Task
  alias Kos.Mix.{Home, Project, Releases, Shell, System, Toolchain}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.test", arguments, sel4: :string, cores: :integer, timeout: :integer) do
      :help -> :ok
      {options, names} -> test(names, options)
    end
  end

  defp test(names, options) do
    Toolchain.check_otp!()
    project = Project.find!()
    apps = if names == [], do: Enum.filter(project.apps, &tests?/1), else: Enum.map(names, &Project.app!(project, &1))
    if apps == [], do: Mix.raise("No application of this system has tests")

    for app <- apps, not tests?(app) do
      Mix.raise("#{app.name} has no tests: expected test/*_test.exs (Elixir) or test/system.toml (native)")
    end

    # The system of an Elixir application's tests has all the others in it as they are.
    if Enum.any?(apps, &(&1.kind == :mix)), do: Releases.make_all!(project)
    failed = for app <- apps, not passed?(project, app, options), do: app.name
    if failed != [], do: Mix.raise("Tests failed on the device: #{Enum.join(failed, ", ")}")
  end

  defp tests?(%{kind: :mix, folder: folder}), do: Project.test_files(folder) != []
  defp tests?(%{folder: folder}), do: File.regular?(Path.join(folder, "test/system.toml"))

  defp passed?(project, %{kind: :mix} = app, options) do
    release = Project.build(project, "test/#{app.name}")
    Shell.step("Release of #{app.name} with its tests", fn -> Releases.make!(app, release, ["--test"]) end)
    boot?("Tests of #{app.name}", [project.root, "--release", "#{Releases.image!(app)}=#{release}"], options)
  end

  defp passed?(_project, app, options) do
    boot?("Tests of #{app.name}", [Path.join(app.folder, "test")], options)
  end

  defp boot?(text, arguments, options) do
    timeout = ["--timeout", to_string(options[:timeout] || 300)]

    status =
      System.step(text, fn ->
        Shell.run(Home.path!("kos"), ["run", "--test"] ++ arguments ++ timeout ++ System.kernel(options),
          env: Shell.front_door_environment()
        )
      end)

    status == 0
  end
end
