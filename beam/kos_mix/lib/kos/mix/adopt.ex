defmodule Kos.Mix.Adopt do
  @moduledoc """
  What an Elixir project that knows nothing of KOS needs: found in its files, so that `mix kos.init` can write it down.
  """

  alias Kos.Mix.{Nerves, Toolchain}

  defstruct [:name, :umbrella?, :port, :variables, :required, :overlay, :wrong, :notes]

  @servers ~r/\{\s*:(phoenix|bandit|plug_cowboy|cowboy)\b/
  @port 4000

  @doc "Looks at the project in `folder`, whose `Mix.Project.config/0` is `config`. Raises, saying what to do, if it cannot be a domain."
  @spec look(Path.t(), keyword()) :: %__MODULE__{}
  def look(folder, config) do
    umbrella? = config[:apps_path] != nil
    texts = for file <- mix_files(folder, config), do: File.read!(file)
    name = name!(config, umbrella?)
    read = read_variables(Path.join(folder, "config/runtime.exs"))

    %__MODULE__{
      name: name,
      umbrella?: umbrella?,
      port: if(Enum.any?(texts, &(&1 =~ @servers)), do: @port),
      variables: for({variable, _} <- read, do: {variable, value(variable, name)}),
      required: for({variable, true} <- read, value(variable, name) == nil, do: variable),
      overlay: Nerves.overlay_folder(folder),
      wrong: wrong(folder, config),
      notes: notes(folder, texts, read, config)
    }
  end

  @doc "What a project has to know, one text each."
  @spec notes(Path.t(), keyword()) :: [String.t()]
  def notes(folder, config) do
    texts = for file <- mix_files(folder, config), do: File.read!(file)
    notes(folder, texts, read_variables(Path.join(folder, "config/runtime.exs")), config)
  end

  defp mix_files(folder, config) do
    apps = if path = config[:apps_path], do: Path.wildcard(Path.join([folder, path, "*/mix.exs"])), else: []
    # A poncho project has its web application beside it.
    beside =
      for {_, options} <- Nerves.dependencies(config), path = options[:path], do: Path.join([folder, path, "mix.exs"])

    [Path.join(folder, "mix.exs") | apps ++ Enum.filter(beside, &File.regular?/1)]
  end

  @doc "What keeps this project from being built for the device, one text each, with what to do."
  @spec wrong(Path.t(), keyword()) :: [String.t()]
  def wrong(folder, config) do
    Enum.reject([elixir(config[:elixir]), missing(folder, config)], &is_nil/1)
  end

  defp elixir(requirement) do
    if requirement && not Version.match?(Toolchain.elixir(), requirement),
      do:
        "mix.exs wants Elixir #{requirement}, the device has #{Toolchain.elixir()}. If the code does without what is newer: elixir: \"~> 1.14\" in mix.exs"
  end

  # Asked of folders: mix itself would offer to install Hex.
  defp missing(folder, config) do
    place = Path.expand(config[:deps_path] || "deps", folder)

    missing =
      for {name, options} <- Nerves.dependencies(config),
          Nerves.for_device?(options),
          options[:in_umbrella] != true,
          options[:optional] != true,
          source = if(options[:path], do: Path.expand(options[:path], folder), else: Path.join(place, to_string(name))),
          not File.dir?(source),
          do: to_string(name)

    if missing != [],
      do:
        "dependencies are not on this machine: #{Enum.join(missing, ", ")}. Fetch them (MIX_TARGET=kos mix deps.get), or limit them to other targets in mix.exs"
  end

  # A domain is one release; mix itself wants it named in an umbrella.
  defp name!(config, true) do
    case Keyword.keys(config[:releases] || []) do
      [name] ->
        to_string(name)

      names ->
        Mix.raise("""
        This is an umbrella project with #{if names == [], do: "no release", else: "the releases #{inspect(names)}"}; a device's domain is one release. Add to project/0 in mix.exs:

            releases: [my_device: [applications: [my_app: :permanent, my_app_web: :permanent]]]

        Each further release can be a domain of its own: run mix kos.init in that application's folder.\
        """)
    end
  end

  defp name!(config, false), do: to_string(config[:app])

  @doc """
  Environment variables that a runtime.exs reads, in its order: `[{name, required?}]`. Required is what `System.fetch_env!/1` reads, and what
  stands before `|| raise`. Comments do not count. Raises where the file is no Elixir.
  """
  @spec read_variables(Path.t()) :: [{String.t(), boolean()}]
  def read_variables(file) do
    with {:ok, text} <- File.read(file) do
      {_, found} = text |> Code.string_to_quoted!(file: file) |> Macro.prewalk([], &collect/2)
      found = Enum.reverse(found)

      for name <- found |> Enum.map(&elem(&1, 0)) |> Enum.uniq(),
          not String.starts_with?(name, ["RELEASE_", "MIX_"]),
          do: {name, {name, true} in found}
    else
      {:error, :enoent} -> []
      {:error, why} -> Mix.raise("#{file} cannot be read: #{:file.format_error(why)}")
    end
  end

  # The left side is met once more, further down: it is there already then.
  defp collect({:||, _, [left, {:raise, _, _}]} = node, found) do
    case variable(left) do
      nil -> {node, found}
      {name, _} -> {node, [{name, true} | found]}
    end
  end

  defp collect(node, found) do
    case variable(node) do
      nil -> {node, found}
      one -> {node, [one | found]}
    end
  end

  defp variable({{:., _, [{:__aliases__, _, [:System]}, function]}, _, [name | _]})
       when function in [:get_env, :fetch_env, :fetch_env!] and is_binary(name),
       do: {name, function == :fetch_env!}

  defp variable(_), do: nil

  # Phoenix' own names.
  defp value("SECRET_KEY_BASE", _), do: 48 |> :crypto.strong_rand_bytes() |> Base.encode64()
  defp value("PHX_SERVER", _), do: "true"
  defp value("PHX_HOST", _), do: "localhost"
  defp value("PORT", _), do: to_string(@port)
  # ecto_sqlite3's; there is no storage yet that outlives the domain.
  defp value("DATABASE_PATH", name), do: "/tmp/#{name}.db"
  defp value(_, _), do: nil

  @database "the database at DATABASE_PATH is in memory, and gone when the domain restarts. A release has no mix: have the application migrate at its start (Ecto.Migrator in its supervisor)"

  # Beside mix.exs, or of an application of an umbrella.
  defp digests?(folder) do
    file = "priv/static/cache_manifest.json"
    File.regular?(Path.join(folder, file)) or Path.wildcard(Path.join([folder, "apps/*", file])) != []
  end

  defp notes(folder, texts, read, config) do
    config_text = Path.wildcard(Path.join(folder, "config/*.exs")) |> Enum.map_join("\n", &File.read!/1)
    web_notes(folder, texts, read) ++ Nerves.notes(folder, texts, config_text, config)
  end

  defp web_notes(folder, texts, read) do
    Enum.reject(
      [
        if(Enum.any?(texts, &(&1 =~ ~S("assets.deploy"))) and not digests?(folder),
          do:
            "the release takes priv/static as it is. First, and after each change of assets: MIX_ENV=prod mix assets.deploy"
        ),
        if(List.keymember?(read, "PHX_HOST", 0),
          do: "Phoenix takes websockets (LiveView) from PHX_HOST alone: open http://localhost:#{@port}, not an address"
        ),
        if(List.keymember?(read, "DATABASE_PATH", 0), do: @database)
      ],
      &is_nil/1
    )
  end
end
