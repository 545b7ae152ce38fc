defmodule FleetTest do
  use ExUnit.Case

  @tag :device
  test "the native part is the device's", do: assert(Fleet.Nif.machine() == :aarch64)

  test "the application has been started" do
    assert {:fleet, _, _} = List.keyfind(Application.started_applications(), :fleet, 0)
  end
end
