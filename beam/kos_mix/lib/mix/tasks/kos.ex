defmodule Mix.Tasks.Kos do
  @moduledoc """
  Lists the tasks of KOS and says which tree they use.

      mix kos
  """
  @shortdoc "Lists the tasks of KOS"
  use Mix.Task

  @impl true
  def run(arguments) do
    with {_, _} <- Kos.Mix.Shell.parse("kos", arguments, []) do
      Mix.shell().info("KOS in #{Kos.Mix.Home.path!()}\n")
      Mix.Task.run("help", ["--search", "kos."])
    end
  end
end
