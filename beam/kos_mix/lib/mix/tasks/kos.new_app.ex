defmodule Mix.Tasks.Kos.NewApp do
  @moduledoc """
  Adds an application to the device around the current folder: a domain of its own, with sources and a test.

      mix kos.new_app NAME [--module MODULE] [--lang LANGUAGE]

    * `--module MODULE` - its module or interface; made of NAME unless given
    * `--lang LANGUAGE` - `elixir` (as unless given), `c`, `cpp` or `rust`
  """
  @shortdoc "Adds an application in Elixir, C, C++ or Rust"
  use Mix.Task
  alias Kos.Mix.{Generator, Project, Shell, Toolchain}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.new_app", arguments, module: :string, lang: :string) do
      :help ->
        :ok

      {options, [name]} ->
        create(name, options)

      {_, _} ->
        Mix.raise("kos.new_app needs one NAME: mix kos.new_app sensor --lang c\nIts options: mix help kos.new_app")
    end
  end

  defp create(name, options) do
    Toolchain.check_otp!()
    Project.check_name!(name)
    language = Generator.check_language!(options[:lang] || "elixir")
    Generator.check_free!(name, language)
    project = Project.find!()

    if Enum.any?(project.apps, &(&1.name == name)), do: Mix.raise("There is an app #{name} in system.toml already")
    module = options[:module] || Macro.camelize(name)
    Generator.app(project.root, name, module, language, false)

    Mix.shell().info("""

    #{name} is part of the system now (system.toml). Next:

        mix kos.test #{name}    # its tests, on the device
        mix kos.run
    """)
  end
end
