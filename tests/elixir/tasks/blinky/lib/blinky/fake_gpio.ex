defmodule Blinky.FakeGpio do
  @moduledoc "A line of the developer's machine."

  def open(_line, :output, initial_value: value), do: Agent.start_link(fn -> value end)
  def write(line, value), do: Agent.update(line, fn _ -> value end)
  def read(line), do: Agent.get(line, & &1)
end
