defmodule Kos.Once do
  @moduledoc false
  # A connection for a few calls, for those who keep none.

  def with_port(name, function) do
    if File.exists?(Kos.Socket.path("port", name)) do
      # Not linked: its end must not be the caller's.
      {:ok, port} = GenServer.start(Kos.Port, {:name, name, []})

      try do
        function.(port)
      after
        if Process.alive?(port), do: Kos.Port.close(port)
      end
    else
      {:error, :not_granted}
    end
  end
end
