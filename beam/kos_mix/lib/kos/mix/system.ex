defmodule Kos.Mix.System do
  @moduledoc """
  Options that choose the kernel, and the step in which the tree builds a system.
  """
  alias Kos.Mix.{Home, Shell}

  @doc "Arguments of `./kos` for a task's --sel4 and --cores."
  def kernel(options) do
    sel4 = if path = options[:sel4], do: ["--sel4", Path.expand(path)], else: []
    cores = if count = options[:cores], do: ["--cores", to_string(count)], else: []
    sel4 ++ cores
  end

  @doc "A step; says beforehand if the platform has to be compiled first."
  def step(text, fun) do
    unless File.exists?(Home.path!("build/target/apps/linux.elf")) do
      Mix.shell().info([:yellow, "* ", :reset, "The platform is compiled first: once, some minutes"])
    end

    Shell.step(text, fun)
  end
end
