import Config

# For the host (mix test, iex -S mix) and the device alike. MIX_TARGET is :kos when a release for the device is made.
import_config "#{Mix.target()}.exs"
