import Config

config :blinky, gpio: Blinky.FakeGpio
