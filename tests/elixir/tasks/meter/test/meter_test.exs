defmodule MeterTest do
  use ExUnit.Case

  test "the native part counts" do
    first = Meter.pulse()
    # config/runtime.exs says 5, here and on the device.
    assert Meter.pulse() == first + 5
  end

  test "the native part is for the machine that it runs on" do
    assert to_string(:erlang.system_info(:system_architecture)) =~ to_string(Meter.Nif.machine())
  end

  test "OTP's own native parts work" do
    assert byte_size(:crypto.hash(:sha256, "kos")) == 32
  end
end
