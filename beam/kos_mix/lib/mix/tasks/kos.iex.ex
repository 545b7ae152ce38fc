defmodule Mix.Tasks.Kos.Iex do
  @moduledoc """
  Elixir's prompt of an application of the running device, on this terminal. Ctrl-A X leaves; the application goes on.

      mix kos.iex [APP]

  `APP` is needed if there are several. An application has its prompt here if its app.toml says

      [[uses]]
      port = "devlink_shell"        # in place of "console"

      [parameters]
      console = "devlink_shell"

  and its root.toml starts at the prompt (`extra = ["--no-halt", "+iex"]`), as `mix kos.new_app NAME --iex` writes them. Others have their
  prompt on the console of `mix kos.run`, or none. Needs the development link in system.toml, as `mix kos.new` writes it.
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
      {_, []} -> attach(nil)
      {_, [name]} -> attach(name)
      {_, _} -> Mix.raise("kos.iex takes one APP: mix kos.iex my_app")
    end
  end

  defp attach(wanted) do
    {name, link} = Link.open!() |> choose(wanted)
    Mix.shell().info("The prompt of #{name}; Ctrl-A X leaves")
    owner = self()

    Terminal.raw(fn ->
      reader = spawn_link(fn -> keys(owner) end)

      try do
        # A key that does nothing but show the prompt again.
        exchange(link, name, "\f")
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

  defp choose(link, wanted) do
    {lines, _, link} = Link.command!(link, "shells", "kos.iex")
    names = for "shell " <> name <- lines, do: name

    cond do
      names == [] ->
        Mix.raise(
          "No application of the device has its prompt at the development link. mix kos.new_app NAME --iex makes one; mix help kos.iex says what it takes"
        )

      wanted in names ->
        {wanted, link}

      wanted == nil and length(names) == 1 ->
        {hd(names), link}

      wanted == nil ->
        Mix.raise("Several applications have a prompt: mix kos.iex APP, where APP is one of #{Enum.join(names, ", ")}")

      true ->
        Mix.raise("#{wanted} has no prompt at the development link; those that have: #{Enum.join(names, ", ")}")
    end
  end

  defp exchange(link, name, typed) do
    {lines, _, link} = Link.command!(link, "shell #{name} " <> Base.encode16(typed, case: :lower), "kos.iex")
    for "data " <> hex <- lines, do: IO.binwrite(:stdio, Base.decode16!(hex, case: :lower))

    case collect("", false) do
      :leave -> Link.close(link)
      more -> exchange(link, name, more)
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
