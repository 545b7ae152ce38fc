import Config
config :fleet, where: :host
