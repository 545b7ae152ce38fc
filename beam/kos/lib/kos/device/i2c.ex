defmodule Kos.Device.I2C do
  @moduledoc """
  An I2C bus behind a driver (`idl/i2c.capnp`), named as in Circuits. The bus is a port: one of those whose names begin with `i2c`,
  or any other of the interface.

      {:ok, bus} = Kos.Device.I2C.open("i2c1")
      {:ok, <<id>>} = Kos.Device.I2C.write_read(bus, 0x76, <<0xD0>>, 1)
      :ok = Kos.Device.I2C.write(bus, 0x76, [<<0xF4, 0x27>>])

  Errors are `{:error, reason}`: `:i2c_nak` where nobody acknowledges the address, `:unauthorized` for one that the driver's manifest does not
  give this domain, `:timeout`, `:peer_gone`. Addresses have 7 bits, data at most 2048 bytes.
  """
  alias Kos.{Device, Interface, Port}

  @type bus :: pid
  @type address :: 0..127
  @callback open(String.t()) :: {:ok, bus} | {:error, term}
  @callback read(bus, address, pos_integer) :: {:ok, binary} | {:error, term}
  @callback write(bus, address, iodata) :: :ok | {:error, term}
  @callback write_read(bus, address, iodata, pos_integer) :: {:ok, binary} | {:error, term}
  @callback close(bus) :: :ok

  # As tools/idl makes it of idl/i2c.capnp (tests/elixir/library compares).
  @transfer %{
    name: :transfer,
    label: 1,
    one_way: false,
    request: %{
      registers: true,
      fixed: 4,
      variable_at: 0,
      payload_max: 2048,
      fields: [{:address, {:unsigned, 2}, 0}, {:read, {:unsigned, 2}, 2}, {:write, {:data, 2048}, 0}]
    },
    answer: %{registers: true, fixed: 0, variable_at: 0, payload_max: 2048, fields: [{:data, {:data, 2048}, 0}]}
  }

  @doc "Ports of this domain whose names begin with `i2c`."
  @spec bus_names :: [String.t()]
  def bus_names, do: Device.names("i2c")

  def open(name), do: Device.open(name)

  def read(bus, address, count), do: transfer(bus, address, "", count)

  def write(bus, address, data) do
    with {:ok, _} <- transfer(bus, address, IO.iodata_to_binary(data), 0), do: :ok
  end

  def write_read(bus, address, data, count), do: transfer(bus, address, IO.iodata_to_binary(data), count)

  def close(bus), do: Device.close(bus)

  @doc "Addresses (0x08 to 0x77) at which a byte can be read. Devices that must not be read from are disturbed by that."
  @spec detect_devices(bus) :: [address]
  def detect_devices(bus), do: for(address <- 0x08..0x77, match?({:ok, _}, read(bus, address, 1)), do: address)

  @doc false
  def methods, do: [@transfer]

  @spec transfer(bus, address, binary, non_neg_integer) :: {:ok, binary} | Port.error()
  defp transfer(bus, address, data, count) when address in 0..127 and count in 0..2048 do
    case Interface.call(bus, @transfer, %{address: address, read: count, write: data}, []) do
      {:ok, %{data: answer}} when byte_size(answer) == count -> {:ok, answer}
      {:ok, _} -> {:error, :peer_invalid}
      {:error, :not_found} -> {:error, :i2c_nak}
      error -> error
    end
  end
end
