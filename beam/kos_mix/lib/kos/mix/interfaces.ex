defmodule Kos.Mix.Interfaces do
  @moduledoc """
  Typed Elixir modules of interface schemas, made by the same programs that make the bindings in C, C++ and Rust:
  `capnp` and the back end of the tree (tools/idl). `mix compile.kos` says what an application writes to get them.
  """
  alias Kos.Mix.{Home, Shell}
  alias Mix.Task.Compiler.Diagnostic

  @tool "build/host/tools/idl/idl"
  # Beside the modules: the digest of all that they were made of.
  @stamp "made_of"

  @doc """
  The schema files of an application: `*.capnp` in its folder, and `names`, which are sought in its folder, or else are those of the system's
  own interfaces (idl/). Raises, saying what to do, where there is no such file or two have the same name.
  """
  @spec files!(Path.t(), [String.t()]) :: [Path.t()]
  def files!(folder, names) do
    own = folder |> Path.join("*.capnp") |> Path.wildcard()
    files = Enum.uniq(own ++ Enum.map(names, &file!(folder, &1)))

    for {stem, [one, other | _]} <- Enum.group_by(files, &Path.basename(&1, ".capnp")) do
      Mix.raise("""
      Two schemas are called #{stem}.capnp: #{shown(one)} and #{shown(other)}. Their modules would be one.
      Give one of the files another name (#{Path.join(folder, "mix.exs")}: kos_interfaces)\
      """)
    end

    files
  end

  defp file!(folder, name) when is_binary(name) do
    candidates = [Path.expand(name, folder), Path.expand(name, Home.path!("idl"))]

    with true <- Path.extname(name) == ".capnp",
         file when file != nil <- Enum.find(candidates, &File.regular?/1) do
      file
    else
      _ ->
        Mix.raise("""
        #{Path.join(folder, "mix.exs")}: kos_interfaces has #{inspect(name)}, but neither #{Enum.join(candidates, " nor ")} is a schema.
        Expected a file NAME.capnp, its path from #{folder}, or one of the system's: #{system()}\
        """)
    end
  end

  defp file!(folder, other) do
    Mix.raise(
      "#{Path.join(folder, "mix.exs")}: kos_interfaces has #{inspect(other)}; expected names of schemas, such as \"../valve/valve.capnp\""
    )
  end

  defp system do
    names = for file <- Path.wildcard(Home.path!("idl/*.capnp")), do: Path.basename(file)
    Enum.join(names -- ["kos.capnp"], ", ")
  end

  @doc """
  Makes the modules of `files`, below `parent` by name, in `output`, unless they are there and nothing of what they were made of has changed. Those of other schemas are
  removed. On an error everything stays as it was.
  """
  @spec generate([Path.t()], module, Path.t()) :: :noop | :ok | {:error, [Diagnostic.t()]}
  def generate(files, parent, output) do
    if files != [], do: ensure_tools!()
    digest = digest(files, parent)
    stamp = Path.join(output, @stamp)

    if File.read(stamp) == {:ok, digest} and Enum.all?(files, &File.regular?(module_file(output, &1))) do
      :noop
    else
      File.mkdir_p!(output)

      case Enum.flat_map(files, &compile(&1, parent, output)) do
        [] ->
          wanted = Enum.map(files, &module_file(output, &1))
          for file <- Path.wildcard(Path.join(output, "*.ex")), file not in wanted, do: File.rm!(file)
          File.write!(stamp, digest)
          :ok

        diagnostics ->
          {:error, diagnostics}
      end
    end
  end

  defp module_file(output, file), do: Path.join(output, Path.basename(file, ".capnp") <> ".ex")

  # Any schema may be imported by another one: those of the same folders and of the system.
  defp digest(files, parent) do
    folders = [Home.path!("idl") | Enum.map(files, &Path.dirname/1)] |> Enum.uniq() |> Enum.sort()

    texts =
      for folder <- folders, file <- Path.wildcard(Path.join(folder, "*.capnp")), do: [file, 0, File.read!(file), 0]

    tool = if files == [], do: "", else: inspect(File.stat!(Home.path!(@tool), time: :posix).mtime)
    :crypto.hash(:sha256, [tool, inspect(parent), 0, Enum.map(files, &[&1, 0]), texts]) |> Base.encode16()
  end

  defp compile(file, parent, output) do
    arguments = ["compile", "-I#{Home.path!("idl")}", "--src-prefix=#{Path.dirname(file)}"]
    arguments = arguments ++ ["-o#{Home.path!(@tool)}:#{output}", file]

    environment = %{"KOS_IDL_EMIT" => "elixir", "KOS_IDL_MODULE" => inspect(parent)}

    case System.cmd("capnp", arguments, env: environment, stderr_to_stdout: true) do
      {_, 0} -> []
      {text, _} -> diagnostics(file, text)
    end
  end

  @doc "What the two programs said about a schema, with its places. At least one, whatever they said."
  @spec diagnostics(Path.t(), String.t()) :: [Diagnostic.t()]
  def diagnostics(file, text) do
    lines = for line <- String.split(text, "\n", trim: true), not (line =~ ~r/plugin failed: exit code/), do: line

    case Enum.map(lines, &diagnostic(file, &1)) do
      [] -> [diagnostic(file, "capnp failed and said nothing")]
      some -> some
    end
  end

  defp diagnostic(file, line) do
    cond do
      found = Regex.run(~r/^(.+?\.capnp):(\d+)(?::[\d-]+)?: (?:error: )?(.*)$/, line) ->
        [_, where, number, message] = found
        new(place(file, where), String.to_integer(number), message)

      # The back end's: it knows the place by its name.
      found = Regex.run(~r/^.+?\.capnp: ((\w[\w.]*)\S*?: .*)$/, line) ->
        [_, message, path] = found
        new(file, line_of(file, String.split(path, ".")), message)

      true ->
        new(file, 1, line)
    end
  end

  # An imported schema is named as the import says it.
  defp place(file, named) do
    folders = [Path.dirname(file), Home.path!("idl"), "/"]
    folders |> Enum.map(&Path.expand(named, &1)) |> Enum.find(file, &File.regular?/1)
  end

  defp new(file, line, message),
    do: %Diagnostic{compiler_name: "KOS", file: file, position: line, message: message, severity: :error}

  @doc "The line of a schema on which the last of the names is declared inside the others; as near to it as can be told."
  @spec line_of(Path.t(), [String.t()]) :: pos_integer
  def line_of(file, names) do
    lines = for line <- file |> File.read!() |> String.split("\n"), do: String.replace(line, ~r/#.*/, "")
    line_of(lines, 1, names, 1)
  end

  defp line_of(_lines, _number, [], best), do: best
  defp line_of([], _number, _names, best), do: best

  defp line_of([line | rest] = lines, number, [name | inner], best) do
    if line =~ ~r/\b(?:interface|struct|enum)\s+#{name}\b|\b#{name}\s*@/,
      do: line_of(lines, number, inner, number),
      else: line_of(rest, number + 1, [name | inner], best)
  end

  @doc "Where a schema is told to be: from the current folder if it is below it."
  def shown(file), do: Path.relative_to_cwd(file)

  # The back end is compiled once; and again when its sources are newer, as after an update of the tree.
  defp ensure_tools! do
    unless System.find_executable("capnp") do
      Mix.raise("""
      capnp, which reads interface schemas, is not in PATH.
      On Debian 12, as root: apt-get install -y --no-install-recommends capnproto\
      """)
    end

    unless current?(Home.path!(@tool)) do
      Mix.shell().info([:yellow, "* ", :reset, "The compiler of interfaces is made first: once, about a minute"])
      Shell.kos!(["build", "--preset", "host", "idl_plugin"])
    end
  end

  defp current?(tool) do
    with {:ok, %{mtime: made}} <- File.stat(tool) do
      sources = Path.wildcard(Home.path!("tools/idl/*.{cpp,h}"))
      tests = ~r/_(test|fuzz)\.cpp$/
      Enum.all?(sources, &(&1 =~ tests or File.stat!(&1).mtime <= made))
    else
      {:error, :enoent} -> false
      {:error, why} -> Mix.raise("#{tool} cannot be looked at: #{:file.format_error(why)}")
    end
  end
end
