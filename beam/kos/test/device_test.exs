defmodule Kos.DeviceTest do
  use ExUnit.Case
  alias Kos.Device.{I2C, SPI, UART}
  alias Kos.Fake

  setup do
    {:ok, root: Fake.start()}
  end

  # A bus with one device at 0x76, whose register 0xD0 is its number: what a driver of idl/i2c.capnp answers.
  defp bus do
    test = self()

    Fake.port("i2c1", fn record ->
      <<address::little-16, count::little-16, _::binary>> = <<record.param::little-64>>
      send(test, {:transfer, address, count, record.payload})

      case {address, record.payload} do
        {0x76, <<0xD0>>} -> [Fake.reply(record, param: 0, payload: binary_part(<<0x58, 0x59, 0x5A>>, 0, count))]
        {0x76, _} -> [Fake.reply(record, param: 0, payload: :binary.copy(<<1>>, count))]
        {0x40, _} -> [Fake.reply(record, param: 0, payload: "not as many")]
        _ -> [Fake.reply(record, label: 147)]
      end
    end)

    {:ok, bus} = I2C.open("i2c1")
    bus
  end

  test "I2C" do
    bus = bus()
    assert I2C.bus_names() == ["i2c1"]
    assert I2C.write_read(bus, 0x76, <<0xD0>>, 2) == {:ok, <<0x58, 0x59>>}
    assert_received {:transfer, 0x76, 2, <<0xD0>>}
    assert I2C.read(bus, 0x76, 3) == {:ok, <<1, 1, 1>>}
    assert I2C.write(bus, 0x76, [<<0xF4>>, "ab"]) == :ok
    assert_received {:transfer, 0x76, 0, <<0xF4, "ab">>}
    assert I2C.read(bus, 0x10, 1) == {:error, :i2c_nak}
    assert I2C.read(bus, 0x40, 1) == {:error, :peer_invalid}
    assert I2C.detect_devices(bus) == [0x76]
    assert_raise FunctionClauseError, fn -> I2C.read(bus, 0x80, 1) end
    assert I2C.write(bus, 0x76, :binary.copy("x", 2049)) == {:error, :invalid_argument}
    assert I2C.close(bus) == :ok
    assert I2C.close(bus) == :ok
  end

  test "SPI" do
    Fake.port("spi0_adc", fn
      %{label: 1, payload: "short"} = record ->
        [Fake.reply(record, param: 0, payload: "?")]

      %{label: 1} = record ->
        [Fake.reply(record, param: 0, payload: Fake.backwards(record.payload))]

      %{label: 2} = record ->
        <<param::little-64, word::little-64>> = <<1_000_000::little-32, 10::little-32, 3, 8, 1, 0, 0::32>>
        [Fake.reply(record, param: param, words: {word, 0}, flags: [:words])]
    end)

    {:ok, adc} = SPI.open("spi0_adc")
    assert SPI.bus_names() == ["spi0_adc"]
    assert SPI.transfer(adc, [<<1>>, <<2>>]) == {:ok, <<2, 1>>}
    assert SPI.transfer(adc, "short") == {:error, :peer_invalid}
    assert SPI.config(adc) == {:ok, %{speed_hz: 1_000_000, delay_us: 10, mode: 3, bits_per_word: 8, lsb_first: true}}
    assert SPI.close(adc) == :ok
  end

  # A line that gives back what is written, with room for three bytes at a time.
  defp line(name) do
    {:ok, kept} = Agent.start_link(fn -> "" end)

    Fake.port(name, fn
      %{label: 2} = record ->
        count = min(byte_size(record.payload), 3)
        Agent.update(kept, &(&1 <> binary_part(record.payload, 0, count)))
        [Fake.reply(record, param: count)]

      %{label: 3} = record ->
        case Agent.get_and_update(kept, &{&1, ""}) do
          "" -> [Fake.reply(record, label: 152)]
          data -> [Fake.reply(record, param: 0, payload: data)]
        end
    end)
  end

  test "UART, passive" do
    line("uart_modem")
    assert Map.keys(UART.enumerate()) == ["uart_modem"]
    {:ok, uart} = UART.start_link()
    assert UART.write(uart, "x") == {:error, :ebadf}
    assert UART.open(uart, "uart_modem", active: false) == :ok
    assert UART.open(uart, "uart_modem") == {:error, :eagain}
    assert UART.write(uart, ["hello", " world"]) == :ok
    assert UART.read(uart, 1000) == {:ok, "hello world"}
    assert UART.read(uart, 0) == {:ok, ""}
    assert UART.close(uart) == :ok
  end

  test "UART, active" do
    line("uart_modem")
    {:ok, uart} = UART.start_link()
    assert UART.open(uart, "uart_modem") == :ok
    assert UART.read(uart) == {:error, :active}
    assert UART.write(uart, "AT") == :ok
    assert_receive {:circuits_uart, "uart_modem", "AT"}, 2000
  end

  test "without a driver" do
    assert {I2C.bus_names(), SPI.bus_names(), UART.enumerate()} == {[], [], %{}}
    assert I2C.open("i2c1") == {:error, :no_driver}
    assert SPI.open("spi0") == {:error, :no_driver}
    {:ok, uart} = UART.start_link()
    assert UART.open(uart, "uart_modem") == {:error, :no_driver}
  end
end
