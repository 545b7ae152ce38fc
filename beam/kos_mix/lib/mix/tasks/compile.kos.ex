defmodule Mix.Tasks.Compile.Kos do
  @moduledoc """
  Makes typed modules of interface schemas: the compiler `:kos` of an Elixir application.

  In its `mix.exs`, as `mix kos.new_app` writes it:

      def project do
        [
          compilers: [:kos | Mix.compilers()],
          kos_interfaces: ["../valve/valve.capnp", "timer.capnp"],
          deps: [Kos.Mix.library()],
          ...

  Each `*.capnp` beside `mix.exs` and each of `kos_interfaces` (paths from `mix.exs`, or else names of the system's own interfaces, `idl/` of
  KOS) becomes a module for each of its interfaces, `Panel.Idl.Valve` in the application `:panel`: a function for each method to call it, a callback for each method to
  serve it (`Kos.Interface` of the library says how). What talks to it in C, C++ or Rust has its bindings of the same file.

  They are below the application's own name, because two of one BEAM may use the same schema; `kos_interfaces_in: My.Idl` takes another one.

  The modules are compiled with the application, on this machine (`mix compile`, `mix test`) as for the device (`mix kos.build`), and made anew
  when a schema has changed. They are below the build folder and belong to nobody's sources. `mix clean` removes them.

  A mistake in a schema ends the compilation and is told with file, line and what was expected.
  """
  @shortdoc false
  use Mix.Task.Compiler
  alias Kos.Mix.{Home, Interfaces}

  @recursive true

  @impl true
  def run(_arguments) do
    config = Mix.Project.config()
    check_order!(config[:compilers] || [])
    files = Interfaces.files!(File.cwd!(), config[:kos_interfaces] || [])

    case Interfaces.generate(files, parent(config), output()) do
      {:error, diagnostics} ->
        Enum.each(diagnostics, &tell/1)
        {:error, diagnostics}

      done ->
        # The compiler of Elixir, which comes next, takes them as sources of the application.
        Mix.ProjectStack.merge_config(elixirc_paths: Enum.uniq((config[:elixirc_paths] || ["lib"]) ++ [output()]))
        {done, []}
    end
  end

  @impl true
  def clean, do: File.rm_rf!(output())

  defp parent(config) do
    case config[:kos_interfaces_in] || Module.concat(Macro.camelize(to_string(config[:app])), "Idl") do
      # A module's name, and not some other atom or text.
      module when is_atom(module) -> if inspect(module) =~ ~r/\A[A-Z][\w.]*\z/, do: module, else: wrong_parent!(module)
      other -> wrong_parent!(other)
    end
  end

  defp wrong_parent!(found) do
    Mix.raise(
      "#{File.cwd!()}/mix.exs: kos_interfaces_in is #{inspect(found)}; expected a module's name, such as Panel.Idl"
    )
  end

  defp output, do: Path.join(Mix.Project.app_path(), "interfaces")

  defp check_order!(compilers) do
    own = Enum.find_index(compilers, &(&1 == :kos))
    elixir = Enum.find_index(compilers, &(&1 == :elixir))

    if own && elixir && own > elixir do
      Mix.raise(
        "#{File.cwd!()}/mix.exs: the compiler :kos comes behind :elixir, which compiles what it makes; expected compilers: [:kos | Mix.compilers()]"
      )
    end
  end

  defp tell(diagnostic) do
    Mix.shell().error("""
    ** (KOS interface) #{Interfaces.shown(diagnostic.file)}:#{diagnostic.position}: #{diagnostic.message}
       Change the schema there; what one may have: #{Home.path!("idl/README.md")}\
    """)
  end
end
