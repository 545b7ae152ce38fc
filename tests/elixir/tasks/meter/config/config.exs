import Config
config :meter, step: 1
