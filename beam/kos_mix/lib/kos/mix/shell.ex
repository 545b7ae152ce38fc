defmodule Kos.Mix.Shell do
  @moduledoc """
  What the tasks have in common: options, steps that say how long they took, running programs.
  """

  @doc """
  Parses a task's arguments. `options`: `OptionParser` switches. Unknown options end the task and name its help.

  With `--help` prints the task's documentation and returns `:help`.
  """
  def parse(task, arguments, options, aliases \\ []) do
    {values, rest, wrong} =
      OptionParser.parse(arguments, strict: [help: :boolean] ++ options, aliases: [h: :help] ++ aliases)

    cond do
      values[:help] ->
        Mix.Task.run("help", [task])
        :help

      wrong != [] ->
        names = Enum.map_join(wrong, ", ", fn {name, value} -> String.trim("#{name} #{value}") end)
        Mix.raise("#{task} does not understand #{names}.\nIts options: mix help #{task}")

      true ->
        {values, rest}
    end
  end

  @doc "Says what begins, does it, says how long it took if that was long."
  def step(text, fun) do
    Mix.shell().info([:green, "* ", :reset, text])
    started = System.monotonic_time(:millisecond)
    result = fun.()
    seconds = (System.monotonic_time(:millisecond) - started) / 1000
    if seconds > 2, do: Mix.shell().info("  #{:erlang.float_to_binary(seconds, decimals: 1)} s")
    result
  end

  @doc """
  Runs a program; its output goes to the terminal, indented, as it comes. Returns its status.

  Options: `:cd`, `:env` (map; a nil value unsets).
  """
  def run(program, arguments, options \\ []) do
    {_, status} =
      System.cmd(program, arguments,
        into: IO.stream(:stdio, :line),
        stderr_to_stdout: true,
        cd: options[:cd] || File.cwd!(),
        env: Enum.to_list(options[:env] || %{})
      )

    status
  end

  @doc "Runs a program and returns `{output, status}`; standard error goes to the terminal."
  def output(program, arguments, options \\ []) do
    System.cmd(program, arguments, cd: options[:cd] || File.cwd!(), env: Enum.to_list(options[:env] || %{}))
  end

  @doc "Runs `./kos` of the tree. Ends the task if it fails: it has said why."
  def kos!(arguments, options \\ []) do
    status = run(Kos.Mix.Home.path!("kos"), arguments, Keyword.put_new(options, :env, front_door_environment()))
    if status != 0, do: Mix.raise("./kos #{hd(arguments)} failed (status #{status}); what is above says why")
    :ok
  end

  @doc "The mix of this VM must not leak into a build that the tree does for itself."
  def front_door_environment do
    names = ~w(MIX_ENV MIX_TARGET MIX_BUILD_PATH MIX_EXS ERL_LIBS)
    # Nor what the release of an application is compiled with, when the tree has to build something in the middle of it.
    for name <- names ++ Map.keys(Kos.Mix.Toolchain.environment()), into: %{}, do: {name, nil}
  end
end
