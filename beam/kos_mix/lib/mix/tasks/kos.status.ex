defmodule Mix.Tasks.Kos.Status do
  @moduledoc """
  Lists the domains of the running device: state, instance, how often each was restarted, why it ended last, and whether it runs a version of
  `mix kos.push` in place of the boot image's.

      mix kos.status

  Needs the development link in system.toml, as `mix kos.new` writes it, and a device started by `mix kos.run`.
  """
  @shortdoc "Lists the domains of the running device"
  use Mix.Task
  alias Kos.Mix.{Link, Shell}

  @states ~w(stopped waiting starting ready stopping done)
  # kos_exit_reason
  @reasons [
    "-",
    "done",
    "error",
    "assertion",
    "memory fault",
    "capability fault",
    "illegal instruction",
    "system call",
    "hung",
    "killed",
    "image",
    "out of memory"
  ]

  @impl true
  def run(arguments) do
    case Shell.parse("kos.status", arguments, []) do
      :help -> :ok
      {_, []} -> list()
      {_, rest} -> Mix.raise("kos.status takes no #{Enum.join(rest, " ")}")
    end
  end

  defp list do
    link = Link.open!()
    {lines, _, link} = Link.command!(link, "list", "kos.status")
    Link.close(link)
    row("DOMAIN", "STATE", "INSTANCE", "RESTARTS", "LAST END", "VERSION")

    for line <- lines do
      ["domain", name, state, reason, instance, restarts, pushed] = String.split(line, " ")
      # The supervisor does not supervise itself: root does.
      {state, instance} =
        if name == "appman" and instance == "0", do: {"root's", "-"}, else: {at(@states, state), instance}

      row(name, state, instance, restarts, at(@reasons, reason), version(pushed))
    end
  end

  defp version("0"), do: ""
  defp version(sequence), do: "pushed #{sequence}"

  defp row(name, state, instance, restarts, reason, version) do
    columns = [
      String.pad_trailing(name, 24),
      String.pad_trailing(state, 10),
      String.pad_leading(instance, 8),
      String.pad_leading(restarts, 9)
    ]

    columns = columns ++ [String.pad_trailing(reason, 19), version]
    Mix.shell().info(columns |> Enum.join("  ") |> String.trim_trailing())
  end

  defp at(names, number), do: Enum.at(names, String.to_integer(number), number)
end
