defmodule Kos.InterfaceTest do
  use ExUnit.Case
  alias Kos.{Fake, Message}

  doctest Kos.Interface

  # As tools/idl writes it.
  defmodule Sensor do
    use Kos.Interface,
      methods: [
        %{
          name: :latest,
          label: 1,
          one_way: false,
          doc: "The last measurement.",
          request: %{registers: true, fixed: 0, variable_at: 0, payload_max: 0, fields: []},
          answer: %{
            registers: true,
            fixed: 8,
            variable_at: 0,
            payload_max: 0,
            fields: [{:sample, {:struct, 8, [{:level, {:signed, 4}, 0}, {:health, {:enum, [:good, :broken]}, 4}]}, 0}]
          }
        },
        %{
          name: :find,
          label: 2,
          one_way: false,
          doc: "",
          request: %{
            registers: true,
            fixed: 1,
            variable_at: 0,
            payload_max: 8,
            fields: [{:exact, :bool, 0}, {:text, {:text, 8}, 0}]
          },
          answer: %{
            registers: false,
            fixed: 32,
            variable_at: 32,
            payload_max: 36,
            fields: [{:name, {:fixed_text, 32}, 0}, {:values, {:list, 2, 2, {:unsigned, 2}}, 0}]
          }
        },
        %{
          name: :note,
          label: 9,
          one_way: true,
          doc: "",
          request: %{registers: false, fixed: 8, variable_at: 0, payload_max: 8, fields: [{:value, {:unsigned, 8}, 0}]},
          answer: %{registers: true, fixed: 0, variable_at: 0, payload_max: 0, fields: []}
        }
      ]

    def handle_latest(%{}, _from, state), do: {:reply, %{sample: %{level: -5, health: :broken}}, state}
    def handle_find(%{text: "bad"}, _from, state), do: {:reply, %{name: 7, values: []}, state}
    def handle_find(%{text: "none"}, _from, state), do: {:error, :not_found, state}
    def handle_find(%{text: text, exact: exact}, _from, state), do: {:reply, %{name: text, values: [exact]}, state}
  end

  # A server that hands everything to the handlers, and a client, with records between.
  setup do
    Fake.start()
    test = self()

    Fake.port("sensor", fn
      %{kind: :cast} = record ->
        send(test, {:cast, record.payload}) && :silent

      record ->
        message = %Message{param: record.param, words: record.words, payload: record.payload}

        case Sensor.dispatch(record.label, message, Sensor, nil, :state) do
          {:reply, status, nil, :state} ->
            [Fake.reply(record, label: Kos.status_number(status))]

          {:reply, :ok, answer, :state} ->
            [Fake.reply(record, param: answer.param, words: answer.words, payload: answer.payload)]
        end
    end)

    {:ok, sensor} = Kos.Port.start_link("sensor")
    {:ok, sensor: sensor}
  end

  test "typed calls", %{sensor: sensor} do
    assert Sensor.latest(sensor) == {:ok, %{sample: %{level: -5, health: :broken}}}
    assert Sensor.find(sensor, %{text: "none", exact: false}) == {:error, :not_found}
    # The handler's mistakes and the caller's.
    assert Sensor.find(sensor, %{text: "bad", exact: false}) == {:error, :internal_error}
    assert Sensor.find(sensor, %{text: "x", exact: true}) == {:error, :internal_error}
    assert Sensor.find(sensor, %{text: "much too long", exact: true}) == {:error, :invalid_argument}
    assert Sensor.find(sensor, %{text: "x"}) == {:error, :invalid_argument}
    assert Sensor.note(sensor, %{value: 7}) == :ok
    assert_receive {:cast, <<7::little-64>>}
  end

  test "what the schema does not allow" do
    [latest, find, _] = Sensor.methods()
    assert Kos.Interface.decode(latest.request, %Message{param: 1}) == :error
    assert Kos.Interface.decode(latest.request, %Message{payload: "x"}) == :error
    assert Kos.Interface.decode(find.request, %Message{param: 2, payload: "x"}) == :error
    assert Kos.Interface.decode(find.request, %Message{param: 1, payload: <<0xFF>>}) == :error
    assert Kos.Interface.decode(find.request, %Message{param: 1, payload: "123456789"}) == :error
    assert Kos.Interface.decode(find.request, %Message{param: 1, payload: "12"}) == {:ok, %{exact: true, text: "12"}}
    # A struct's unused bytes are zero, enums exist.
    assert Kos.Interface.decode(latest.answer, %Message{param: 0x0000_0001_0000_0000}) ==
             {:ok, %{sample: %{level: 0, health: :broken}}}

    assert Kos.Interface.decode(latest.answer, %Message{param: 0x0000_0101_0000_0000}) == :error
    assert Kos.Interface.decode(latest.answer, %Message{param: 0x0000_0002_0000_0000}) == :error
    name = "ab" <> :binary.copy(<<0>>, 30)

    assert Kos.Interface.decode(find.answer, %Message{payload: name <> <<7, 0, 8, 0>>}) ==
             {:ok, %{name: "ab", values: [7, 8]}}

    assert Kos.Interface.decode(find.answer, %Message{payload: name <> <<7>>}) == :error
    assert Kos.Interface.decode(find.answer, %Message{payload: name <> <<1::48>>}) == :error
    assert Sensor.dispatch(77, %Message{}, Sensor, nil, :state) == {:reply, :bad_request, nil, :state}
  end
end
