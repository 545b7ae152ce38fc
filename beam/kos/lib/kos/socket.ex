defmodule Kos.Socket do
  @moduledoc false
  # SOCK_SEQPACKET by OTP's socket module, without ever waiting: what cannot be done now comes as a select message.
  alias Kos.Record

  @record_max 56 + 4096
  @control_max 256

  def path(folder, name), do: Path.join([Kos.root(), folder, name])

  def open, do: :socket.open(:local, :seqpacket, :default)

  def connect(folder, name) do
    with {:ok, socket} <- open() do
      case :socket.connect(socket, %{family: :local, path: path(folder, name)}) do
        :ok ->
          {:ok, socket}

        {:error, reason} ->
          :socket.close(socket)
          {:error, reason}
      end
    end
  end

  def listen(folder, name, backlog) do
    with {:ok, socket} <- open() do
      with :ok <- :socket.bind(socket, %{family: :local, path: path(folder, name)}),
           :ok <- :socket.listen(socket, backlog) do
        {:ok, socket}
      else
        {:error, reason} ->
          :socket.close(socket)
          {:error, reason}
      end
    end
  end

  # :ok, {:error, :again} (a select message follows), {:error, reason}.
  def send(socket, %Record{} = record) do
    case :socket.sendmsg(socket, %{iov: [IO.iodata_to_binary(Record.encode(record))]}, [], :nowait) do
      :ok -> :ok
      {:select, _} -> {:error, :again}
      {:select, _, _} -> {:error, :again}
      {:ok, _} -> {:error, :emsgsize}
      {:error, {reason, _}} -> {:error, reason}
      {:error, reason} -> {:error, reason}
    end
  end

  # {:ok, record, fd or nil}, :invalid, :again (a select message follows), {:error, reason}.
  def receive(socket) do
    case :socket.recvmsg(socket, @record_max, @control_max, [], :nowait) do
      {:ok, %{iov: []}} -> {:error, :closed}
      {:ok, %{iov: iov} = message} -> decode(IO.iodata_to_binary(iov), descriptor(message))
      {:select, _} -> :again
      {:error, {reason, _}} -> {:error, reason}
      {:error, reason} -> {:error, reason}
    end
  end

  # A connection that came as a descriptor.
  def adopt(fd), do: :socket.open(fd, %{domain: :local, type: :seqpacket, protocol: :default, dup: false})

  defp decode("", _), do: {:error, :closed}

  defp decode(bytes, fd) do
    case Record.decode(bytes) do
      {:ok, record} -> {:ok, record, fd}
      :error -> :invalid
    end
  end

  defp descriptor(message) do
    Enum.find_value(Map.get(message, :ctrl, []), fn
      %{level: :socket, type: :rights, data: <<fd::native-signed-32, _::binary>>} -> fd
      _ -> nil
    end)
  end
end
