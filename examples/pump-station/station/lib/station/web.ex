defmodule Station.Web do
  @moduledoc """
  The page's server: HTTP/1.1 on port 8080, one request per connection, and server-sent events (HTML Standard, 9.2) for what
  changes. At most 32 connections at a time, of them 8 with events; who is slow is cut off, and when all are taken, who has been
  making up a request for the longest time makes room for the next one.

  There is no log-in: whoever reaches the port may look and press. On a device in the field the manifest does not forward it.
  """
  use Supervisor
  alias Station.Web.Queue

  @port 8080
  @connections 32

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl true
  def init(_) do
    # Here, so that it outlives those who use it.
    Queue.new()

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
    IO.puts("station: port #{@port}, #{:os.perf_counter(:millisecond)} ms after power-on")
    accept(listener)
  end

  defp accept(listener) do
    case :gen_tcp.accept(listener) do
      {:ok, socket} ->
        admit(socket, 1)

      # It was gone again, or there is no room for it: later ones may have more luck.
      {:error, reason} when reason in [:econnaborted, :emfile, :enfile, :enobufs, :enomem, :timeout] ->
        Process.sleep(50)

      {:error, reason} ->
        exit({:accept, reason})
    end

    accept(listener)
  end

  defp admit(socket, tries) do
    case Task.Supervisor.start_child(Station.Web.Connections, fn -> wait_and_serve(socket) end) do
      {:ok, pid} ->
        Queue.add(pid)
        # It may have been cut off already; then there is nothing to give.
        _ = :gen_tcp.controlling_process(socket, pid)
        send(pid, :yours)

      {:error, _} ->
        with true <- tries > 0, pid when is_pid(pid) <- Queue.oldest() do
          _ = Task.Supervisor.terminate_child(Station.Web.Connections, pid)
          Queue.remove(pid)
          admit(socket, tries - 1)
        else
          _ -> refuse(socket)
        end
    end
  end

  defp refuse(socket) do
    _ =
      :gen_tcp.send(
        socket,
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
      )

    :gen_tcp.close(socket)
  end

  defp wait_and_serve(socket) do
    receive do
      :yours -> Station.Web.Connection.serve(socket)
    after
      5000 -> :gen_tcp.close(socket)
    end
  after
    Queue.remove(self())
  end
end
