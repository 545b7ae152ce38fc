import Config

# Only on this machine: mix test, iex -S mix.
