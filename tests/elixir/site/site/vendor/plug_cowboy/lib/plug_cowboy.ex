defmodule PlugCowboy do
  @moduledoc false
  use GenServer

  @reads_ms 10_000

  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: __MODULE__)

  # On "::", as Phoenix' runtime.exs has it: the one socket takes IPv4 as well.
  @impl true
  def init(options) do
    {:ok, listener} = :gen_tcp.listen(options[:port], [:inet6, :binary, active: false, reuseaddr: true, packet: :http_bin])
    spawn_link(fn -> accept(listener, options[:page]) end)
    {:ok, listener}
  end

  defp accept(listener, page) do
    {:ok, socket} = :gen_tcp.accept(listener)
    pid = spawn(fn -> answer(socket, page) end)
    :gen_tcp.controlling_process(socket, pid)
    accept(listener, page)
  end

  defp answer(socket, page) do
    with {:ok, {:http_request, :GET, {:abs_path, path}, _}} <- :gen_tcp.recv(socket, 0, @reads_ms) do
      body = page.(path)
      :gen_tcp.send(socket, "HTTP/1.1 200 OK\r\ncontent-length: #{byte_size(body)}\r\nconnection: close\r\n\r\n#{body}")
    end

    :gen_tcp.close(socket)
  end
end
