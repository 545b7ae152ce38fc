defmodule Kos.Wire do
  @moduledoc """
  Structs of interfaces (`idl/README.md`, Layout): fields in order, each aligned to its size, little endian, as C has them.

  A layout is a keyword list; types are `:u8 :u16 :u32 :u64 :s32`, `{:text, bytes}`, `{:bytes, count}` and
  `{:enum, names}`.

      iex> layout = [name: {:text, 4}, number: :u8, size: :u32]
      iex> Kos.Wire.size(layout)
      12
      iex> Kos.Wire.decode(<<"ab", 0, 0, 7, 0, 0, 0, 9::little-32>>, layout)
      {:ok, %{name: "ab", number: 7, size: 9}}
      iex> Kos.Wire.decode("short", layout)
      :error
  """
  @type layout :: keyword

  @doc "Bytes of one struct, with what fills it up."
  @spec size(layout) :: non_neg_integer
  def size(layout) do
    {end_at, most} =
      Enum.reduce(layout, {0, 1}, fn {_, type}, {at, most} ->
        {bytes, align} = shape(type)
        {up(at, align) + bytes, max(most, align)}
      end)

    up(end_at, most)
  end

  @doc "One struct out of exactly its bytes."
  @spec decode(binary, layout) :: {:ok, map} | :error
  def decode(bytes, layout) do
    if byte_size(bytes) == size(layout), do: fields(bytes, layout, 0, %{}), else: :error
  end

  @doc "As many structs as the bytes are; `:error` if one is cut off or wrong."
  @spec decode_list(binary, layout) :: {:ok, [map]} | :error
  def decode_list(bytes, layout) do
    each = size(layout)

    if rem(byte_size(bytes), each) == 0 do
      list = for <<one::binary-size(each) <- bytes>>, do: decode(one, layout)
      if :error in list, do: :error, else: {:ok, Enum.map(list, &elem(&1, 1))}
    else
      :error
    end
  end

  defp fields(_bytes, [], _at, result), do: {:ok, result}

  defp fields(bytes, [{name, type} | rest], at, result) do
    {count, align} = shape(type)
    from = up(at, align)

    case value(type, binary_part(bytes, from, count)) do
      {:ok, value} -> fields(bytes, rest, from + count, Map.put(result, name, value))
      :error -> :error
    end
  end

  defp value({:text, _}, bytes) do
    [text | _] = :binary.split(bytes, <<0>>)
    if String.valid?(text) and byte_size(text) < byte_size(bytes), do: {:ok, text}, else: :error
  end

  defp value({:bytes, _}, bytes), do: {:ok, bytes}

  defp value({:enum, names}, <<number>>) do
    case Enum.fetch(names, number) do
      {:ok, name} -> {:ok, name}
      :error -> :error
    end
  end

  defp value(:s32, <<number::little-signed-32>>), do: {:ok, number}
  defp value(_, bytes), do: {:ok, :binary.decode_unsigned(bytes, :little)}

  defp shape({:enum, _}), do: {1, 1}
  defp shape({kind, count}) when kind in [:text, :bytes], do: {count, 1}
  defp shape(:u8), do: {1, 1}
  defp shape(:u16), do: {2, 2}
  defp shape(type) when type in [:u32, :s32], do: {4, 4}
  defp shape(:u64), do: {8, 8}

  defp up(at, align), do: div(at + align - 1, align) * align
end
