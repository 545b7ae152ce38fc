defmodule Kos.Mix.Adopt do
  @moduledoc """
  What an Elixir project that knows nothing of KOS needs: found in its files, so that `mix kos.init` can write it down.
  """

  defstruct [:name, :umbrella?, :port, :variables, :notes]

  @servers ~r/\{\s*:(phoenix|bandit|plug_cowboy|cowboy)\b/
  @variable ~r/System\.(?:get_env|fetch_env!?)\(\s*"([A-Z][A-Z0-9_]*)"/
  @port 4000

  @doc "Looks at the project in `folder`, whose `Mix.Project.config/0` is `config`. Raises, saying what to do, if it cannot be a domain."
  @spec look(Path.t(), keyword()) :: %__MODULE__{}
  def look(folder, config) do
    umbrella? = config[:apps_path] != nil
    texts = for file <- mix_files(folder, config), do: File.read!(file)

    %__MODULE__{
      name: name!(config, umbrella?),
      umbrella?: umbrella?,
      port: if(Enum.any?(texts, &(&1 =~ @servers)), do: @port),
      variables: variables(Path.join(folder, "config/runtime.exs")),
      notes: notes(folder, texts)
    }
  end

  defp mix_files(folder, config) do
    apps = if path = config[:apps_path], do: Path.wildcard(Path.join([folder, path, "*/mix.exs"])), else: []
    [Path.join(folder, "mix.exs") | apps]
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
  Environment variables that a runtime.exs reads, with what they may be on a device: `[{name, value}]`; nil where only the
  maker of the project knows.
  """
  @spec variables(Path.t()) :: [{String.t(), String.t() | nil}]
  def variables(file) do
    case File.read(file) do
      {:ok, text} ->
        names = @variable |> Regex.scan(text, capture: :all_but_first) |> List.flatten() |> Enum.uniq()
        for name <- names, not String.starts_with?(name, ["RELEASE_", "MIX_"]), do: {name, value(name)}

      {:error, _} ->
        []
    end
  end

  # Phoenix' own names.
  defp value("SECRET_KEY_BASE"), do: 48 |> :crypto.strong_rand_bytes() |> Base.encode64()
  defp value("PHX_SERVER"), do: "true"
  defp value("PHX_HOST"), do: "localhost"
  defp value("PORT"), do: to_string(@port)
  defp value(_), do: nil

  defp notes(folder, texts) do
    config = Path.wildcard(Path.join(folder, "config/*.exs")) |> Enum.map_join("\n", &File.read!/1)

    Enum.reject(
      [
        if(Enum.any?(texts, &(&1 =~ "nerves_bootstrap")),
          do:
            "mix.exs wants the archive nerves_bootstrap, which a device of KOS does not need: remove it from `archives`, or mix asks for it"
        ),
        if(config =~ ~S|import_config "#{Mix.target()}.exs"| and not File.exists?(Path.join(folder, "config/kos.exs")),
          do: "config/config.exs imports a file for each target: for MIX_TARGET=kos, write config/kos.exs"
        )
      ],
      &is_nil/1
    )
  end
end
