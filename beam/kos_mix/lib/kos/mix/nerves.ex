defmodule Kos.Mix.Nerves do
  @moduledoc """
  What a project of Nerves has that is made for Nerves' own targets, and what takes its place: notes for `mix kos.init` and
  `mix kos.deps.check`. docs/guides/move_an_elixir_project.md has the same as a table.
  """

  @libraries %{
    circuits_gpio: "Kos.Device.GPIO",
    circuits_i2c: "Kos.Device.I2C",
    circuits_spi: "Kos.Device.SPI",
    circuits_uart: "Kos.Device.UART",
    nerves_runtime: "Kos.KV, Kos.Domain",
    vintage_net: "Kos.Net; the network itself is the manifest's",
    ring_logger: "Kos.Log",
    toolshed: "Kos.Helpers",
    nerves_pack: "mix kos.iex, mix kos.push",
    nerves_ssh: "mix kos.iex, mix kos.push",
    nerves_motd: "mix kos.status",
    nerves_hub_link: "mix kos.push",
    nerves_time: "the router's NTP",
    shoehorn: "the application's supervisors",
    nerves: "mix kos.build",
    mdns_lite: nil,
    delux: nil,
    nerves_leds: nil
  }

  @doc "Is there anything of Nerves in it? `texts`: of its mix.exs files."
  @spec nerves?([String.t()], keyword()) :: boolean()
  def nerves?(texts, config) do
    Enum.any?(texts, &(&1 =~ ~r/nerves|:circuits_/)) or
      Enum.any?(dependencies(config), &Map.has_key?(@libraries, elem(&1, 0)))
  end

  @doc "What to change or to know, one text each. `config_text`: all of config/*.exs; `config`: as of `Mix.Project.config/0`."
  @spec notes(Path.t(), [String.t()], String.t(), keyword()) :: [String.t()]
  def notes(folder, texts, config_text, config) do
    if nerves?(texts, config) do
      [bootstrap(texts), target(config_text), kept(config), logger(config_text), hardware(config), overlay(folder)]
      |> Enum.reject(&is_nil/1)
    else
      []
    end
  end

  @doc "Its folder with files for the device, seen from `folder`; nil if there is none."
  @spec overlay_folder(Path.t()) :: String.t() | nil
  def overlay_folder(folder), do: if(File.dir?(Path.join(folder, "rootfs_overlay")), do: "rootfs_overlay")

  @doc "Does this dependency take part in a release for the device?"
  @spec for_device?(keyword()) :: boolean()
  def for_device?(options) do
    :kos in List.wrap(options[:targets] || :kos) and :prod in List.wrap(options[:only] || :prod)
  end

  @doc "`[{name, options}]` of the dependencies in `Mix.Project.config/0`."
  @spec dependencies(keyword()) :: [{atom(), keyword()}]
  def dependencies(config) do
    for dependency <- config[:deps] || [] do
      case dependency do
        {name, options} when is_list(options) -> {name, options}
        {name, _requirement} -> {name, []}
        {name, _requirement, options} -> {name, options}
      end
    end
  end

  defp bootstrap(texts) do
    if Enum.any?(texts, &(&1 =~ "nerves_bootstrap")),
      do:
        "mix.exs wants the archive nerves_bootstrap, which a device of KOS does not need: remove it from `archives`, or mix asks for it"
  end

  # mix nerves.new writes the first form; the second one imports config/rpi0.exs and so on.
  defp target(text) do
    cond do
      text =~ ~r/Mix\.target\(\)\s*==\s*:host/ and text =~ ~S("target.exs") ->
        "config/target.exs is for Nerves' targets: it wants SSH keys, and configures libraries that are not here. In config/config.exs let :kos " <>
          "have a file of its own, config/kos.exs:\n" <>
          ~S|    if Mix.target() in [:host, :kos], do: import_config("#{Mix.target()}.exs"), else: import_config("target.exs")|

      text =~ ~S|import_config "#{Mix.target()}.exs"| ->
        "config/config.exs imports a file for each target: for MIX_TARGET=kos, write config/kos.exs"

      true ->
        nil
    end
  end

  defp kept(config) do
    case for {name, options} <- dependencies(config), ours?(name), for_device?(options), do: name do
      [] ->
        nil

      names ->
        "These dependencies come along although they have nothing to do here: #{Enum.map_join(names, ", ", &replaced/1)}. " <>
          "Limit them to Nerves' own targets: targets: @all_targets"
    end
  end

  defp ours?(name), do: Map.has_key?(@libraries, name) or String.starts_with?(to_string(name), "nerves_system_")

  defp replaced(name) do
    if instead = @libraries[name], do: "#{name} (#{instead})", else: to_string(name)
  end

  defp logger(text) do
    if text =~ "RingLogger",
      do: "the Logger's backend RingLogger is not here: config :logger, backends: [:console, Kos.Log] in config/kos.exs"
  end

  defp hardware(config) do
    if Enum.any?(dependencies(config), fn {name, _} ->
         to_string(name) =~ ~r/^(circuits_|nerves_runtime|vintage_net|nerves_pack)/
       end),
       do:
         "hardware belongs to drivers, which an application calls: there is no /dev/gpiochip0, /dev/i2c-1 or /sys/class. What takes the place of " <>
           "Circuits and of Nerves' libraries says docs/guides/move_an_elixir_project.md (mix kos.docs)"
  end

  defp overlay(folder) do
    if overlay_folder(folder) do
      shell = Path.join(folder, "rootfs_overlay/etc/iex.exs")

      "rootfs_overlay is in the root image (`trees` in root.toml)" <>
        if File.regular?(shell) and File.read!(shell) =~ ~r/Toolshed|NervesMOTD/,
          do:
            "; its etc/iex.exs uses Toolshed or NervesMOTD, which are not: `use Kos.Helpers` takes their place at the prompt",
          else: ""
    end
  end
end
