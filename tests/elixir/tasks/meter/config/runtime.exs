import Config
config :meter, step: String.to_integer(System.get_env("METER_STEP", "5"))
