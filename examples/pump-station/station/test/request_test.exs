defmodule Station.Web.RequestTest do
  use ExUnit.Case, async: true
  alias Station.Web.Request
  doctest Station.Web.Request
  doctest Station.Json

  @good "POST /part/sensor/kill HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Station: 1\r\nContent-Length: 3\r\n\r\nabc"
  @statuses [nil, 400, 408, 411, 413, 421, 431]

  # The text in pieces of these sizes, then what `ending` says. Who reads on for ever is found out.
  defp feed(text, sizes, ending \\ {:error, :closed}) do
    {:ok, agent} = Agent.start_link(fn -> {text, sizes, 0} end)

    more = fn ->
      Agent.get_and_update(agent, fn
        {_, _, asked} when asked > 20_000 -> {:too_often, {"", [], asked}}
        {"", sizes, asked} -> {ending, {"", sizes, asked + 1}}
        {left, sizes, asked} -> piece(left, sizes, asked)
      end)
    end

    result = Request.read(more)
    {_, _, asked} = Agent.get(agent, & &1)
    Agent.stop(agent)
    {result, asked}
  end

  defp piece(left, [size | rest], asked) do
    size = min(size, byte_size(left))
    <<part::binary-size(size), left::binary>> = left
    {{:ok, part}, {left, rest ++ [max(size, 1)], asked + 1}}
  end

  defp read(text), do: text |> feed([byte_size(text)]) |> elem(0)

  test "a request, whole and a byte at a time" do
    for sizes <- [[1000], [1], [3, 7, 50]] do
      assert {{:ok, %Request{method: "POST", path: "/part/sensor/kill", body: "abc"}}, _} = feed(@good, sizes)
    end
  end

  test "what follows a request is not part of it" do
    assert {:ok, %Request{body: "abc"}} = read(@good <> "GET / HTTP/1.1\r\n\r\n")
  end

  test "each limit has its answer" do
    assert {:error, 431} = read("GET / HTTP/1.1\r\nHost: 1.1.1.1\r\nX: " <> String.duplicate("a", 9000))

    assert {:error, 431} =
             read("GET / HTTP/1.1\r\nHost: 1.1.1.1\r\n" <> Enum.map_join(1..70, &"X-#{&1}: 1\r\n") <> "\r\n")

    assert {:error, 400} = read("GET /" <> String.duplicate("a", 300) <> " HTTP/1.1\r\nHost: 1.1.1.1\r\n\r\n")
    assert {:error, 413} = read("POST / HTTP/1.1\r\nHost: 1.1.1.1\r\nContent-Length: 1025\r\n\r\n")
    assert {:error, 413} = read("POST / HTTP/1.1\r\nHost: 1.1.1.1\r\nContent-Length: 99999999999\r\n\r\n")
    assert {:error, 411} = read("POST / HTTP/1.1\r\nHost: 1.1.1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
  end

  test "what is not understood is refused" do
    for line <- [
          "",
          " ",
          "GET",
          "GET /",
          "GET / HTTP/2.0",
          "GET  / HTTP/1.1",
          "get / HTTP/1.1",
          "GET http://x/ HTTP/1.1",
          "GET /\0 HTTP/1.1",
          "GET /%2e%2e/ HTTP/1.1",
          "GET / HTTP/1.1 ",
          "\xFF\xFE / HTTP/1.1"
        ] do
      assert {:error, 400} = read(line <> "\r\nHost: 1.1.1.1\r\n\r\n"), inspect(line)
    end

    for field <- [
          "Host: 2.2.2.2",
          "No colon",
          " Folded: 1",
          ": empty",
          "A b: 1",
          "X: a\0b",
          "X: a\nb",
          "Content-Length: -1",
          "Content-Length: 1, 1",
          "Content-Length: 0x1",
          "Content-Length: +1",
          "Content-Length: "
        ] do
      assert {:error, status} = read("GET / HTTP/1.1\r\nHost: 1.1.1.1\r\n#{field}\r\n\r\n")
      assert status in [400, 413], inspect(field)
    end

    assert {:error, 400} = read("GET / HTTP/1.1\r\n\r\n")
    assert {:error, 421} = read("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
  end

  test "who says nothing gets nothing, who stops half way is told so" do
    assert {{:error, nil}, 1} = feed("", [1], {:error, :timeout})
    assert {{:error, 408}, _} = feed("GET / HT", [8], {:error, :timeout})
    assert {{:error, nil}, _} = feed("GET / HT", [8], {:error, :closed})
  end

  test "whatever comes, there is an answer, and nobody reads on for ever" do
    :rand.seed(:exsss, {1, 2, 3})

    seeds = [
      @good,
      "GET / HTTP/1.1\r\nHost: 1.1.1.1\r\n\r\n",
      "GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 7\r\n\r\n"
    ]

    counts =
      Enum.reduce(1..3000, %{}, fn _, counts ->
        text = seeds |> Enum.random() |> spoil(:rand.uniform(6))

        {result, asked} =
          feed(text, for(_ <- 1..4, do: :rand.uniform(40)), Enum.random([{:error, :closed}, {:error, :timeout}]))

        assert asked <= byte_size(text) + 1, inspect(text)
        outcome = outcome(result, text)
        Map.update(counts, outcome, 1, &(&1 + 1))
      end)

    # The changes reach further than the first line.
    for wanted <- [:ok, 400, nil], do: assert(counts[wanted] > 20, inspect(counts))
  end

  defp outcome({:ok, %Request{} = request}, text) do
    assert byte_size(request.body) <= 1024 and map_size(request.headers) <= 64
    assert request.path =~ ~r/\A\/[A-Za-z0-9_.\/-]*\z/, inspect(text)
    :ok
  end

  defp outcome({:error, status}, text) do
    assert status in @statuses, inspect({status, text})
    status
  end

  defp spoil(text, 0), do: text
  defp spoil(text, times), do: text |> change(:rand.uniform(7)) |> spoil(times - 1)

  defp change(text, 1), do: replaced(text, :rand.bytes(1))

  defp change(text, 2),
    do: replaced(text, Enum.random(["\r\n", "\r", "\n", ":", " ", "\0", "\r\n\r\n", "HTTP/1.1", "Host: a", "9"]))

  defp change(text, 3), do: binary_part(text, 0, :rand.uniform(byte_size(text) + 1) - 1)
  defp change(text, 4), do: text <> text
  defp change(text, 5), do: text <> :rand.bytes(:rand.uniform(200))
  defp change(text, 6), do: String.replace(text, "Content-Length: 3", "Content-Length: #{:rand.uniform(3000) - 500}")

  defp change(text, 7),
    do:
      text
      |> :binary.split("\r\n")
      |> Enum.intersperse(
        "\r\n" <> Enum.random(["X: " <> String.duplicate("y", :rand.uniform(9000)), "Host: x"]) <> "\r\n"
      )
      |> IO.iodata_to_binary()

  defp replaced("", by), do: by

  defp replaced(text, by) do
    at = :rand.uniform(byte_size(text)) - 1
    <<before::binary-size(at), _, rest::binary>> = text
    before <> by <> rest
  end
end
