defmodule Mix.Tasks.Kos.New do
  @moduledoc """
  Creates a new device: a system description and one application, with tests.

      mix kos.new PATH [--app NAME] [--module MODULE] [--lang LANGUAGE]

    * `--app NAME` - the application; the last part of PATH unless given
    * `--module MODULE` - its module; made of the name unless given
    * `--lang LANGUAGE` - `elixir` (as unless given), `c`, `cpp` or `rust`
  """
  @shortdoc "Creates a new device (system and application)"
  use Mix.Task
  alias Kos.Mix.{Generator, Project, Shell, Toolchain}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.new", arguments, app: :string, module: :string, lang: :string) do
      :help -> :ok
      {options, [path]} -> create(path, options)
      {_, _} -> Mix.raise("kos.new needs one PATH: mix kos.new my_device\nIts options: mix help kos.new")
    end
  end

  defp create(path, options) do
    Toolchain.check_otp!()
    Kos.Mix.Home.path!()
    root = Path.expand(path)
    system = Project.check_name!(String.replace(Path.basename(root), "-", "_"))
    name = Project.check_name!(options[:app] || system)
    language = Generator.check_language!(options[:lang] || "elixir")
    Generator.check_free!(name, language)
    module = options[:module] || Macro.camelize(name)

    unless module =~ ~r/^[A-Z]\w*(\.[A-Z]\w*)*$/,
      do: Mix.raise("--module #{module}: expected a module's name, such as MyDevice")

    if File.exists?(root) and File.ls!(root) != [] do
      Mix.raise("#{path} is there already and not empty; choose another PATH, or in an Elixir project: mix kos.init")
    end

    File.mkdir_p!(root)
    elixir? = language == "elixir"
    Generator.system(root, system, Macro.camelize(system), if(elixir?, do: name))
    Generator.app(root, name, module, language, elixir?)

    Mix.shell().info("""

    A device with one application. Next:

        cd #{path}
        #{if elixir?, do: "mix test        # on this machine\n    "}mix kos.run     # in QEMU; Ctrl-A X leaves
        mix kos.test    # its tests, on the device
    """)
  end
end
