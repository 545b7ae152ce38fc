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

  @doc """
  `receive_more.()` gives `{:ok, bytes}` or `{:error, reason}`. `{:error, status}`: what to answer; nil: nothing. `hosts`: names by
  which the device is known, beside its addresses and `localhost`.
  """
  @spec read((() -> {:ok, binary} | {:error, term}), [String.t()]) :: {:ok, t} | {:error, pos_integer | nil}
  def read(receive_more, hosts \\ []) do
    with {:ok, request} <- read_head("", receive_more) do
      if ours?(request.headers["host"], hosts), do: {:ok, request}, else: {:error, 421}
    end
  end

  @doc """
  Whether this device is meant. A name that somebody else made point here is refused: a page of that name would be a page of this
  device to the browser that shows it, and could press buttons.

      iex> Enum.map(["10.0.2.15", "127.0.0.1:8080", "[fe80::1]:8080", "LOCALHOST", "evil.example", "10.0.2.15.example"], &Station.Web.Request.ours?(&1, []))
      [true, true, true, true, false, false]
      iex> Station.Web.Request.ours?("pump.plant:80", ["pump.plant"])
      true
  """
  def ours?(host, hosts) do
    name = host |> String.replace(~r/:[0-9]{1,5}\z/, "") |> String.downcase()

    name == "localhost" or name in hosts or name =~ ~r/\A[0-9]{1,3}(\.[0-9]{1,3}){3}\z/ or
      name =~ ~r/\A\[[0-9a-f:.]{2,45}\]\z/
  end

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
    length = Map.get(request.headers, "content-length", "0")

    cond do
      not (length =~ ~r/\A[0-9]+\z/) -> {:error, 400}
      byte_size(length) > 4 or String.to_integer(length) > @body_max -> {:error, 413}
      true -> fill_body(request, rest, String.to_integer(length), receive_more)
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
