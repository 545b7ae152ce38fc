defmodule Kos.Mix.ToolchainTest do
  use ExUnit.Case, async: true
  alias Kos.Mix.Toolchain

  test "the device's versions are no problem" do
    assert Toolchain.otp_problem("25", "13.1.5", "1.14.0") == nil
    assert Toolchain.otp_problem("25", "13.1.5", "1.14.5") == nil
  end

  test "another OTP is named, with the device's and the command that mends it" do
    for {otp, erts} <- [{"27", "15.2"}, {"24", "12.3.2"}, {"25", "13.2.2"}] do
      text = Toolchain.otp_problem(otp, erts, "1.14.0")
      assert text =~ "Erlang/OTP is #{otp} (ERTS #{erts})"
      assert text =~ "device's is 25 (ERTS 13.1.5)"
      assert text =~ ~r/apt-get install|PATH=/
    end
  end

  test "an older Elixir is named" do
    assert Toolchain.otp_problem("25", "13.1.5", "1.13.4") =~ "Elixir is 1.13.4; expected ~> 1.14"
  end

  test "the prompt's version of mix itself is the device's" do
    assert Toolchain.check_otp!() == :ok
  end
end
