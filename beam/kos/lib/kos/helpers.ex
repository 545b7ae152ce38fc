defmodule Kos.Helpers do
  @moduledoc """
  What one types at the prompt of a device. `use Kos.Helpers` in `.iex.exs` imports all of it.

  Each prints and returns `:"do not show this result in output"`, as IEx's own helpers do. What the manifest does not let this
  domain ask is said in words.
  """
  @quiet :"do not show this result in output"

  defmacro __using__(_) do
    quote do
      import Kos.Helpers
      IO.puts("KOS helpers: cat dmesg domains ifconfig params ports top tree uptime")
    end
  end

  @doc "All domains of the system, by the supervisor."
  def domains do
    show(Kos.Domain.list(), "appman", fn entries ->
      row(["NUMBER", "NAME", "STATE", "INSTANCE", "RESTARTS", "LAST END"], [7, 20, 9, 9, 9, 0])

      for entry <- entries do
        fields = [entry.number, entry.name, entry.state, entry.instance, entry.restarts, entry.last_reason]
        row(fields, [7, 20, 9, 9, 9, 0])
      end
    end)
  end

  @doc "Ports that this domain may use."
  def ports do
    Enum.each(Kos.ports(), &IO.puts/1)
    @quiet
  end

  @doc "The manifest's parameters of this domain."
  def params do
    for {name, value} <- Enum.sort(Kos.KV.get_all()), do: IO.puts("#{name} = #{value}")
    @quiet
  end

  @doc "The last lines of the system's log, for a domain that may read it."
  def dmesg(count \\ 40), do: show(all_lines(0, []), "log", &print_lines(Enum.take(&1, -count)))

  defp all_lines(from, done) do
    case Kos.Log.read(from) do
      {:ok, next, _lost, lines} when next > from -> all_lines(next, done ++ lines)
      {:error, reason} when reason != :empty and done == [] -> {:error, reason}
      _ -> {:ok, done}
    end
  end

  defp print_lines(lines) do
    names = %{1 => "error: ", 2 => "warning: ", 4 => "debug: "}
    for line <- lines, do: IO.puts("#{line.domain}##{line.instance} | #{names[line.level]}#{line.text}")
  end

  @doc "The network: the device's own side, then this machine's interfaces."
  def ifconfig do
    case Kos.Net.uplink() do
      {:ok, up} ->
        IO.puts("device: #{up.state} #{ip(up.address4)}/#{up.prefix4} gateway #{ip(up.gateway4)} #{up.mac}")

        IO.puts(
          "  in #{up.packets_in} packets #{up.bytes_in} bytes, out #{up.packets_out} packets #{up.bytes_out} bytes"
        )

      {:error, reason} ->
        IO.puts("device: not known (#{reason}; port net_status)")
    end

    case :inet.getifaddrs() do
      {:ok, interfaces} ->
        for {name, about} <- interfaces do
          IO.puts("#{name}: " <> Enum.map_join(Keyword.get_values(about, :addr), " ", &ip/1))
        end

      {:error, reason} ->
        IO.puts("interfaces: #{:inet.format_error(reason)}")
    end

    @quiet
  end

  @doc "The busiest processes of this BEAM: memory, mailbox, reductions."
  def top(count \\ 10) do
    row(["PID", "NAME", "MEMORY", "MAILBOX", "REDUCTIONS"], [14, 32, 10, 8, 0])

    Process.list()
    |> Enum.map(&{&1, Process.info(&1, [:registered_name, :initial_call, :memory, :message_queue_len, :reductions])})
    |> Enum.reject(fn {_, info} -> info == nil end)
    |> Enum.sort_by(fn {_, info} -> -info[:reductions] end)
    |> Enum.take(count)
    |> Enum.each(fn {pid, info} ->
      name = if info[:registered_name] in [[], nil], do: inspect(info[:initial_call]), else: info[:registered_name]
      row([inspect(pid), name, info[:memory], info[:message_queue_len], info[:reductions]], [14, 32, 10, 8, 0])
    end)

    @quiet
  end

  @doc "How long this BEAM and its domain's processes have been running."
  def uptime do
    {milliseconds, _} = :erlang.statistics(:wall_clock)
    about = Kos.Domain.self()
    instance = if about, do: ", #{about.name} instance #{about.instance}", else: ""
    IO.puts("up #{duration(div(milliseconds, 1000))}#{instance}")
    @quiet
  end

  @doc """
  Seconds as a reader has them.

      iex> Kos.Helpers.duration(93_784)
      "1 d 02:03:04"
      iex> Kos.Helpers.duration(59)
      "00:00:59"
  """
  @spec duration(non_neg_integer) :: String.t()
  def duration(seconds) do
    pad = &String.pad_leading(Integer.to_string(&1), 2, "0")
    clock = "#{pad.(seconds |> div(3600) |> rem(24))}:#{pad.(seconds |> div(60) |> rem(60))}:#{pad.(rem(seconds, 60))}"
    if seconds >= 86_400, do: "#{div(seconds, 86_400)} d #{clock}", else: clock
  end

  @doc "A file's text."
  def cat(path) do
    case File.read(path) do
      {:ok, text} -> IO.write(text)
      {:error, reason} -> IO.puts("#{path}: #{:file.format_error(reason)}")
    end

    @quiet
  end

  @doc "A folder and what is below it, at most `depth` deep."
  def tree(path \\ ".", depth \\ 3) do
    IO.puts(path)
    branches(path, "", depth)
    @quiet
  end

  defp branches(_path, _indent, 0), do: :ok

  defp branches(path, indent, depth) do
    case File.ls(path) do
      {:ok, names} ->
        names = Enum.sort(names)

        for {name, index} <- Enum.with_index(names, 1) do
          is_last = index == length(names)
          IO.puts("#{indent}#{if is_last, do: "`-- ", else: "|-- "}#{name}")
          below = Path.join(path, name)
          is_folder = match?({:ok, %{type: :directory}}, File.lstat(below))
          if is_folder, do: branches(below, indent <> if(is_last, do: "    ", else: "|   "), depth - 1)
        end

      {:error, reason} ->
        IO.puts("#{indent}#{:file.format_error(reason)}")
    end
  end

  defp show({:ok, entries}, _port, print) do
    print.(entries)
    @quiet
  end

  defp show({:error, :not_granted}, port, _print), do: say("the manifest does not give this domain the port #{port}")
  defp show({:error, :unauthorized}, port, _print), do: say("#{port} does not tell this domain")
  defp show({:error, reason}, port, _print), do: say("#{port}: #{inspect(reason)}")

  defp say(text) do
    IO.puts(text)
    @quiet
  end

  defp row(fields, widths) do
    fields
    |> Enum.zip(widths)
    |> Enum.map_join(" ", fn {field, width} -> String.pad_trailing("#{field}", width) end)
    |> IO.puts()
  end

  defp ip(nil), do: "-"
  defp ip(address), do: address |> :inet.ntoa() |> to_string()
end
