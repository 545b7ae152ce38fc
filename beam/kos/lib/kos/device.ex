defmodule Kos.Device do
  @moduledoc """
  Devices through their drivers, by the names that users of Circuits know.

  A driver is a domain that serves a port; which device a client may use says the manifest. `Kos.Device.GPIO` speaks `idl/gpio.capnp`
  (there is a driver for the PL061), `Kos.Device.UART` `idl/console.capnp` (PL011, virtio console), `Kos.Device.I2C` and
  `Kos.Device.SPI` `idl/i2c.capnp` and `idl/spi.capnp`: for these the tree has no driver, because QEMU's board has no such
  controller. A driver for a board is a native application that serves the port; everything here works with it as it is.

  Where the manifest gives no such port, opening answers `{:error, :no_driver}`. `open` and the rest are callbacks as well, so that
  tests on a developer's machine can have a device of their own:

      @i2c Application.compile_env(:my_app, :i2c, Kos.Device.I2C)

  These modules are part of each:

  | | |
  |---|---|
  | `Kos.Device.GPIO` | `open/3`, `read/1`, `write/2`, `set_direction/2`, `set_interrupts/2`, `close/1` |
  | `Kos.Device.I2C` | `open/1`, `read/3`, `write/3`, `write_read/4`, `close/1`, `bus_names/0`, `detect_devices/1` |
  | `Kos.Device.SPI` | `open/1`, `transfer/2`, `config/1`, `close/1`, `bus_names/0` |
  | `Kos.Device.UART` | `start_link/1`, `open/3`, `write/2`, `read/2`, `close/1` |
  """

  @doc false
  def open(name) do
    if name in Kos.ports(), do: Kos.Port.start_link(name), else: {:error, :no_driver}
  end

  @doc false
  def close(port) do
    GenServer.stop(port)
    :ok
  catch
    :exit, _ -> :ok
  end

  @doc false
  def names(prefix), do: for(name <- Kos.ports(), String.starts_with?(name, prefix), do: name)
end
