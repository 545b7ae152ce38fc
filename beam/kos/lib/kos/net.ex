defmodule Kos.Net do
  @moduledoc """
  What the router says about the network (`idl/net.capnp`): the device's address, links of domains, what was refused.

  Needs `[[uses]] port = "net_status"`. Addresses are tuples as in `:inet`, nil where there is none. Nothing can be changed
  here: who may talk to whom is the manifest's.
  """
  alias Kos.{Port, Wire}

  @uplink 1
  @links 2
  @denials 4
  @address {:bytes, 16}
  @uplink_layout [
    mac: {:bytes, 6},
    state: {:enum, [:down, :waiting, :up]},
    prefix4: :u8,
    address4: @address,
    gateway4: @address,
    address6: @address,
    gateway6: @address,
    dns: @address,
    lease_seconds: :u32,
    connections: :u32,
    packets_in: :u64,
    bytes_in: :u64,
    packets_out: :u64,
    bytes_out: :u64,
    denials: :u64,
    time_set_at: :u64
  ]
  @link_layout [
    name: {:text, 32},
    address4: @address,
    address6: @address,
    domain: :u32,
    connections: :u32,
    packets_in: :u64,
    bytes_in: :u64,
    packets_out: :u64,
    bytes_out: :u64,
    denials: :u64,
    names: :u64,
    evicted: :u64,
    full: :u64
  ]
  @reasons [
    :none,
    :malformed,
    :option,
    :spoofed,
    :neighbour,
    :destination,
    :protocol,
    :rule,
    :listen,
    :name,
    :rate,
    :no_connection,
    :table,
    :fragments,
    :too_big,
    :expired,
    :unreachable,
    :full,
    :ignored
  ]
  @denial_layout [
    sequence: :u64,
    time_us: :u64,
    source: @address,
    destination: @address,
    name: {:text, 64},
    source_port: :u16,
    destination_port: :u16,
    domain: :u8,
    protocol: :u8,
    reason: {:enum, @reasons},
    inbound: :u8
  ]

  @doc "The device's own side: `state` is `:down`, `:waiting` (for an address) or `:up`."
  @spec uplink() :: {:ok, map} | Port.error()
  def uplink do
    with_port(fn port ->
      with {:ok, message} <- Port.call(port, @uplink), do: one(message.payload, @uplink_layout)
    end)
  end

  @doc "The links of all domains."
  @spec links() :: {:ok, [map]} | Port.error()
  def links, do: with_port(&pages(&1, @links, @link_layout, 0, []))

  @doc "Refused packets from number `sequence` on: `{:ok, next, lost, denials}`."
  @spec denials(non_neg_integer) :: {:ok, non_neg_integer, non_neg_integer, [map]} | Port.error()
  def denials(sequence \\ 0) do
    with_port(fn port ->
      with {:ok, %{words: {lost, _}} = message} <- Port.call(port, @denials, "", param: sequence),
           {:ok, entries} <- many(message.payload, @denial_layout) do
        {:ok, message.param, lost, entries}
      else
        {:ok, _} -> {:error, :peer_invalid}
        error -> error
      end
    end)
  end

  @doc """
  An address of the interface as `:inet` has it.

      iex> Kos.Net.address(<<0::80, 0xFFFF::16, 10, 0, 2, 15>>)
      {10, 0, 2, 15}
      iex> Kos.Net.address(<<0xFD00::16, 0::104, 1>>)
      {0xFD00, 0, 0, 0, 0, 0, 0, 1}
      iex> Kos.Net.address(<<0::128>>)
      nil
  """
  @spec address(<<_::128>>) :: :inet.ip_address() | nil
  def address(<<0::128>>), do: nil
  def address(<<0::80, 0xFFFF::16, a, b, c, d>>), do: {a, b, c, d}
  def address(<<bytes::binary-size(16)>>), do: List.to_tuple(for <<word::16 <- bytes>>, do: word)

  defp pages(port, label, layout, first, done) do
    with {:ok, message} <- Port.call(port, label, "", param: first),
         {:ok, entries} <- many(message.payload, layout) do
      case message.param do
        0 -> {:ok, done ++ entries}
        next when next > first and entries != [] -> pages(port, label, layout, next, done ++ entries)
        _ -> {:error, :peer_invalid}
      end
    end
  end

  defp one(bytes, layout) do
    case Wire.decode(bytes, layout) do
      {:ok, fields} -> {:ok, readable(fields)}
      :error -> {:error, :peer_invalid}
    end
  end

  defp many(bytes, layout) do
    case Wire.decode_list(bytes, layout) do
      {:ok, entries} -> {:ok, Enum.map(entries, &readable/1)}
      :error -> {:error, :peer_invalid}
    end
  end

  defp readable(fields) do
    Map.new(fields, fn
      {:mac, bytes} ->
        {:mac, bytes |> :binary.bin_to_list() |> Enum.map_join(":", &Base.encode16(<<&1>>, case: :lower))}

      {name, <<bytes::binary-size(16)>>} when name != :name ->
        {name, address(bytes)}

      other ->
        other
    end)
  end

  defp with_port(function), do: Kos.Once.with_port("net_status", function)
end
