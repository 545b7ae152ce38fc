defmodule Mix.Tasks.Kos.Trace do
  @moduledoc """
  Boots the device with the system calls of one Elixir application traced: each is a line on the console, with its arguments and its
  result. Ctrl-A X leaves.

      mix kos.trace APP [--sel4 PATH] [--cores N] [--timeout S] [--no-build]

  The options are those of `mix kos.run`. It takes a parameter `trace` in the application's app.toml, as `mix kos.new` writes it. A traced
  application is slower by orders of magnitude. Messages between domains are not traced.
  """
  @shortdoc "Boots with an application's system calls traced"
  use Mix.Task
  alias Kos.Mix.{Project, Shell}

  @impl true
  def run(arguments) do
    switches = [sel4: :string, cores: :integer, timeout: :integer, build: :boolean]

    case Shell.parse("kos.trace", arguments, switches) do
      :help -> :ok
      {options, [name]} -> trace(name, options)
      {_, _} -> Mix.raise("kos.trace needs one APP: mix kos.trace my_app\nIts options: mix help kos.trace")
    end
  end

  defp trace(name, options) do
    app = Project.app!(Project.find!(), name)

    cond do
      app.kind != :mix ->
        Mix.raise(
          "#{name} is native: it makes no system calls of Linux. Its lines in the log: mix kos.logs --app #{name}"
        )

      not (File.read!(Path.join(app.folder, "app.toml")) =~ ~r/^trace\s*=/m) ->
        Mix.raise(
          "#{Project.relative(app.folder)}/app.toml has no parameter trace. Add to it:\n\n[parameters]\ntrace = 0"
        )

      true ->
        Mix.Tasks.Kos.Run.boot(options, ["--parameter", "#{name}.trace=1"])
    end
  end
end
