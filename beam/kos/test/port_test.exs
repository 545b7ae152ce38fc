defmodule Kos.PortTest do
  use ExUnit.Case
  alias Kos.{Fake, Record}

  doctest Kos
  doctest Kos.Record

  setup do
    {:ok, root: Fake.start()}
  end

  test "a call and its answer" do
    Fake.port("echo", &[Fake.reply(&1, payload: Fake.backwards(&1.payload), words: &1.words)])
    {:ok, echo} = Kos.Port.start_link("echo")
    assert {:ok, answer} = Kos.Port.call(echo, 1, "abc", param: 41, words: {7, 8})
    assert %Kos.Message{status: :ok, param: 42, words: {7, 8}, payload: "cba"} = answer
    large = :crypto.strong_rand_bytes(4096)
    assert {:ok, %{payload: back}} = Kos.Port.call(echo, 1, large)
    assert back == Fake.backwards(large)
    assert %{name: "echo", payload_max: 4096, queue: true, tokens: false, at_once: 4} = Kos.Port.info(echo)
    assert Kos.ports() == ["echo"]
  end

  test "a status that is no success is an error" do
    Fake.port("echo", &[Fake.reply(&1, label: Kos.status_number(:not_found))])
    {:ok, echo} = Kos.Port.start_link("echo")
    assert Kos.Port.call(echo, 1) == {:error, :not_found}
  end

  test "a port that is not granted is final" do
    Process.flag(:trap_exit, true)
    {:ok, pid} = Kos.Port.start_link("nothing")
    assert_receive {:EXIT, ^pid, {:not_granted, "nothing"}}
    assert Kos.Port.call(pid, 1) == {:error, :closed}
    assert Kos.Port.await(Kos.Port.async(pid, 1)) == {:error, :closed}
  end

  test "answers in any order, thousands under way" do
    # Every second one is kept until the next comes.
    kept = :ets.new(:kept, [:public])

    Fake.port("echo", fn record ->
      case :ets.take(kept, :last) do
        [] -> :ets.insert(kept, {:last, record}) && :silent
        [{:last, before}] -> [Fake.reply(record), Fake.reply(before)]
      end
    end)

    {:ok, echo} = Kos.Port.start_link("echo", max_queue: 10_000)
    references = for number <- 1..10_000, do: {number, Kos.Port.async(echo, 1, "", param: number, timeout: 60_000)}

    for {number, reference} <- references do
      assert {:ok, %{param: param}} = Kos.Port.await(reference, 60_000)
      assert param == number + 1
    end

    assert %{waiting: 0} = Kos.Port.info(echo)
  end

  test "a server that does not read is felt as overload, and time ends all of it" do
    test = self()

    Fake.port("slow", fn _ ->
      send(test, {:reader, self()})
      receive do: (:go_on -> :silent)
    end)

    {:ok, slow} = Kos.Port.start_link("slow", max_queue: 10)
    payload = :binary.copy("x", 4096)
    references = for _ <- 1..2000, do: Kos.Port.async(slow, 1, payload, timeout: 50)
    results = Enum.map(references, &Kos.Port.await(&1, 5000))
    assert Enum.count(results, &(&1 == {:error, :overload})) > 1000
    assert Enum.count(results, &(&1 == {:error, :timeout})) > 10
    assert Enum.all?(results, &(&1 in [{:error, :overload}, {:error, :timeout}]))
  end

  test "the server's end is told once to each monitor, and the connection goes on" do
    Fake.port("frail", fn
      %{label: 9} = record -> [Fake.status(record, :peer_gone), %Record{kind: :gone}]
      record -> [Fake.reply(record)]
    end)

    {:ok, frail} = Kos.Port.start_link("frail")
    :ok = Kos.Port.monitor(frail)
    assert Kos.Port.call(frail, 9) == {:error, :peer_gone}
    assert_receive {:kos_gone, ^frail, "frail"}
    assert {:ok, _} = Kos.Port.call(frail, 1)
    refute_received {:kos_gone, _, _}
  end

  test "casts" do
    test = self()
    Fake.port("log", fn record -> send(test, {:seen, record}) && :silent end)
    {:ok, log} = Kos.Port.start_link("log")
    assert :ok = Kos.Port.cast(log, 0x101, "broken")
    assert_receive {:seen, %Record{kind: :cast, label: 0x101, payload: "broken"}}
    assert_raise FunctionClauseError, fn -> Kos.Port.cast(log, 1, :binary.copy("x", 49)) end
  end

  test "records that are none end the connection's process" do
    Process.flag(:trap_exit, true)
    Fake.port("liar", fn _ -> {:raw, "nonsense"} end)
    {:ok, liar} = Kos.Port.start_link("liar")
    assert Kos.Port.call(liar, 1) in [{:error, :closed}]
    assert_receive {:EXIT, ^liar, :invalid_record}
  end

  test "a connection that is cut is made again" do
    Fake.port("echo", fn
      %{label: 9} -> :close
      record -> [Fake.reply(record)]
    end)

    {:ok, echo} = Kos.Port.start_link("echo")
    assert Kos.Port.call(echo, 9) == {:error, :closed}
    assert {:ok, _} = Kos.Port.call(echo, 1)
  end
end
