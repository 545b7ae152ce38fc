import Config

# The system's log, not the terminal.
config :logger, backends: [Kos.Log], level: :info
