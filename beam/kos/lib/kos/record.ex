defmodule Kos.Record do
  @moduledoc """
  One record of a socket below `/run/kos`, as `linux/net/kos_port_record.h` lays it out.

      iex> record = %Kos.Record{kind: :call, label: 2, call_id: 7, param: 40, payload: "abc"}
      iex> {:ok, ^record} = record |> Kos.Record.encode() |> IO.iodata_to_binary() |> Kos.Record.decode()
      iex> Kos.Record.decode("too short")
      :error
  """
  import Bitwise

  @version 1
  @kinds %{call: 1, reply: 2, status: 3, cast: 4, hello: 5, gone: 6, revoke: 7, notice: 8}
  @names Map.new(@kinds, fn {name, number} -> {number, name} end)
  @flags [words: 1, token: 2, new_token: 4, single_use: 8, has_queue: 16, has_tokens: 32, small: 64]
  @known Enum.sum(Keyword.values(@flags))

  @typedoc """
  `label`: of the message; of `:reply` and `:status` a number of a status. `words`: nil or two numbers. `token`: number
  of a token of the own port.
  """
  @type t :: %__MODULE__{
          kind: :call | :reply | :status | :cast | :hello | :gone | :revoke | :notice,
          label: non_neg_integer,
          call_id: non_neg_integer,
          param: non_neg_integer,
          words: nil | {non_neg_integer, non_neg_integer},
          flags: [atom],
          time_ms: non_neg_integer,
          token: non_neg_integer,
          payload: binary
        }
  defstruct kind: :call, label: 0, call_id: 0, param: 0, words: nil, flags: [], time_ms: 0, token: 0, payload: ""

  @spec encode(t) :: iodata
  def encode(%__MODULE__{} = record) do
    {word0, word1} = record.words || {0, 0}
    flags = if record.words, do: [:words | record.flags], else: record.flags
    bits = flags |> Enum.uniq() |> Enum.map(&Keyword.fetch!(@flags, &1)) |> Enum.sum()

    [
      <<@version::little-16, Map.fetch!(@kinds, record.kind)::little-16, record.label::little-32,
        record.call_id::little-64, record.param::little-64, word0::little-64, word1::little-64, bits::little-32,
        record.time_ms::little-32, record.token::little-64>>,
      record.payload
    ]
  end

  @spec decode(binary) :: {:ok, t} | :error
  def decode(
        <<@version::little-16, kind::little-16, label::little-32, call_id::little-64, param::little-64,
          word0::little-64, word1::little-64, bits::little-32, time_ms::little-32, token::little-64, payload::binary>>
      )
      when is_map_key(@names, kind) and (bits &&& bnot(@known)) == 0 do
    flags = for {name, bit} <- @flags, name != :words, (bits &&& bit) != 0, do: name
    # HELLO has words without saying so.
    words = if (bits &&& 1) != 0 or word0 != 0 or word1 != 0, do: {word0, word1}

    {:ok,
     %__MODULE__{
       kind: Map.fetch!(@names, kind),
       label: label,
       call_id: call_id,
       param: param,
       words: words,
       flags: flags,
       time_ms: time_ms,
       token: token,
       payload: payload
     }}
  end

  def decode(_), do: :error
end
