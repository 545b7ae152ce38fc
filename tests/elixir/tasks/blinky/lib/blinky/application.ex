defmodule Blinky.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _arguments) do
    Supervisor.start_link([{Blinky, line()}], strategy: :one_for_one, name: Blinky.Supervisor)
  end

  # Of rootfs_overlay; on the developer's machine there is none.
  defp line do
    case File.read("/etc/blinky.conf") do
      {:ok, "line=" <> number} -> number |> String.trim() |> String.to_integer()
      {:error, :enoent} -> 0
    end
  end
end
