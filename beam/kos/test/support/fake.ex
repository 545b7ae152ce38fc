defmodule Kos.Fake do
  @moduledoc """
  A `/run/kos` of its own for a test: the personality's side of ports, made of the same sockets.

  A *service* is a function of a record that says what KOS answers: a list of records, or `:silent`, `:close`.
  """
  alias Kos.{Record, Socket}

  def start do
    root = Path.join(System.tmp_dir!(), "kos-#{System.pid()}-#{System.unique_integer([:positive])}")
    Enum.each(~w[port bind parameters domain], &File.mkdir_p!(Path.join(root, &1)))
    Application.put_env(:kos, :root, root)
    ExUnit.Callbacks.on_exit(fn -> File.rm_rf!(root) end)
    root
  end

  @doc "Serves the port `name` as a native server would seem. Ends with the test."
  def port(name, service, hello \\ []) do
    {:ok, listener} = Socket.listen("port", name, 16)

    pid =
      ExUnit.Callbacks.start_supervised!(
        Supervisor.child_spec({Task, fn -> accept(listener, name, service, hello) end}, id: {:fake, name})
      )

    :ok = :socket.setopt(listener, {:otp, :controlling_process}, pid)
    pid
  end

  defp accept(listener, name, service, hello) do
    {:ok, socket} = :socket.accept(listener)
    test = self()

    pid =
      spawn_link(fn ->
        receive do: (:go -> :ok)
        # For services that say something later by themselves.
        Process.put(:fake_socket, socket)
        first = struct(%Record{kind: :hello, label: 4096, param: 4, flags: [:has_queue], payload: name}, hello)
        put(socket, first)
        serve(socket, service, test)
      end)

    :ok = :socket.setopt(socket, {:otp, :controlling_process}, pid)
    send(pid, :go)
    accept(listener, name, service, hello)
  end

  defp serve(socket, service, test) do
    case get(socket) do
      {:ok, record} ->
        case service.(record) do
          :silent -> serve(socket, service, test)
          :close -> :socket.close(socket)
          {:raw, bytes} -> :socket.send(socket, bytes) && serve(socket, service, test)
          records -> Enum.each(records, &put(socket, &1)) && serve(socket, service, test)
        end

      :end ->
        :socket.close(socket)
    end
  end

  @doc "Connects to a port that Elixir serves, as the domain `number` called `name`."
  def client(port, number, name) do
    {:ok, socket} = Socket.connect("bind", port)
    put(socket, %Record{kind: :hello, label: 4096, words: {number, 0}, payload: name})
    socket
  end

  def put(socket, record), do: :ok = :socket.send(socket, IO.iodata_to_binary(Record.encode(record)))

  def get(socket, timeout \\ 5000) do
    case :socket.recv(socket, 8192, timeout) do
      {:ok, ""} -> :end
      {:ok, bytes} -> Record.decode(bytes)
      {:error, :timeout} -> :nothing
      {:error, _} -> :end
    end
  end

  def reply(record, fields \\ []),
    do: struct(%Record{kind: :reply, label: 128, call_id: record.call_id, param: record.param + 1}, fields)

  # Of bytes, whatever they mean as text.
  def backwards(bytes), do: bytes |> :binary.bin_to_list() |> Enum.reverse() |> :binary.list_to_bin()

  def status(record, status),
    do: %Record{kind: :status, call_id: record.call_id, label: Kos.status_number(status)}
end
