defmodule Station.Web.Connection do
  @moduledoc "One connection of the page's server: a request, its answer, the end; or events until somebody goes."
  alias Station.Web.{Events, Page, Queue, Request}
  alias Station.{Archive, Attack, Json, Plant}

  @head_ms 10_000
  @reasons %{200 => "OK", 400 => "Bad Request", 403 => "Forbidden", 404 => "Not Found", 405 => "Method Not Allowed"}
           |> Map.merge(%{
             408 => "Request Timeout",
             409 => "Conflict",
             411 => "Length Required",
             413 => "Content Too Large",
             421 => "Misdirected Request"
           })
           |> Map.merge(%{431 => "Request Header Fields Too Large", 503 => "Service Unavailable"})

  def serve(socket) do
    deadline = now() + @head_ms

    more = fn ->
      case deadline - now() do
        left when left > 0 -> :gen_tcp.recv(socket, 0, left)
        _ -> {:error, :timeout}
      end
    end

    case Request.read(more, String.split(Kos.KV.get(:hosts, ""))) do
      {:ok, request} -> Queue.remove(self()) && answer(request, socket)
      {:error, nil} -> :ok
      {:error, status} -> reply(socket, status, "text/plain", "#{status}\n")
    end
  after
    :gen_tcp.close(socket)
  end

  defp now, do: System.monotonic_time(:millisecond)

  defp answer(%{method: "GET", path: "/"}, socket),
    do: reply(socket, 200, "text/html; charset=utf-8", Page.html(), Page.headers())

  defp answer(%{method: "GET", path: "/state"}, socket), do: json(socket, Events.state(0))
  defp answer(%{method: "GET", path: "/graph"}, socket), do: reply(socket, 200, "application/json", Page.graph())
  defp answer(%{method: "GET", path: "/favicon.ico"}, socket), do: reply(socket, 404, "text/plain", "")

  defp answer(%{method: "GET", path: "/history"}, socket) do
    case Archive.since(600) do
      {:ok, samples} -> json(socket, %{samples: Enum.map(samples, &Tuple.to_list/1)})
      # No error: the page goes on with what it sees itself.
      {:error, _} -> json(socket, %{samples: [], away: true})
    end
  end

  defp answer(%{method: "GET", path: "/events"} = request, socket),
    do: Events.stream(socket, request.headers["last-event-id"])

  defp answer(%{method: "POST", path: "/" <> path} = request, socket) do
    # Only our own page can send this field: for other pages the browser asks first, and is not allowed.
    if request.headers["x-station"] == "1" do
      case act(String.split(path, "/"), request.body) do
        :ok -> json(socket, %{ok: true})
        {:error, :not_found} -> reply(socket, 404, "text/plain", "no such thing\n")
        {:error, reason} -> reply(socket, 409, "text/plain", "#{inspect(reason)}\n")
      end
    else
      reply(socket, 403, "text/plain", "not from this page\n")
    end
  end

  defp answer(%{method: "GET"}, socket), do: reply(socket, 404, "text/plain", "no such page\n")
  # The fields alone, as those of GET without its contents.
  defp answer(%{method: "HEAD", path: "/"}, socket),
    do: reply(socket, 200, "text/html; charset=utf-8", "", Page.headers())

  defp answer(%{method: "HEAD"}, socket), do: reply(socket, 404, "text/plain", "")
  defp answer(_, socket), do: reply(socket, 405, "text/plain", "GET or POST\n", [{"Allow", "GET, HEAD, POST"}])

  defp act(["target"], body) do
    case Integer.parse(body) do
      {mm, ""} when mm in -10_000..10_000 -> Plant.set_target(mm)
      _ -> {:error, :no_number}
    end
  end

  defp act(["part", part, how], "") do
    how = %{"kill" => :kill, "crash" => :crash, "hang" => :hang, "compromise" => :compromise}[how]
    if how, do: Attack.begin(part, how), else: {:error, :not_found}
  end

  defp act(_, _), do: {:error, :not_found}

  defp json(socket, value), do: reply(socket, 200, "application/json", Json.encode(value))

  defp reply(socket, status, type, body, more \\ []) do
    fields = for {name, value} <- more, do: [name, ": ", value, "\r\n"]

    :gen_tcp.send(socket, [
      "HTTP/1.1 #{status} #{Map.fetch!(@reasons, status)}\r\n",
      "Content-Type: #{type}\r\nContent-Length: #{IO.iodata_length(body)}\r\n",
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n",
      [fields, "\r\n", body]
    ])

    # What is still on its way here would make the close a reset, and the answer be lost.
    :gen_tcp.shutdown(socket, :write)
    _ = :gen_tcp.recv(socket, 0, 1000)
    :ok
  end
end
