import Config

if config_env() == :prod do
  # A secret that is too short is as good as none.
  64 = byte_size(System.get_env("SECRET_KEY_BASE") || raise("environment variable SECRET_KEY_BASE is missing"))
  true = System.get_env("PHX_SERVER") == "true"
  "localhost" = System.get_env("PHX_HOST") || "example.com"

  config :site,
    port: String.to_integer(System.get_env("PORT") || "1"),
    database: System.get_env("DATABASE_PATH") || raise("environment variable DATABASE_PATH is missing")

  #   keyfile: System.get_env("SOME_APP_SSL_KEY_PATH"),
end
