defmodule Station.Web.Request do
  @moduledoc """
  Reads one HTTP/1.1 request (RFC 9112) from a socket. What comes is hostile: so many bytes, so many fields, so much time, and
  no more; what is not understood is refused, not guessed.
  """
  defstruct [:method, :path, headers: %{}, body: ""]

  @head_max 8192
  @fields_max 64
  @body_max 1024

  @type t :: %__MODULE__{method: String.t(), path: String.t(), headers: %{String.t() => String.t()}, body: binary}

  @doc "`receive_more.()` gives `{:ok, bytes}` or `{:error, reason}`. `{:error, status}`: what to answer; nil: nothing."
  @spec read((() -> {:ok, binary} | {:error, term})) :: {:ok, t} | {:error, pos_integer | nil}
  def read(receive_more), do: read_head("", receive_more)

  defp read_head(got, receive_more) do
    case :binary.split(got, "\r\n\r\n") do
      [head, rest] when byte_size(head) <= @head_max ->
        with {:ok, request} <- parse_head(head), do: read_body(request, rest, receive_more)

      _ when byte_size(got) > @head_max ->
        {:error, 431}

      [_] ->
        case receive_more.() do
          {:ok, bytes} -> read_head(got <> bytes, receive_more)
          {:error, :timeout} when got != "" -> {:error, 408}
          {:error, _} -> {:error, nil}
        end
    end
  end

  @doc """
  Request line and fields, without the empty line.

      iex> {:ok, request} = Station.Web.Request.parse_head("GET /a HTTP/1.1\\r\\nHost: x\\r\\nX-Y:  1 ")
      iex> {request.method, request.path, request.headers}
      {"GET", "/a", %{"host" => "x", "x-y" => "1"}}
      iex> Station.Web.Request.parse_head("GET /a HTTP/1.1\\r\\nHost: x\\r\\nHost: y")
      {:error, 400}
  """
  @spec parse_head(binary) :: {:ok, t} | {:error, pos_integer}
  def parse_head(head) do
    with [line | fields] <- :binary.split(head, "\r\n", [:global]),
         true <- length(fields) <= @fields_max || {:error, 431},
         {:ok, method, path} <- parse_line(line),
         {:ok, headers} <- parse_fields(fields, %{}),
         true <- Map.has_key?(headers, "host") || {:error, 400} do
      {:ok, %__MODULE__{method: method, path: path, headers: headers}}
    else
      {:error, status} -> {:error, status}
    end
  end

  defp parse_line(line) do
    with [method, path, version] <- :binary.split(line, " ", [:global]),
         true <- version in ["HTTP/1.1", "HTTP/1.0"],
         true <- method =~ ~r/\A[A-Z]{1,16}\z/,
         true <- path =~ ~r/\A\/[A-Za-z0-9_.\/-]{0,200}\z/ do
      {:ok, method, path}
    else
      _ -> {:error, 400}
    end
  end

  defp parse_fields([], headers), do: {:ok, headers}

  defp parse_fields([field | rest], headers) do
    with [name, value] <- :binary.split(field, ":"),
         true <- name =~ ~r/\A[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\z/,
         value = String.trim(value, " ") |> String.trim("\t"),
         false <- value =~ ~r/[\x00-\x08\x0A-\x1F\x7F]/,
         name = String.downcase(name),
         # Two of a kind are how requests are smuggled; nobody needs them here.
         false <- Map.has_key?(headers, name) do
      parse_fields(rest, Map.put(headers, name, value))
    else
      _ -> {:error, 400}
    end
  end

  defp read_body(%{headers: %{"transfer-encoding" => _}}, _, _), do: {:error, 411}

  defp read_body(request, rest, receive_more) do
    case Map.get(request.headers, "content-length", "0") do
      <<digits::binary>> when byte_size(digits) in 1..4 ->
        case Integer.parse(digits) do
          {length, ""} when length in 0..@body_max -> fill_body(request, rest, length, receive_more)
          {length, ""} when length > @body_max -> {:error, 413}
          _ -> {:error, 400}
        end

      _ ->
        {:error, 413}
    end
  end

  defp fill_body(request, got, length, _) when byte_size(got) >= length,
    do: {:ok, %{request | body: binary_part(got, 0, length)}}

  defp fill_body(request, got, length, receive_more) do
    case receive_more.() do
      {:ok, bytes} -> fill_body(request, got <> bytes, length, receive_more)
      {:error, _} -> {:error, nil}
    end
  end
end
