defmodule <%= @module %>Test do
  # `mix test` runs this on your machine, `mix kos.test` on the device.
  use ExUnit.Case
  doctest <%= @module %>

  test "beats" do
    heart = start_supervised!({<%= @module %>.Heart, interval_ms: 10, name: :test_heart})
    Process.sleep(200)
    assert <%= @module %>.Heart.beats(heart) > 0
  end

  test "is supervised" do
    before = Process.whereis(<%= @module %>.Heart)
    monitor = Process.monitor(before)
    Process.exit(before, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^before, :killed}, 5000
    assert eventually(fn -> Process.whereis(<%= @module %>.Heart) not in [nil, before] end)
  end

  @tag :device
  test "runs on KOS's own BEAM" do
    assert :erlang.system_info(:system_architecture) |> to_string() =~ "aarch64"
  end

  defp eventually(fun, tries \\ 100) do
    fun.() or (tries > 0 and Process.sleep(50) && eventually(fun, tries - 1))
  end
end
