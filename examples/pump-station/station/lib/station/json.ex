defmodule Station.Json do
  @moduledoc """
  JSON (RFC 8259) of maps, lists, texts, numbers, atoms. Text that is no UTF-8 is replaced, so that any bytes of a log may come.

      iex> Station.Json.encode(%{"a" => [1, true, nil, "x\\n"]}) |> IO.iodata_to_binary()
      ~S({"a":[1,true,null,"x\\n"]})
  """

  def encode(nil), do: "null"
  def encode(value) when is_boolean(value) or is_integer(value), do: to_string(value)
  def encode(value) when is_float(value), do: Float.to_string(value)
  def encode(value) when is_atom(value), do: text(Atom.to_string(value))
  def encode(value) when is_binary(value), do: text(value)
  def encode([]), do: "[]"
  def encode(list) when is_list(list), do: [?[, list |> Enum.map(&encode/1) |> Enum.intersperse(?,), ?]]

  def encode(map) when is_map(map) do
    fields = for {key, value} <- map, do: [text(to_string(key)), ?:, encode(value)]
    [?{, Enum.intersperse(fields, ?,), ?}]
  end

  defp text(value), do: [?", escaped(value, []), ?"]

  defp escaped("", done), do: Enum.reverse(done)
  defp escaped(<<?", rest::binary>>, done), do: escaped(rest, ["\\\"" | done])
  defp escaped(<<?\\, rest::binary>>, done), do: escaped(rest, ["\\\\" | done])
  defp escaped(<<?\n, rest::binary>>, done), do: escaped(rest, ["\\n" | done])

  # "<" as well: nothing in here ends a script, wherever it is put.
  defp escaped(<<code, rest::binary>>, done) when code < 0x20 or code in [?<, 0x7F],
    do: escaped(rest, ["\\u" <> String.pad_leading(Integer.to_string(code, 16), 4, "0") | done])

  defp escaped(<<character::utf8, rest::binary>>, done), do: escaped(rest, [<<character::utf8>> | done])
  defp escaped(<<_, rest::binary>>, done), do: escaped(rest, ["\uFFFD" | done])
end
