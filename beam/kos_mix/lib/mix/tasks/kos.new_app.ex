defmodule Mix.Tasks.Kos.NewApp do
  @moduledoc """
  Adds an application to the device around the current folder: a domain of its own, with sources and a test.

      mix kos.new_app NAME [--module MODULE] [--lang LANGUAGE] [--iex]

    * `--module MODULE` - its module or interface; made of NAME unless given
    * `--lang LANGUAGE` - `elixir` (as unless given), `c`, `cpp` or `rust`
    * `--iex` - an Elixir application with its terminal at the other end of the development link: `mix kos.iex NAME` shows its
      prompt. At most 16 applications of a system have it

  What a native application does for others says its schema, NAME.capnp. An Elixir application that calls it has the schema's path in
  `kos_interfaces` of its `mix.exs`, and the port in its `app.toml`; one that serves has a schema of its own (`mix help compile.kos`).
  """
  @shortdoc "Adds an application in Elixir, C, C++ or Rust"
  use Mix.Task
  alias Kos.Mix.{Generator, Project, Shell, Toolchain}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.new_app", arguments, module: :string, lang: :string, iex: :boolean) do
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
    if options[:iex] && language != "elixir", do: Mix.raise("--iex is for applications in Elixir")
    Generator.app(project.root, name, module, language, if(options[:iex], do: :link, else: false))

    Mix.shell().info("""

    #{name} is part of the system now (system.toml). Next:

        mix kos.test #{name}    # its tests, on the device
        mix kos.run
    """)
  end
end
