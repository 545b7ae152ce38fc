defmodule Kos.Device.SPI do
  @moduledoc """
  A device on an SPI bus behind a driver (`idl/spi.capnp`), named as in Circuits. The port is one device: speed, mode and chip select are the
  driver's, from its manifest.

      {:ok, adc} = Kos.Device.SPI.open("spi0_adc")
      {:ok, <<_::6, value::10>>} = Kos.Device.SPI.transfer(adc, <<0x78, 0x00>>)

  At most 4000 bytes for each transfer; the answer has as many.
  """
  alias Kos.{Device, Interface}

  @type bus :: pid
  @callback open(String.t()) :: {:ok, bus} | {:error, term}
  @callback transfer(bus, iodata) :: {:ok, binary} | {:error, term}
  @callback config(bus) :: {:ok, map} | {:error, term}
  @callback close(bus) :: :ok

  # As tools/idl makes them of idl/spi.capnp (tests/elixir/library compares).
  @transfer %{
    name: :transfer,
    label: 1,
    one_way: false,
    request: %{registers: true, fixed: 0, variable_at: 0, payload_max: 4000, fields: [{:send, {:data, 4000}, 0}]},
    answer: %{registers: true, fixed: 0, variable_at: 0, payload_max: 4000, fields: [{:data, {:data, 4000}, 0}]}
  }
  @settings [
    {:speed_hz, {:unsigned, 4}, 0},
    {:delay_us, {:unsigned, 4}, 4},
    {:mode, {:unsigned, 1}, 8},
    {:bits_per_word, {:unsigned, 1}, 9},
    {:lsb_first, :bool, 10},
    {:reserved, {:unsigned, 1}, 11},
    {:reserved2, {:unsigned, 4}, 12}
  ]
  @config %{
    name: :config,
    label: 2,
    one_way: false,
    request: %{registers: true, fixed: 0, variable_at: 0, payload_max: 0, fields: []},
    answer: %{
      registers: true,
      fixed: 16,
      variable_at: 0,
      payload_max: 0,
      fields: [{:config, {:struct, 16, @settings}, 0}]
    }
  }

  @doc "Ports of this domain whose names begin with `spi`."
  @spec bus_names :: [String.t()]
  def bus_names, do: Device.names("spi")

  def open(name), do: Device.open(name)

  def transfer(bus, data) do
    data = IO.iodata_to_binary(data)

    case Interface.call(bus, @transfer, %{send: data}, []) do
      {:ok, %{data: answer}} when byte_size(answer) == byte_size(data) -> {:ok, answer}
      {:ok, _} -> {:error, :peer_invalid}
      error -> error
    end
  end

  @doc false
  def methods, do: [@transfer, @config]

  @doc "`%{speed_hz: ..., delay_us: ..., mode: 0..3, bits_per_word: ..., lsb_first: ...}`"
  def config(bus) do
    with {:ok, %{config: config}} <- Interface.call(bus, @config, %{}, []),
         do: {:ok, Map.drop(config, [:reserved, :reserved2])}
  end

  def close(bus), do: Device.close(bus)
end
