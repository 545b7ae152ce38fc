import Config

config :logger, level: :info
config :fleet, env: config_env(), target: Mix.target()

if Mix.target() == :host do
  import_config "host.exs"
else
  import_config "target.exs"
end
