defmodule Kos.ServerTest do
  use ExUnit.Case
  alias Kos.{Fake, Record}

  defmodule Greeter do
    use Kos.Server, port: "greeter", max_inflight: 4

    @impl true
    def init(test), do: {:ok, %{test: test, later: []}}
    @impl true
    def handle_connect(peer, state), do: tell({:connect, peer}, state)
    @impl true
    def handle_disconnect(peer, state), do: tell({:disconnect, peer}, state)

    @impl true
    def handle_call(1, message, _from, state), do: {:reply, :ok, %{message | param: message.param + 1}, state}
    def handle_call(2, _message, from, state), do: {:noreply, %{state | later: [from | state.later]}}

    def handle_call(3, message, from, state) do
      Enum.each(state.later, &Kos.Server.reply(&1, :created, message))
      Kos.Server.reply(from, :ok)
      {:noreply, %{state | later: []}}
    end

    def handle_call(4, _message, from, state) do
      Kos.Server.reply_token(from, 77, nil, single_use: true)
      {:noreply, state}
    end

    def handle_call(_, _, _, state), do: {:reply, :bad_request, nil, state}

    @impl true
    def handle_cast(label, payload, peer, state) do
      send(state.test, {:cast, label, payload, peer})
      {:noreply, state}
    end

    defp tell(what, state) do
      send(state.test, what)
      {:ok, state}
    end
  end

  setup do
    Fake.start()
    server = start_supervised!({Greeter, self()})
    {:ok, server: server}
  end

  defp call(socket, label, id, fields \\ []),
    do: Fake.put(socket, struct(%Record{kind: :call, label: label, call_id: id}, fields))

  test "calls, casts and who makes them" do
    socket = Fake.client("greeter", 9, "caller")
    assert_receive {:connect, %{domain: 9, name: "caller"}}
    call(socket, 1, 5, param: 41, payload: "x")
    assert {:ok, %{kind: :reply, call_id: 5, label: 128, param: 42, payload: "x"}} = Fake.get(socket)
    call(socket, 99, 6)
    assert {:ok, %{call_id: 6, label: 144}} = Fake.get(socket)
    Fake.put(socket, %Record{kind: :cast, label: 3, payload: "y"})
    assert_receive {:cast, 3, "y", %{domain: 9}}
    :socket.close(socket)
    assert_receive {:disconnect, %{name: "caller"}}
  end

  test "many are answered later, in any order; what is too much waits" do
    socket = Fake.client("greeter", 9, "caller")
    for id <- 1..3, do: call(socket, 2, id)
    call(socket, 3, 4, param: 7)
    answers = for _ <- 1..4, do: Fake.get(socket)
    assert answers |> Enum.map(fn {:ok, record} -> record.call_id end) |> Enum.sort() == [1, 2, 3, 4]
    for id <- 5..9, do: call(socket, 2, id)
    assert Fake.get(socket, 50) == :nothing
    {:ok, _} = {:ok, :sys.get_state(Process.whereis(Greeter) || find())}
  end

  defp find do
    [{_, pid, _, _}] = Supervisor.which_children(ExUnit.fetch_test_supervisor() |> elem(1))
    pid
  end

  test "tokens" do
    socket = Fake.client("greeter", 9, "caller")
    call(socket, 4, 1)
    assert {:ok, %{token: 77, flags: flags, label: 129}} = Fake.get(socket)
    assert Enum.sort(flags) == [:new_token, :single_use]
    call(socket, 1, 2, token: 77)
    assert {:ok, %{call_id: 2}} = Fake.get(socket)
  end

  test "a peer that writes nonsense is cut off, others are not" do
    good = Fake.client("greeter", 9, "caller")
    bad = Fake.client("greeter", 8, "liar")
    :ok = :socket.send(bad, "nonsense")
    assert Fake.get(bad) == :end
    call(good, 1, 1)
    assert {:ok, %{call_id: 1}} = Fake.get(good)
  end

  test "not granted" do
    Application.put_env(:kos, :root, "/nonexistent")
    Process.flag(:trap_exit, true)
    assert {:error, {:not_granted, "greeter"}} = Kos.Server.start_link(Greeter, self(), port: "greeter")
  end
end
