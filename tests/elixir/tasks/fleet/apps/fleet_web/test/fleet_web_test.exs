defmodule FleetWebTest do
  use ExUnit.Case

  test "stands beside the other application" do
    assert {:module, Fleet} = Code.ensure_loaded(Fleet)
    assert {:module, FleetWeb} = Code.ensure_loaded(FleetWeb)
  end
end
