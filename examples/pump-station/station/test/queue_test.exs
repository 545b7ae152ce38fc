defmodule Station.Web.QueueTest do
  use ExUnit.Case
  alias Station.Web.Queue

  defp waiting, do: spawn_link(fn -> Process.sleep(:infinity) end)

  test "the oldest that is still there" do
    Queue.new()
    assert Queue.oldest() == nil
    [first, second, third] = for _ <- 1..3, do: waiting()
    Enum.each([first, second, third], &Queue.add/1)
    assert Queue.oldest() == first
    Queue.remove(first)
    assert Queue.oldest() == second
    Process.unlink(second)
    Process.exit(second, :kill)
    refute Process.alive?(second)
    assert Queue.oldest() == third
  end
end
