import Config

config :blinky, interval_ms: String.to_integer(System.get_env("BLINK_MS") || "50")
