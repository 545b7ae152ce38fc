import Config
config :fleet, where: :target
