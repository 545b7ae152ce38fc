defmodule Ledger.BookTest do
  use ExUnit.Case
  alias Kos.Interface

  test "requests as others send them" do
    state = %{reader: self(), total: 5}
    [enter] = Ledger.Idl.Ledger.methods()
    {:ok, request} = Interface.encode(enter.request, %{amount: 40, note: "rent"})

    assert {:reply, :ok, answer, %{total: 45}} =
             Ledger.Idl.Ledger.dispatch(enter.label, request, Ledger.Book, nil, state)

    assert Interface.decode(enter.answer, answer) == {:ok, %{total: 45}}
    assert_received {:entered, 40, "rent"}
  end

  # The server is the test's own, so that nothing is entered before it listens: the native client waits for it.
  @tag :device
  @tag timeout: 120_000
  test "a native client enters" do
    start_supervised!({Ledger.Book, self()})
    assert_receive {:entered, 40, "rent"}, 60_000
    assert_receive {:entered, 2, "tea"}, 60_000
    # What the client has checked: the sums and the error's name.
    assert_receive {:entered, 42, "right"}, 60_000
  end

  @tag :device
  test "a native server answers" do
    {:ok, sensor} = Kos.Port.start_link("sensor")
    assert Ledger.Idl.Sensor.add(sensor, %{by: 40}) == {:ok, %{total: 40}}
    assert Ledger.Idl.Sensor.add(sensor, %{by: 2}) == {:ok, %{total: 42}}
    assert Ledger.Idl.Sensor.add(sensor, %{by: 0xFFFF_FFFF_FFFF_FFFF}) == {:error, :invalid_argument}
    assert Ledger.Idl.Sensor.add(sensor, %{by: -1}) == {:error, :invalid_argument}
    assert Ledger.Idl.Sensor.add(sensor, %{by: 1}) == {:ok, %{total: 43}}
  end
end
