defmodule Mix.Tasks.Kos.Manifest do
  @moduledoc """
  Checks the device's manifest: `system.toml` and the `app.toml` of each application.

      mix kos.manifest [--report FILE] [--graph FILE] [--no-build]

    * `--report FILE` - write every domain, object, right, address and byte (Markdown): what a review compares
    * `--graph FILE` - draw the domains and their connections (SVG)
    * `--no-build` - with the releases as they are

  A mistake is told as `file:line:column: what was found; what was expected`.
  """
  @shortdoc "Checks the manifest, reports on it, draws it"
  use Mix.Task
  alias Kos.Mix.{Project, Releases, Shell, System, Toolchain}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.manifest", arguments, report: :string, graph: :string, build: :boolean) do
      :help -> :ok
      {options, []} -> check(options)
      {_, rest} -> Mix.raise("kos.manifest takes no #{Enum.join(rest, " ")}")
    end
  end

  defp check(options) do
    Toolchain.check_otp!()
    project = Project.find!()
    # The quota has to hold what is in the root images.
    for app <- Project.mix_apps(project),
        options[:build] != false or not File.dir?(Releases.release_folder(project, app)) do
      Shell.step("Release of #{app.name}", fn -> Releases.make!(app, Releases.release_folder(project, app)) end)
    end

    written = for name <- [:report, :graph], file = options[name], do: ["--#{name}", Path.expand(file)]
    System.step("Manifest", fn -> Shell.kos!(["check", project.root | List.flatten(written)]) end)
  end
end
