defmodule Mix.Tasks.Kos.Iex do
  @moduledoc """
  Elixir's prompt of an application of the running device, on this terminal. Ctrl-A X leaves; the application goes on.

      mix kos.iex

  The application is the one whose app.toml says

      [[uses]]
      port = "devlink_shell"        # in place of "console"

      [parameters]
      console = "devlink_shell"

  and whose root.toml starts at the prompt (`extra = ["--no-halt", "+iex"]`). There is one in a system; others have their prompt on the
  console of `mix kos.run`, or none. Needs the development link in system.toml, as `mix kos.new` writes it.
  """
  @shortdoc "The prompt of an application of the running device"
  use Mix.Task
  alias Kos.Mix.{Link, Shell, Terminal}

  @leave "\x01"
  @most_keys 256
  @pause_ms 50

  @impl true
  def run(arguments) do
    case Shell.parse("kos.iex", arguments, []) do
      :help -> :ok
      {_, []} -> attach()
      {_, rest} -> Mix.raise("kos.iex takes no #{Enum.join(rest, " ")}")
    end
  end

  defp attach do
    link = Link.open!()
    Mix.shell().info("The prompt of the device; Ctrl-A X leaves")
    owner = self()

    Terminal.raw(fn ->
      reader = spawn_link(fn -> keys(owner) end)

      try do
        # A key that does nothing but show the prompt again.
        exchange(link, "\f")
      after
        Process.unlink(reader)
        Process.exit(reader, :kill)
      end
    end)

    Mix.shell().info("")
  end

  defp keys(owner) do
    case IO.binread(:stdio, 1) do
      data when is_binary(data) -> send(owner, {:key, data}) && keys(owner)
      _ -> send(owner, :end_of_input)
    end
  end

  defp exchange(link, typed) do
    {lines, _, link} = Link.command!(link, "shell " <> Base.encode16(typed, case: :lower), "kos.iex")
    for "data " <> hex <- lines, do: IO.binwrite(:stdio, Base.decode16!(hex, case: :lower))

    case collect("", false) do
      :leave -> Link.close(link)
      more -> exchange(link, more)
    end
  end

  # What has been typed meanwhile; waits a moment if nothing was.
  defp collect(typed, escaped?) do
    receive do
      {:key, key} when escaped? and key in ["x", "X"] -> :leave
      {:key, @leave} when not escaped? -> collect(typed, true)
      {:key, key} when byte_size(typed) < @most_keys -> collect(typed <> key, false)
      :end_of_input -> :leave
    after
      if(typed == "", do: @pause_ms, else: 0) -> if escaped?, do: collect(typed, true), else: typed
    end
  end
end
