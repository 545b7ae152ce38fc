import Config

# Only on the device.
config :logger, level: :info
