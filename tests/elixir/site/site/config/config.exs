import Config
config :logger, level: :info
if config_env() == :prod, do: import_config("prod.exs")
