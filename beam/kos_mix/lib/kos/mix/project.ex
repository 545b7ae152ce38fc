defmodule Kos.Mix.Project do
  @moduledoc """
  The project around the current folder: the nearest folder upwards with a `system.toml`.
  """

  defstruct [:root, :apps]

  @kinds %{"mix" => :mix, "native" => :native, "other" => :other}

  @type app :: %{name: String.t(), kind: :mix | :native | :other, folder: Path.t()}

  @doc "The project. Raises, saying what to do, outside of one."
  def find! do
    root = find(File.cwd!())

    unless root do
      Mix.raise("""
      There is no system.toml here or in a folder above #{File.cwd!()}.
      A new project:                    mix kos.new PATH
      This Elixir project as a system:  mix kos.init\
      """)
    end

    %__MODULE__{root: root, apps: apps(root)}
  end

  @doc "The folder with the project's `system.toml` and `mix.exs`, seen from `folder`; nil if there is none."
  def find(folder) do
    # apps/NAME/test/system.toml is a system of its own inside a project, without a mix.exs beside it.
    cond do
      File.regular?(Path.join(folder, "system.toml")) and File.regular?(Path.join(folder, "mix.exs")) -> folder
      Path.dirname(folder) == folder -> nil
      true -> find(Path.dirname(folder))
    end
  end

  defp apps(root) do
    {text, status} =
      Kos.Mix.Shell.output(Kos.Mix.Home.path!("kos"), ["check", "--list", root],
        env: Kos.Mix.Shell.front_door_environment()
      )

    if status != 0, do: Mix.raise("#{Path.join(root, "system.toml")} cannot be read; what is above says why")

    for line <- String.split(text, "\n", trim: true) do
      [name, kind, folder] = String.split(line, "\t")
      %{name: name, kind: Map.fetch!(@kinds, kind), folder: folder}
    end
  end

  @doc "The app of this name. Raises, naming those that there are."
  def app!(project, name) do
    Enum.find(project.apps, &(&1.name == name)) ||
      Mix.raise(
        "#{relative(project.root)}/system.toml has no app #{name}; it has: #{Enum.map_join(project.apps, ", ", & &1.name)}"
      )
  end

  def mix_apps(project), do: Enum.filter(project.apps, &(&1.kind == :mix))

  @doc "Files with tests of the Elixir project in this folder; of an umbrella's applications if there are none of its own."
  def test_files(folder) do
    with [] <- Path.wildcard(Path.join(folder, "test/**/*_test.exs")),
         do: Path.wildcard(Path.join(folder, "apps/*/test/**/*_test.exs"))
  end

  @doc "What is made of the project; mix's own build folder, so that `mix clean` and .gitignore know it."
  def build(project, name), do: Path.join([project.root, "_build/kos", name])

  def relative(path) do
    short = Path.relative_to(path, File.cwd!())
    if short == path and path == File.cwd!(), do: ".", else: short
  end

  @doc "Names of apps and modules: what manifest and Elixir both accept."
  def check_name!(name) do
    unless name =~ ~r/\A[a-z][a-z0-9_]{0,30}\z/ do
      Mix.raise(
        "The name #{inspect(name)} cannot be used: expected a to z, 0 to 9 and _, beginning with a letter, at most 31"
      )
    end

    name
  end
end
