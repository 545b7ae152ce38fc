defmodule Kos.Mix.Terminal do
  @moduledoc """
  Runs a program that uses this terminal.

  The Erlang VM reads the terminal itself, so a program cannot be given it: what is typed is passed on key by key, with the
  terminal's own editing, echo and Ctrl-C turned off while the program runs. They are turned on again however it ends.
  """

  @doc "Returns the program's status. `environment`: map, nil unsets."
  @spec run(Path.t(), [String.t()], map()) :: non_neg_integer()
  def run(program, arguments, environment), do: raw(fn -> relay(program, arguments, environment) end)

  @doc "Calls `fun` with the terminal raw: every key as it is typed, bytes as they are."
  def raw(fun) do
    terminal = terminal()
    saved = terminal && stty(terminal, ["-g"])
    if saved, do: stty(terminal, ["raw", "-echo"])

    :io.setopts(:standard_io, binary: true, encoding: :latin1)

    try do
      fun.()
    after
      :io.setopts(:standard_io, encoding: :unicode)
      if saved, do: stty(terminal, [saved])
    end
  end

  # The device behind standard input; nil if it is none. The VM's children have no controlling terminal.
  defp terminal do
    case File.read_link("/proc/self/fd/0") do
      {:ok, "/dev/" <> name = path} when name != "null" -> if stty(path, ["-g"]), do: path
      _ -> nil
    end
  end

  defp stty(terminal, arguments) do
    case System.cmd("stty", ["-F", terminal | arguments], stderr_to_stdout: true) do
      {text, 0} -> String.trim(text)
      _ -> nil
    end
  end

  defp relay(program, arguments, environment) do
    variables =
      for {name, value} <- environment do
        {String.to_charlist(name), if(value, do: String.to_charlist(value), else: false)}
      end

    port =
      Port.open({:spawn_executable, program}, [
        :binary,
        :exit_status,
        :stderr_to_stdout,
        args: arguments,
        env: variables
      ])

    reader = spawn_link(fn -> read(port) end)

    try do
      loop(port)
    after
      Process.unlink(reader)
      Process.exit(reader, :kill)
    end
  end

  defp loop(port) do
    receive do
      {^port, {:data, data}} ->
        # Bytes as they are: the device's text is encoded already.
        IO.binwrite(:stdio, data)
        loop(port)

      {^port, {:exit_status, status}} ->
        status
    end
  end

  defp read(port) do
    case IO.binread(:stdio, 1) do
      data when is_binary(data) ->
        Port.command(port, data)
        read(port)

      # End of input: the program goes on without.
      _ ->
        :ok
    end
  end
end
