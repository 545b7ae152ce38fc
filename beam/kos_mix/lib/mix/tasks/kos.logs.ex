defmodule Mix.Tasks.Kos.Logs do
  @moduledoc """
  Shows the log of the running device: lines of all domains, which the log keeps whatever became of who wrote them.

      mix kos.logs [--follow] [--app NAME] [--level LEVEL]

    * `--follow`, `-f` - go on with new lines until Ctrl-C
    * `--app NAME` - of one domain; `root` is the first task
    * `--level LEVEL` - `error`, `warning`, `info` or `debug`: these and worse; `info` unless given

  Needs the development link in system.toml, as `mix kos.new` writes it, and a device started by `mix kos.run`.
  What an Elixir application prints goes to its console, not to the log; so does what it logs with Logger, unless the backend `Kos.Log` of the library
  kos is configured.
  """
  @shortdoc "Shows the log of the running device"
  use Mix.Task
  alias Kos.Mix.{Link, Shell}

  @levels ~w(error warning info debug)
  @colours [:red, :yellow, :normal, :faint]
  @pause_ms 500

  @impl true
  def run(arguments) do
    case Shell.parse("kos.logs", arguments, [follow: :boolean, app: :string, level: :string], f: :follow) do
      :help -> :ok
      {options, []} -> show(options)
      {_, rest} -> Mix.raise("kos.logs takes no #{Enum.join(rest, " ")}; of one domain: --app NAME")
    end
  end

  defp show(options) do
    level =
      Enum.find_index(@levels, &(&1 == (options[:level] || "info"))) ||
        Mix.raise("--level: expected one of #{Enum.join(@levels, ", ")}")

    read(Link.open!(), 0, %{app: options[:app], level: level + 1, follow: options[:follow]})
  end

  defp read(link, sequence, wanted) do
    {lines, [next, lost], link} = Link.command!(link, "logs #{sequence}", "kos.logs")

    if lost != "0" and sequence != 0,
      do: Mix.shell().info([:yellow, "#{lost} lines were overwritten before they were read"])

    for line <- lines, do: print(line, wanted)
    next = String.to_integer(next)

    cond do
      lines != [] -> read(link, next, wanted)
      wanted.follow -> Process.sleep(@pause_ms) && read(link, next, wanted)
      true -> Link.close(link)
    end
  end

  defp print(line, wanted) do
    ["line", _sequence, time, level, name, instance, text] = String.split(line, " ", parts: 7)
    level = String.to_integer(level)

    if level <= wanted.level and wanted.app in [nil, name] do
      writer = if instance == "0", do: name, else: "#{name}##{instance}"
      seconds = :erlang.float_to_binary(String.to_integer(time) / 1_000_000, decimals: 6) |> String.pad_leading(12)
      Mix.shell().info(["|", seconds, " | ", writer, " | ", Enum.at(@colours, level - 1, :normal), text, :reset])
    end
  end
end
