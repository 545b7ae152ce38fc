defmodule Kos.Mix.Releases do
  @moduledoc """
  Makes the mix releases of a project's apps: each in its app's folder, by that project's own mix, for the device.
  """
  alias Kos.Mix.{Elf, Project, Shell, Toolchain}

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
      do: Mix.raise("The release of #{app.name} (#{Project.relative(app.folder)}) failed; what is above says why")

    case Elf.foreign(output) do
      [] -> :ok
      wrong -> Mix.raise(foreign_text(app, wrong))
    end
  end

  defp foreign_text(app, wrong) do
    """
    The release of #{app.name} has native code for another machine than the device (arm64):
    #{Enum.map_join(wrong, "\n", fn {file, machine} -> "  #{file}: #{machine}" end)}
    Its Makefile has to use $(CC), $(CFLAGS), $(ERTS_INCLUDE_DIR) and so on from the environment, where kos.build puts the cross compiler.
    If it does, an earlier build for this machine is in the way: MIX_ENV=prod MIX_TARGET=kos mix deps.clean --build DEPENDENCY\
    """
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
