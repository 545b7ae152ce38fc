defmodule Kos.Log do
  @moduledoc """
  Logger's backend for the system's log, and reading of it.

      config :logger, backends: [Kos.Log]

  Each line of a message becomes a line of the log, cut into pieces of at most 240 bytes; the log itself adds time and
  domain, as the kernel says it. Needs `[[uses]] port = "log"`, and a thread for its calls: `threads = 2` or more in `[app]` of
  the manifest (`app.toml`). Lines wait while the log is restarted, at most 1000; what is
  more is counted and the count is logged.
  """
  @behaviour :gen_event
  alias Kos.Port

  @write 1
  @read 2
  @line_max 240
  @waiting_max 1000
  @levels %{error: 1, warn: 2, warning: 2, info: 3, debug: 4}
  @head [sequence: :u64, ticks: :u64, instance: :u32, number: :u16, level: :u8, bytes: :u8, domain: {:text, 32}]
  @head_bytes 56

  @impl true
  def init(__MODULE__), do: init({__MODULE__, []})

  def init({__MODULE__, options}) do
    case GenServer.start_link(Port, {:name, "log", []}) do
      {:ok, port} -> {:ok, %{port: port, level: options[:level], waiting: %{}, lost: 0, is_refused: false}}
      {:error, reason} -> {:error, reason}
    end
  end

  @impl true
  def handle_call({:configure, options}, state), do: {:ok, :ok, %{state | level: options[:level]}}

  @impl true
  def handle_event({_level, leader, _}, state) when node(leader) != node(), do: {:ok, state}

  def handle_event({level, _leader, {Logger, text, _time, _metadata}}, state) do
    if state.level == nil or Logger.compare_levels(level, state.level) != :lt do
      {:ok, text |> pieces() |> Enum.reduce(state, &write(level, &1, &2))}
    else
      {:ok, state}
    end
  end

  def handle_event(:flush, state), do: {:ok, Enum.reduce(Map.keys(state.waiting), state, &wait_for/2)}
  def handle_event(_, state), do: {:ok, state}

  @impl true
  def handle_info({reference, result}, state) when is_map_key(state.waiting, reference),
    do: {:ok, done(reference, result, state)}

  def handle_info({:DOWN, reference, _, _, _}, state) when is_map_key(state.waiting, reference),
    do: {:ok, done(reference, {:error, :closed}, state)}

  def handle_info(_, state), do: {:ok, state}

  @impl true
  def terminate(_, state), do: Port.close(state.port)
  @impl true
  def code_change(_, state, _), do: {:ok, state}

  @doc """
  The lines of a message as the log takes them: without line feeds, at most 240 bytes, cut between characters.

      iex> Kos.Log.pieces(["one\\ntwo", ?!, "\\n"])
      ["one", "two!"]
      iex> "ä" |> String.duplicate(200) |> Kos.Log.pieces() |> Enum.map(&byte_size/1)
      [240, 160]
  """
  @spec pieces(IO.chardata()) :: [String.t()]
  def pieces(text) do
    text |> to_text() |> String.split("\n", trim: true) |> Enum.flat_map(&cut/1)
  end

  defp to_text(text) do
    IO.chardata_to_string(text)
  rescue
    _ -> inspect(text)
  end

  defp cut(line) when byte_size(line) <= @line_max, do: [line]

  defp cut(line) do
    at = Enum.find(@line_max..(@line_max - 3), &(not continues?(line, &1))) || @line_max
    <<piece::binary-size(at), rest::binary>> = line
    [piece | cut(rest)]
  end

  defp continues?(line, at), do: :binary.at(line, at) in 0x80..0xBF

  defp write(_level, _piece, state) when map_size(state.waiting) >= @waiting_max, do: %{state | lost: state.lost + 1}

  defp write(level, piece, %{lost: lost} = state) when lost > 0 do
    state = send_line(:warning, "#{lost} lines were lost: the log did not take them", %{state | lost: 0})
    send_line(level, piece, state)
  end

  defp write(level, piece, state), do: send_line(level, piece, state)

  defp send_line(level, piece, state) do
    reference = Port.async(state.port, @write, piece, param: number(level))
    %{state | waiting: Map.put(state.waiting, reference, true)}
  end

  defp wait_for(reference, state), do: done(reference, Port.await(reference, 1000), state)

  defp done(reference, {:ok, _}, state), do: %{state | waiting: Map.delete(state.waiting, reference)}

  # Nothing of it can be in the log itself.
  defp done(reference, {:error, :unauthorized}, %{is_refused: false} = state) do
    IO.puts(
      :stderr,
      "Kos.Log: the log takes no calls of this domain; [app] in app.toml needs threads = 2 or more for them"
    )

    done(reference, {:error, :unauthorized}, %{state | is_refused: true})
  end

  defp done(reference, {:error, _}, state),
    do: %{state | waiting: Map.delete(state.waiting, reference), lost: state.lost + 1}

  defp number(level) when level in [:emergency, :alert, :critical], do: 1
  defp number(:notice), do: 3
  defp number(level), do: Map.get(@levels, level, 3)

  @doc """
  Lines of the system's log from number `sequence` on: `{:ok, next, lost, lines}`, each `%{sequence:, ticks:, domain:,
  instance:, level:, text:}`. For the domains that the log's parameter `readers` names; `{:error, :empty}` at the end.
  """
  @spec read(non_neg_integer) ::
          {:ok, next :: non_neg_integer, lost :: non_neg_integer, [map]} | Port.error()
  def read(sequence) do
    Kos.Once.with_port("log", fn port ->
      with {:ok, %{words: {lost, count}} = message} <- Port.call(port, @read, "", param: sequence),
           {:ok, lines} <- lines(message.payload, count, []) do
        {:ok, message.param, lost, lines}
      else
        {:ok, _} -> {:error, :peer_invalid}
        error -> error
      end
    end)
  end

  defp lines(_, 0, done), do: {:ok, Enum.reverse(done)}

  defp lines(<<head::binary-size(@head_bytes), rest::binary>>, count, done) do
    with {:ok, %{bytes: bytes} = line} <- Kos.Wire.decode(head, @head),
         <<text::binary-size(bytes), rest::binary>> <- rest do
      fill = min(rem(8 - rem(@head_bytes + bytes, 8), 8), byte_size(rest))
      <<_::binary-size(fill), rest::binary>> = rest
      lines(rest, count - 1, [line |> Map.delete(:bytes) |> Map.put(:text, text) | done])
    else
      _ -> {:error, :peer_invalid}
    end
  end

  defp lines(_, _, _), do: {:error, :peer_invalid}
end
