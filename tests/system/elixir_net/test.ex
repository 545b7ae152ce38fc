defmodule :kos_net_test do
  @compile {:no_warn_undefined, :ssh}
  @moduledoc false
  # The device's side of elixir_net_test.py: servers that the host asks, then what it asks the host itself. Each result is
  # a line "check NAME: pass" or why not.
  @host {10, 0, 2, 2}
  @outside :"host@10.0.2.2"

  def run do
    :logger.set_primary_config(:level, :none)
    spawn(&start/0)
  end

  defp start do
    for app <- [:ssl, :inets, :ssh, :iex], do: {:ok, _} = Application.ensure_all_started(app)
    certificate = certificate()
    for _ <- 1..2, do: serve_tls(certificate)
    host_key()
    ssh = [system_dir: '/tmp/ssh', user_passwords: [{'kos', 'sesame'}], auth_methods: 'password']
    {:ok, _} = :ssh.daemon(2222, [shell: {IEx, :start, []}] ++ ssh)
    {:ok, _} = :ssh.daemon(2223, ssh)
    IO.puts("net: ready")
    check("names", &names/0)
    check("no_such_name", fn -> :inet_res.lookup('none.kos.test', :in, :a) == [] end)
    check("http_client", &http/0)
    check("tls12_client", fn -> tls(:"tlsv1.2") end)
    check("tls13_client", fn -> tls(:"tlsv1.3") end)
    check("refused_port", &refused/0)
    check("refused_then_silent", &refused_then_silent/0)
    check("outside", &outside/0)
    check("outside_ends", &outside_ends/0)
    IO.puts("net: done")
    # The listeners are this process's.
    Process.sleep(:infinity)
  end

  defp check(name, function) do
    result =
      try do
        if function.(), do: "pass", else: "not what was expected"
      catch
        kind, reason -> inspect({kind, reason})
      end

    IO.puts("check #{name}: #{result}")
  end

  # --- Servers

  defp serve_tls(certificate) do
    {:ok, listener} =
      case Process.get(:tls) do
        nil ->
          versions = [versions: [:"tlsv1.2", :"tlsv1.3"], log_level: :error]
          :ssl.listen(8443, [:binary, active: false, reuseaddr: true] ++ certificate ++ versions)

        listener ->
          {:ok, listener}
      end

    Process.put(:tls, listener)
    spawn(fn -> accept_tls(listener) end)
  end

  # Says what was agreed, then everything twice.
  defp accept_tls(listener) do
    with {:ok, socket} <- :ssl.transport_accept(listener),
         {:ok, socket} <- :ssl.handshake(socket, 30_000) do
      {:ok, [protocol: version]} = :ssl.connection_information(socket, [:protocol])
      :ok = :ssl.send(socket, "#{version}\n")
      echo(socket)
    end

    accept_tls(listener)
  end

  defp echo(socket) do
    case :ssl.recv(socket, 0, 30_000) do
      {:ok, bytes} ->
        :ok = :ssl.send(socket, [bytes, bytes])
        echo(socket)

      {:error, _} ->
        :ssl.close(socket)
    end
  end

  defp certificate do
    key = [digest: :sha256, key: {:namedCurve, :secp256r1}]
    chain = %{root: key, intermediates: [], peer: key}
    %{server_config: config} = :public_key.pkix_test_data(%{server_chain: chain, client_chain: chain})
    Keyword.take(config, [:cert, :key])
  end

  defp host_key do
    File.mkdir_p!("/tmp/ssh")
    key = :public_key.generate_key({:namedCurve, :secp256r1})
    pem = :public_key.pem_encode([:public_key.pem_entry_encode(:ECPrivateKey, key)])
    File.write!("/tmp/ssh/ssh_host_ecdsa_key", pem)
  end

  # --- What it asks the host

  defp names do
    :inet_res.lookup('kos.test', :in, :a) == [{192, 0, 2, 7}] and
      :inet_res.lookup('kos.test', :in, :aaaa) == [{0x2001, 0xDB8, 0, 0, 0, 0, 0, 7}] and
      :inet.getaddr('kos.test', :inet) == {:ok, {192, 0, 2, 7}}
  end

  defp http do
    url = 'http://10.0.2.2:#{port("http_port")}/large'
    {:ok, {{_, 200, _}, _, body}} = :httpc.request(:get, {url, []}, [timeout: 60_000], body_format: :binary)
    body == :binary.copy("0123456789abcdef", 32_768)
  end

  defp tls(version) do
    options = [:binary, active: false, versions: [version], verify: :verify_none]
    {:ok, socket} = :ssl.connect(@host, port("tls_port"), options, 60_000)
    {:ok, [protocol: ^version]} = :ssl.connection_information(socket, [:protocol])
    :ok = :ssl.send(socket, "GET / HTTP/1.0\r\n\r\n")
    {:ok, "HTTP/1.0 200 ok" <> _} = :ssl.recv(socket, 0, 60_000)
    :ssl.close(socket) == :ok
  end

  # No rule: the router says so at once.
  defp refused do
    {time, result} = :timer.tc(fn -> :gen_tcp.connect({192, 0, 2, 9}, 80, [], 20_000) end)
    match?({:error, _}, result) and time < 19_000_000
  end

  # What is known of a descriptor ends with it: the next connection has its number, and nobody answers that one.
  defp refused_then_silent do
    {:ok, closed} = :gen_tcp.listen(0, [])
    {:ok, refusing} = :inet.port(closed)
    :ok = :gen_tcp.close(closed)
    {:ok, listener} = :gen_tcp.listen(0, backlog: 1)
    {:ok, silent} = :inet.port(listener)
    connect = fn port, limit -> :gen_tcp.connect({127, 0, 0, 1}, port, [active: false], limit) end
    # Until nobody waits in line any more without an answer.
    waiting = Stream.repeatedly(fn -> connect.(silent, 500) end) |> Enum.take_while(&match?({:ok, _}, &1))

    result =
      for _ <- 1..20 do
        {:error, :econnrefused} = connect.(refusing, 20_000)
        {:error, :econnrefused} = connect.(refusing, 20_000)
        connect.(silent, 50)
      end

    {:ok, open} = :gen_tcp.listen(0, [])
    {:ok, port} = :inet.port(open)
    {:ok, last} = connect.(port, 20_000)
    for socket <- [last, open, listener | Enum.map(waiting, &elem(&1, 1))], do: :gen_tcp.close(socket)
    Enum.uniq(result) == [{:error, :timeout}]
  end

  defp outside do
    true = Node.connect(@outside)
    bytes = :binary.copy("0123456789abcdef", 131_072)
    ^bytes = :erpc.call(@outside, :binary, :copy, [bytes, 1])
    # And back: the other node calls this one.
    Node.self() == :erpc.call(@outside, :erpc, :call, [Node.self(), :erlang, :node, []])
  end

  defp outside_ends do
    Node.monitor(@outside, true)
    :erpc.cast(@outside, :erlang, :halt, [])
    receive(do: ({:nodedown, @outside} -> true), after: (30_000 -> false))
  end

  defp port(name), do: Kos.KV.get_integer(name)
end
