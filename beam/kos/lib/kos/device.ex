defmodule Kos.Device do
  @moduledoc """
  Devices through their drivers, by the names that users of Circuits know.

  A driver is a domain; what a client may use of it says the manifest. There is a driver for GPIO (`Kos.Device.GPIO`). For
  I2C, SPI and UART there is none yet: their functions answer `{:error, :no_driver}`, as does `Kos.Device.GPIO.open/3`
  where the manifest gives no port of a GPIO driver.
  """

  defmodule Bus do
    @moduledoc "What a driver for a bus must offer for `Kos.Device.I2C`, `Kos.Device.SPI` and `Kos.Device.UART`."
    @callback open(name :: String.t(), options :: keyword) :: {:ok, term} | {:error, atom}
    @callback transfer(bus :: term, binary) :: {:ok, binary} | {:error, atom}
    @callback close(bus :: term) :: :ok
  end

  defmodule I2C do
    @moduledoc "No I2C driver exists: every bus is `{:error, :no_driver}`."
    def bus_names, do: []
    def open(_name, _options \\ []), do: {:error, :no_driver}
  end

  defmodule SPI do
    @moduledoc "No SPI driver exists: every bus is `{:error, :no_driver}`."
    def bus_names, do: []
    def open(_name, _options \\ []), do: {:error, :no_driver}
  end

  defmodule UART do
    @moduledoc "Serial lines beside the console are not given to Elixir: `{:error, :no_driver}`."
    def enumerate, do: %{}
    def open(_name, _options \\ []), do: {:error, :no_driver}
  end
end
