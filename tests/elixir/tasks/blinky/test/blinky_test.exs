defmodule BlinkyTest do
  use ExUnit.Case

  test "it blinks, and the line follows" do
    {before, _} = Blinky.state()
    Process.sleep(300)
    {changes, true} = Blinky.state()
    assert changes > before
  end

  @tag :device
  test "the target, the overlay and the driver are there" do
    assert Application.fetch_env!(:blinky, :target) == :kos
    assert File.read!("/etc/blinky.conf") == "line=1\n"
    assert {:ok, [1, 2]} = Kos.Device.GPIO.enumerate()
  end

  @tag :device
  test "the words of its vm.args" do
    assert ["--no-halt" | more] = Enum.map(:init.get_plain_arguments(), &to_string/1)
    assert Enum.take(more, -2) == ["--dot-iex", "/etc/iex.exs"]
    assert {:ok, [['interactive']]} = :init.get_argument(:mode)
    # It would be started by a shell, which this image has not.
    assert :init.get_argument(:heart) == :error
  end
end
