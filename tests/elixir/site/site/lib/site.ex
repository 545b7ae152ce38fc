defmodule Site do
  require Logger

  @doc "What is at a path."
  def page(path) do
    Logger.info("GET #{path}")
    page(path, Application.fetch_env!(:site, :database))
  end

  # The server dies, and its supervisor begins it again.
  defp page("/kill", _), do: Process.exit(Process.whereis(PlugCowboy), :kill) && "killed"
  defp page("/database", file), do: File.write!(file, "kept") && File.read!(file)
  defp page("/", _), do: "one #{inspect(self())} #{:os.getpid()}"
  defp page(_, _), do: "nothing"
end
