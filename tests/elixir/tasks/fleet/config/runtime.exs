import Config

if config_env() == :prod do
  secret =
    System.get_env("SECRET_KEY_BASE") ||
      raise "environment variable SECRET_KEY_BASE is missing"

  config :fleet, secret_bytes: byte_size(secret), database: System.get_env("DATABASE_URL")
end
