defmodule Mix.Tasks.Kos.Restart do
  @moduledoc """
  Restarts, stops or starts a domain of the running device; the others are not touched.

      mix kos.restart APP [--stop | --start]

    * `--stop` - it stays down
    * `--start` - after `--stop`, or when it has ended for good

  Needs the development link in system.toml, as `mix kos.new` writes it, and a device started by `mix kos.run`.
  """
  @shortdoc "Restarts, stops or starts a domain"
  use Mix.Task
  alias Kos.Mix.{Link, Project, Shell}

  @impl true
  def run(arguments) do
    case Shell.parse("kos.restart", arguments, stop: :boolean, start: :boolean) do
      :help ->
        :ok

      {[stop: true, start: true], _} ->
        Mix.raise("--stop and --start exclude each other")

      {options, [name]} ->
        order(if(options[:stop], do: "stop", else: if(options[:start], do: "start", else: "restart")), name)

      {_, _} ->
        Mix.raise("kos.restart needs one APP; mix kos.status lists them")
    end
  end

  defp order(verb, name) do
    Project.check_name!(name)
    link = Link.open!()
    {_, _, link} = Link.command!(link, "#{verb} #{name}", "#{verb} of #{name}")
    Link.close(link)
    Mix.shell().info("#{name}: #{verb} is under way; mix kos.status shows it")
  end
end
