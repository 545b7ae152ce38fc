defmodule Kos.Socket do
  @moduledoc false
  # SOCK_SEQPACKET by OTP's socket module, without ever waiting: what cannot be done now comes as a select message.
  alias Kos.Record

  @record_max 56 + 4096

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

  # {:ok, record}, :invalid, :again (a select message follows), {:error, reason}.
  #
  # By recv(2), which takes no descriptors: what comes with a record is closed by KOS. The BEAM has no way to close a
  # descriptor that it was given, so a token would never be given back.
  def receive(socket) do
    case :socket.recv(socket, @record_max, [], :nowait) do
      {:ok, bytes} -> decode(bytes)
      {:select, _} -> :again
      {:error, {reason, _}} -> {:error, reason}
      {:error, reason} -> {:error, reason}
    end
  end

  defp decode(""), do: {:error, :closed}

  defp decode(bytes) do
    case Record.decode(bytes) do
      {:ok, record} -> {:ok, record}
      :error -> :invalid
    end
  end
end
