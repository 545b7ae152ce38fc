defmodule Kos.Interface do
  @moduledoc """
  Typed messages of an interface: what the modules are made of that the compiler `:kos` makes of schemas (`mix help compile.kos`), below the
  application's name. What is in the tree itself has them below `Kos.Idl`; by hand:

      KOS_IDL_EMIT=elixir KOS_IDL_MODULE=Panel.Idl capnp compile -I idl --src-prefix=idl -obuild/host/tools/idl/idl:lib idl/sensor.capnp

  A module has a function for each method: `Panel.Idl.Sensor.latest(conn, %{})` gives `{:ok, %{sample: %{...}}}` or
  `{:error, status}`; the last argument takes the options of `Kos.Port.call/4`. One-way methods are casts. And it is a
  behaviour for servers: `handle_METHOD(fields, from, state)`, with `dispatch/5` called in `Kos.Server`'s `handle_call/4`:

      def handle_call(label, message, from, state), do: Panel.Idl.Counter.dispatch(label, message, __MODULE__, from, state)
      def handle_add(%{by: by}, _from, sum), do: {:reply, %{total: sum + by}, sum + by}

  A handler answers `{:reply, fields, state}`, `{:error, status, state}` or `{:noreply, state}`, and later
  `answer(:method, from, fields)`. What the schema does not allow is `:bad_request` for clients, `:peer_invalid` from servers,
  `:invalid_argument` (nothing is sent) for who calls: as in the other languages.
  """
  alias Kos.Message

  defmacro __using__(options) do
    quote bind_quoted: [methods: options[:methods]] do
      @methods methods
      @by_label Map.new(for(method <- methods, not method.one_way, do: {method.label, method}))

      @doc "The table of the messages."
      def methods, do: @methods

      for method <- methods do
        name = method.name
        escaped = Macro.escape(method)
        @doc method.doc
        def unquote(name)(conn, fields \\ %{}, options \\ []),
          do: Kos.Interface.call(conn, unquote(escaped), fields, options)

        unless method.one_way do
          @callback unquote(:"handle_#{name}")(fields :: map, from :: term, state :: term) ::
                      {:reply, map, term} | {:error, atom, term} | {:noreply, term}
          @optional_callbacks [{:"handle_#{name}", 3}]

          @doc false
          def answer(unquote(name), from, fields), do: Kos.Interface.answer(from, unquote(escaped), fields)
        end
      end

      @doc "Hands a request to the handler of its method."
      def dispatch(label, message, module, from, state),
        do: Kos.Interface.dispatch(@by_label[label], message, module, from, state)
    end
  end

  # --- Calls

  @doc false
  def call(conn, %{one_way: true} = method, fields, _options) do
    case encode(method.request, fields) do
      {:ok, %{payload: payload}} -> Kos.Port.cast(conn, method.label, payload)
      :error -> {:error, :invalid_argument}
    end
  end

  def call(conn, method, fields, options) do
    with {:ok, request} <- encode(method.request, fields),
         own = [param: request.param, words: request.words, small: small?(method)],
         {:ok, message} <- Kos.Port.call(conn, method.label, request.payload, own ++ options) do
      case decode(method.answer, message) do
        {:ok, answer} -> {:ok, answer}
        :error -> {:error, :peer_invalid}
      end
    else
      :error -> {:error, :invalid_argument}
      {:error, reason} -> {:error, reason}
    end
  end

  defp small?(method), do: small_message?(method.request) and small_message?(method.answer)

  defp small_message?(message),
    do: message.payload_max == 0 and not Enum.any?(message.fields, fn {_, type, _} -> token?(type) end)

  # --- Serving

  @doc false
  def dispatch(nil, _message, _module, _from, state), do: {:reply, :bad_request, nil, state}

  def dispatch(method, message, module, from, state) do
    handler = :"handle_#{method.name}"

    with true <- exports?(module, handler) || :absent,
         {:ok, fields} <- decode(method.request, message) do
      case apply(module, handler, [fields, from, state]) do
        {:reply, answer, state} -> reply(method, answer, state)
        {:error, status, state} -> {:reply, status, nil, state}
        {:noreply, state} -> {:noreply, state}
      end
    else
      :absent -> {:reply, :not_implemented, nil, state}
      :error -> {:reply, :bad_request, nil, state}
    end
  end

  # A module that nobody has called yet is not loaded, and exports nothing then.
  defp exports?(module, handler),
    do:
      function_exported?(module, handler, 3) or
        (Code.ensure_loaded?(module) and function_exported?(module, handler, 3))

  defp reply(method, fields, state) do
    case encode(method.answer, fields) do
      {:ok, message} -> {:reply, :ok, message, state}
      :error -> {:reply, :internal_error, nil, state}
    end
  end

  @doc false
  def answer(from, method, fields) do
    case encode(method.answer, fields) do
      {:ok, message} -> Kos.Server.reply(from, :ok, message)
      :error -> Kos.Server.reply(from, :internal_error)
    end
  end

  # --- Layout (idl/README.md)

  @doc """
  A message of a table out of its fields. `:error` if one is missing, too long, or not of its type.

      iex> table = %{registers: true, fixed: 8, variable_at: 0, payload_max: 0,
      ...>   fields: [{:a, {:unsigned, 4}, 0}, {:b, {:unsigned, 4}, 4}]}
      iex> {:ok, message} = Kos.Interface.encode(table, %{a: 1, b: 2})
      iex> message.param
      0x200000001
      iex> Kos.Interface.decode(table, message)
      {:ok, %{a: 1, b: 2}}
      iex> Kos.Interface.encode(table, %{a: 1})
      :error
  """
  @spec encode(map, map) :: {:ok, Message.t()} | :error
  def encode(table, fields) do
    with {:ok, fixed} <- encode_fixed(table.fields, table.fixed, fields),
         {:ok, variable} <- encode_variable(table.fields, fields) do
      {:ok, place(table, fixed, variable)}
    end
  end

  defp place(%{registers: true} = table, fixed, variable) do
    <<param::little-64, word0::little-64, word1::little-64>> = fixed <> zeros(24 - byte_size(fixed))
    # Messages of registers alone always have words.
    has_words = table.fixed > 8 or table.payload_max == 0
    %Message{param: param, words: if(has_words, do: {word0, word1}), payload: variable}
  end

  defp place(table, fixed, ""), do: %Message{payload: pad_variable(table, fixed)}
  defp place(table, fixed, variable), do: %Message{payload: pad_variable(table, fixed) <> variable}

  defp pad_variable(%{variable_at: at}, fixed) when at > byte_size(fixed), do: fixed <> zeros(at - byte_size(fixed))
  defp pad_variable(_, fixed), do: fixed

  defp encode_fixed(list, size, values) do
    Enum.reduce_while(list, {:ok, zeros(size)}, fn {name, type, offset}, {:ok, bytes} ->
      with true <- fixed?(type),
           {:ok, value} <- Map.fetch(values, name),
           {:ok, encoded} <- put(type, value) do
        {:cont, {:ok, replace(bytes, offset, encoded)}}
      else
        # Of variable length, or a token: elsewhere.
        false -> {:cont, {:ok, bytes}}
        :error -> {:halt, :error}
      end
    end)
  end

  defp encode_variable(list, values) do
    case Enum.find(list, fn {_, type, _} -> variable?(type) end) do
      nil -> {:ok, ""}
      {name, type, _} -> with {:ok, value} <- Map.fetch(values, name), do: put(type, value)
    end
  end

  @doc "The fields of a message. `:error` if it is none that the table allows."
  @spec decode(map, Message.t()) :: {:ok, map} | :error
  def decode(table, message) do
    {word0, word1} = message.words || {0, 0}
    registers = <<message.param::little-64, word0::little-64, word1::little-64>>
    size = table.fixed

    with {:ok, fixed, rest} <- split(table, registers, message.payload),
         true <- byte_size(message.payload) <= table.payload_max || :error,
         true <- byte_size(fixed) == size || :error,
         {:ok, fields} <- decode_fields(table.fields, fixed, %{}) do
      decode_variable(table.fields, rest, message, fields)
    end
  end

  # What nobody uses is zero.
  defp split(%{registers: true, fixed: size}, registers, payload) do
    <<fixed::binary-size(size), unused::binary>> = registers
    if unused == zeros(24 - size), do: {:ok, fixed, payload}, else: :error
  end

  defp split(table, registers, payload) do
    size = table.fixed
    gap = max(table.variable_at - size, 0)

    case payload do
      <<fixed::binary-size(size)>> when gap == 0 ->
        if registers == zeros(24), do: {:ok, fixed, ""}, else: :error

      <<fixed::binary-size(size), fill::binary-size(gap), rest::binary>> ->
        if registers == zeros(24) and fill == zeros(gap), do: {:ok, fixed, rest}, else: :error

      _ ->
        :error
    end
  end

  defp decode_fields(list, bytes, done) do
    Enum.reduce_while(list, {:ok, done}, fn {name, type, offset}, {:ok, fields} ->
      with true <- fixed?(type), {:ok, value} <- get(type, binary_part(bytes, offset, size(type))) do
        {:cont, {:ok, Map.put(fields, name, value)}}
      else
        false -> {:cont, {:ok, fields}}
        :error -> {:halt, :error}
      end
    end)
  end

  defp decode_variable(list, rest, message, fields) do
    fields =
      case Enum.find(list, fn {_, type, _} -> token?(type) end) do
        nil -> fields
        {name, _, _} -> Map.put(fields, name, message.token)
      end

    case Enum.find(list, fn {_, type, _} -> variable?(type) end) do
      nil -> if rest == "", do: {:ok, fields}, else: :error
      {name, type, _} -> with {:ok, value} <- get(type, rest), do: {:ok, Map.put(fields, name, value)}
    end
  end

  defp variable?({kind, _}) when kind in [:text, :raw_text, :data], do: true
  defp variable?({:list, _, _, _}), do: true
  defp variable?(_), do: false
  defp token?(type), do: type in [:token, :optional_token]
  defp fixed?(type), do: not variable?(type) and not token?(type)

  defp size(:bool), do: 1
  defp size({:enum, _}), do: 1
  defp size({:struct, bytes, _}), do: bytes
  defp size({_, bytes}), do: bytes

  defp put(:bool, value) when is_boolean(value), do: {:ok, if(value, do: <<1>>, else: <<0>>)}

  defp put({:unsigned, bytes}, value) when is_integer(value) and value >= 0 do
    if value < Bitwise.bsl(1, 8 * bytes), do: {:ok, <<value::little-size(bytes)-unit(8)>>}, else: :error
  end

  defp put({:signed, bytes}, value) when is_integer(value) do
    half = Bitwise.bsl(1, 8 * bytes - 1)
    if value in -half..(half - 1), do: {:ok, <<value::little-signed-size(bytes)-unit(8)>>}, else: :error
  end

  defp put({:float, bytes}, value) when is_number(value), do: {:ok, <<value::little-float-size(bytes)-unit(8)>>}

  defp put({:enum, names}, value) do
    case Enum.find_index(names, &(&1 == value)) do
      nil -> :error
      index -> {:ok, <<index>>}
    end
  end

  defp put({:struct, bytes, list}, value) when is_map(value), do: encode_fixed(list, bytes, value)

  defp put({:fixed_text, bytes}, value) when is_binary(value) and byte_size(value) < bytes do
    if text?(value), do: {:ok, value <> zeros(bytes - byte_size(value))}, else: :error
  end

  defp put({:fixed_data, bytes}, value) when is_binary(value) and byte_size(value) == bytes, do: {:ok, value}

  defp put({:text, most}, value) when is_binary(value) and byte_size(value) <= most,
    do: if(text?(value), do: {:ok, value}, else: :error)

  defp put({kind, most}, value) when kind in [:raw_text, :data] and is_binary(value) and byte_size(value) <= most,
    do: {:ok, value}

  defp put({:list, most, _bytes, type}, values) when is_list(values) and length(values) <= most do
    encoded = Enum.map(values, &put(type, &1))
    if :error in encoded, do: :error, else: {:ok, Enum.map_join(encoded, "", &elem(&1, 1))}
  end

  defp put(_, _), do: :error

  defp get(:bool, <<value>>) when value in [0, 1], do: {:ok, value == 1}
  defp get({:unsigned, _}, bytes), do: {:ok, :binary.decode_unsigned(bytes, :little)}

  defp get({:signed, size}, bytes) do
    <<value::little-signed-size(size)-unit(8)>> = bytes
    {:ok, value}
  end

  defp get({:float, size}, bytes) do
    case bytes do
      <<value::little-float-size(size)-unit(8)>> -> {:ok, value}
      # Infinite, or no number: Elixir has none such.
      _ -> :error
    end
  end

  defp get({:enum, names}, <<number>>), do: Enum.fetch(names, number)

  defp get({:struct, _, list}, bytes) do
    # Bytes between fields are zero: the value has one form.
    with {:ok, fields} <- decode_fields(list, bytes, %{}),
         {:ok, ^bytes} <- encode_fixed(list, byte_size(bytes), fields) do
      {:ok, fields}
    else
      _ -> :error
    end
  end

  defp get({:fixed_text, size}, bytes) do
    [text | _] = :binary.split(bytes, <<0>>)
    rest = size - byte_size(text)
    if rest > 0 and String.valid?(text) and bytes == text <> zeros(rest), do: {:ok, text}, else: :error
  end

  defp get({:fixed_data, _}, bytes), do: {:ok, bytes}
  defp get({:text, _}, bytes), do: if(text?(bytes), do: {:ok, bytes}, else: :error)
  defp get({kind, _}, bytes) when kind in [:raw_text, :data], do: {:ok, bytes}

  defp get({:list, most, each, type}, bytes) do
    if rem(byte_size(bytes), each) == 0 and div(byte_size(bytes), each) <= most do
      values = for <<one::binary-size(each) <- bytes>>, do: get(type, one)
      if :error in values, do: :error, else: {:ok, Enum.map(values, &elem(&1, 1))}
    else
      :error
    end
  end

  defp get(_, _), do: :error

  defp text?(bytes), do: String.valid?(bytes) and not String.contains?(bytes, <<0>>)
  defp zeros(count), do: :binary.copy(<<0>>, count)

  defp replace(bytes, offset, part) do
    <<before::binary-size(offset), _::binary-size(byte_size(part)), rest::binary>> = bytes
    before <> part <> rest
  end
end
