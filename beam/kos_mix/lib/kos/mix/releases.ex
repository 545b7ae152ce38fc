defmodule Kos.Mix.Releases do
  @moduledoc """
  Makes the mix releases of a project's apps: each in its app's folder, by that project's own mix, for the device.
  """
  alias Kos.Mix.{Project, Shell, Toolchain}

  @doc "Releases of all mix apps, below `_build/kos/rel`."
  def make_all!(project) do
    for app <- Project.mix_apps(project) do
      Shell.step("Release of #{app.name}", fn -> make!(app, release_folder(project, app)) end)
    end
  end

  def release_folder(project, app), do: Project.build(project, "rel/#{app.name}")

  @doc "One release. `arguments`: more for `mix kos.release`."
  def make!(app, output, arguments \\ []) do
    mix = System.find_executable("mix") || Mix.raise("mix is not in PATH")
    # Its own settings, whatever those of the task that runs now are.
    status = Shell.run(mix, ["kos.release", "--path", output | arguments], cd: app.folder, env: Toolchain.environment())

    if status != 0,
      do:
        Mix.raise(
          "The release of #{app.name} (#{Project.relative(app.folder)}) failed; what is above says why, and mix kos.deps.check there what a project lacks"
        )
  end

  @doc "The name of an app's root image, from its root.toml."
  def image!(app) do
    file = Path.join(app.folder, "root.toml")

    with {:ok, text} <- File.read(file),
         [_, name] <- Regex.run(~r/^\s*name\s*=\s*"([^"]+)"/m, text) do
      name
    else
      _ -> Mix.raise("#{file} is missing or has no name; mix kos.init writes one")
    end
  end
end
