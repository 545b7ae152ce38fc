defmodule Kos.Mix.Generator do
  @moduledoc """
  Writes new projects and applications from the templates, which are compiled into this module.
  """
  alias Kos.Mix.Project

  @folder Path.expand("../../../templates", __DIR__)
  @files @folder |> Path.join("**/*") |> Path.wildcard() |> Enum.filter(&File.regular?/1)
  for file <- @files, do: @external_resource(file)
  @templates Map.new(@files, &{Path.relative_to(&1, @folder), File.read!(&1)})

  @languages %{"elixir" => "Elixir", "c" => "C", "cpp" => "C++", "rust" => "Rust"}

  @reserved ~w(auto bool break case catch char class const continue crate default delete do double else enum extern false
               float fn for friend goto if impl in int let long loop main match mod move mut new nil or pub public ref return
               self short signed sizeof static struct super switch template test this trait true try type typedef union
               unsafe unsigned use using virtual void volatile when where while)

  def check_language!(language) do
    unless Map.has_key?(@languages, language) do
      Mix.raise("--lang #{language}: expected one of #{@languages |> Map.keys() |> Enum.sort() |> Enum.join(", ")}")
    end

    language
  end

  @doc "The files around the applications. `console`: the app that has the console, or nil."
  def system(root, name, module, console) do
    values = [name: name, dashed: dashed(name), module: module, console: console, port: nil]

    write(root, values, [
      {"system/mix.exs", "mix.exs"},
      {"system/system.toml", "system.toml"},
      {"system/README.md", "README.md"},
      {"system/gitignore", ".gitignore"},
      {"system/formatter.exs", ".formatter.exs"},
      {"system/config.exs", "config/config.exs"},
      {"system/host.exs", "config/host.exs"},
      {"system/kos.exs", "config/kos.exs"}
    ])
  end

  @doc "An application below `root`/apps and its lines in system.toml."
  def app(root, name, module, language, console?) do
    folder = Path.join([root, "apps", name])
    write(folder, values(name, module, language, console?), files(language, name))
    add_to_system(root, "apps/#{name}")
    folder
  end

  @doc "Refuses names that something of KOS, of OTP or of the languages has already."
  def check_free!(name, language) do
    folders = ["services/*", "drivers/*", "drivers/*/*"]
    cores = for folder <- folders, file <- Path.wildcard(Kos.Mix.Home.path!("#{folder}/app.toml")), do: core_name(file)

    taken_by_elixir? =
      language == "elixir" and match?({:module, _}, Code.ensure_loaded(Module.concat([Macro.camelize(name)])))

    cond do
      name in cores ->
        Mix.raise("The name #{name} is that of a service of KOS; choose another one")

      name in @reserved ->
        Mix.raise("The name #{name} is a word of a programming language; choose another one")

      taken_by_elixir? or :code.lib_dir(String.to_atom(name)) != {:error, :bad_name} ->
        Mix.raise("The name #{name} is that of a module or an application of Elixir or Erlang/OTP; choose another one")

      true ->
        :ok
    end
  end

  defp core_name(file) do
    case Regex.run(~r/^name = "(.*)"/m, File.read!(file)) do
      [_, name] -> name
      nil -> nil
    end
  end

  @doc "The KOS files of an Elixir project that exists: app.toml, root.toml and a system.toml around it."
  def adopt(root, name, module, options \\ []) do
    values =
      values(name, module, "elixir", true) |> Keyword.put(:release, "_build/kos/rel/#{name}") |> Keyword.merge(options)

    system = [name: name, dashed: dashed(name), module: module, console: name, port: options[:port]]
    write(root, system, [{"system/system.toml", "system.toml"}])
    write(root, values, [{"elixir/app.toml", "app.toml"}, {"elixir/root.toml", "root.toml"}])
    add_to_system(root, ".")
  end

  defp values(name, module, language, console?) do
    [
      name: name,
      dashed: dashed(name),
      module: module,
      # As the bindings in C and C++ spell the interface (tools/idl).
      symbol: Macro.underscore(module),
      lang: language,
      lang_suffix: if(language == "rust", do: "rs", else: language),
      language: @languages[language],
      console: console?,
      umbrella: true,
      port: nil,
      variables: [],
      overlay: nil,
      release: "../../_build/kos/rel/#{name}",
      library: File.dir?(Kos.Mix.Home.path!("beam/kos")),
      id: schema_id()
    ]
  end

  defp files("elixir", name) do
    [
      {"elixir/mix.exs", "mix.exs"},
      {"elixir/app.toml", "app.toml"},
      {"elixir/root.toml", "root.toml"},
      {"elixir/README.md", "README.md"},
      {"elixir/formatter.exs", ".formatter.exs"},
      {"elixir/vm.args.eex", "rel/vm.args.eex"},
      {"elixir/lib/app.ex", "lib/#{name}.ex"},
      {"elixir/lib/application.ex", "lib/#{name}/application.ex"},
      {"elixir/lib/heart.ex", "lib/#{name}/heart.ex"},
      {"elixir/test/app_test.exs", "test/#{name}_test.exs"},
      {"elixir/test/test_helper.exs", "test/test_helper.exs"}
    ]
  end

  defp files(language, name) do
    source = if language == "rust", do: "main.rs", else: "main.#{language}"

    [
      {"native/CMakeLists.txt", "CMakeLists.txt"},
      {"native/app.toml", "app.toml"},
      {"native/README.md", "README.md"},
      {"native/app.capnp", "#{name}.capnp"},
      {"native/#{source}", source},
      {"native/test/app.toml", "test/app.toml"},
      {"native/test/main.c", "test/main.c"},
      {"native/test/system.toml", "test/system.toml"}
    ]
  end

  defp write(folder, values, files) do
    for {template, target} <- files do
      path = Path.join(folder, target)
      # vm.args.eex is a template of mix itself.
      text = Map.fetch!(@templates, template)
      text = if String.ends_with?(template, ".eex"), do: text, else: EEx.eval_string(text, assigns: values)
      # Names of any length move the lines that mix format would break.
      text = if Path.extname(path) in [".ex", ".exs"], do: [Code.format_string!(text), "\n"], else: text
      File.mkdir_p!(Path.dirname(path))
      if File.exists?(path), do: Mix.raise("#{Project.relative(path)} exists already; nothing is overwritten")
      File.write!(path, text)
      Mix.shell().info([:green, "* creating ", :reset, Project.relative(path)])
    end
  end

  # Behind all other tables: an array of tables may go on anywhere in TOML.
  defp add_to_system(root, path) do
    file = Path.join(root, "system.toml")
    File.write!(file, ~s(\n[[app]]\npath = "#{path}"\n), [:append])
  end

  # Cap'n Proto wants the highest bit set.
  defp schema_id do
    <<_::1, rest::63>> = :crypto.strong_rand_bytes(8)
    <<id::64>> = <<1::1, rest::63>>
    "0x" <> String.downcase(Integer.to_string(id, 16))
  end

  defp dashed(name), do: String.replace(name, "_", "-")
end
