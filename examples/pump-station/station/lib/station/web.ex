defmodule Station.Web do
  @moduledoc """
  The page's server: HTTP/1.1 on port 8080, one request per connection, and server-sent events (HTML Standard, 9.2) for what
  changes. At most 32 connections at a time, of them 8 with events; who is slow is cut off.

  There is no log-in: whoever reaches the port may look and press. On a device in the field the manifest does not forward it.
  """
  use Supervisor

  @port 8080
  @connections 32

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl true
  def init(_) do
    children = [
      {Task.Supervisor, name: Station.Web.Connections, max_children: @connections},
      Station.Web.Events,
      {Task, &listen/0} |> Supervisor.child_spec(restart: :permanent)
    ]

    Supervisor.init(children, strategy: :one_for_all, max_restarts: 100, max_seconds: 60)
  end

  defp listen do
    options = [
      :binary,
      active: false,
      reuseaddr: true,
      backlog: 64,
      nodelay: true,
      send_timeout: 5000,
      send_timeout_close: true
    ]

    {:ok, listener} = :gen_tcp.listen(@port, options)
    IO.puts("station: port #{@port}")
    accept(listener)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)

    case Task.Supervisor.start_child(Station.Web.Connections, fn -> wait_and_serve(socket) end) do
      {:ok, pid} ->
        # It may have been cut off already; then there is nothing to give.
        _ = :gen_tcp.controlling_process(socket, pid)
        send(pid, :yours)

      {:error, _} ->
        _ = :gen_tcp.send(socket, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n")
        :gen_tcp.close(socket)
    end

    accept(listener)
  end

  defp wait_and_serve(socket) do
    receive do
      :yours -> Station.Web.Connection.serve(socket)
    after
      5000 -> :gen_tcp.close(socket)
    end
  end
end
