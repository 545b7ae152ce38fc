defmodule Mix.Tasks.Kos.Docs do
  @moduledoc """
  Says where the documentation is, or makes it as HTML.

      mix kos.docs [--html]

    * `--html` - make the HTML pages (`./kos docs`) and say where they begin
  """
  @shortdoc "Where the documentation is"
  use Mix.Task
  alias Kos.Mix.{Home, Shell}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.docs", arguments, html: :boolean) do
      :help -> :ok
      {[html: true], []} -> Shell.step("Documentation", fn -> Shell.kos!(["docs"]) end)
      {_, []} -> list()
      {_, rest} -> Mix.raise("kos.docs takes no #{Enum.join(rest, " ")}")
    end
  end

  defp list do
    home = Home.path!()

    for file <- ["README.md"] ++ Enum.flat_map(~w(docs/start docs/guides docs), &pages(home, &1)) do
      Mix.shell().info("#{Path.join(home, file)}\n    #{title(Path.join(home, file))}")
    end
  end

  defp pages(home, folder) do
    for file <- Path.wildcard(Path.join([home, folder, "*.md"])), do: Path.relative_to(file, home)
  end

  defp title(file) do
    file
    |> File.stream!()
    |> Enum.find("", &String.starts_with?(&1, "# "))
    |> String.trim_leading("# ")
    |> String.trim()
  end
end
