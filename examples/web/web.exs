# A web server: OTP's own httpd, with HTTP on port 8080 and HTTPS on port 8443 (a certificate that it makes itself).

defmodule Web do
  # httpd asks `do` of each module for each request; the record `mod` is a tuple (inets, "httpd: Developing modules").
  @method 6
  @path 8
  @body 12

  def unquote(:do)(request) do
    method = elem(request, @method)
    # httpd leaves the body out only of its own files.
    asked = if method == 'HEAD', do: 'GET', else: method
    {code, type, body} = answer(asked, elem(request, @path), elem(request, @body))
    head = [code: code, content_type: type, content_length: Integer.to_charlist(byte_size(body))]
    {:proceed, [response: {:response, head, if(method == 'HEAD', do: [], else: [body])}]}
  end

  defp answer('GET', '/', _) do
    text = """
    <!doctype html><title>KOS</title>
    <p>Erlang/OTP #{System.otp_release()}, Elixir #{System.version()}, on #{node_name()}.</p>
    <p>#{:erlang.system_info(:process_count)} processes, #{div(:erlang.memory(:total), 1024)} KiB.</p>
    """

    {200, 'text/html', text}
  end

  # As many bytes as asked for, at most a mebibyte.
  defp answer('GET', '/bytes/' ++ count, _) do
    case Integer.parse(to_string(count)) do
      {bytes, ""} when bytes in 0..1_048_576 -> {200, 'application/octet-stream', :binary.copy("k", bytes)}
      _ -> {400, 'text/plain', "a number up to 1048576\n"}
    end
  end

  defp answer('POST', '/echo', body), do: {200, 'application/octet-stream', IO.iodata_to_binary(body)}
  defp answer(_, _, _), do: {404, 'text/plain', "no such page\n"}

  defp node_name do
    {:ok, name} = :inet.gethostname()
    name
  end

  def start(port, socket_type) do
    {:ok, _} =
      :inets.start(:httpd,
        port: port,
        bind_address: :any,
        server_name: 'kos',
        server_root: '/tmp',
        document_root: '/tmp',
        socket_type: socket_type,
        max_clients: 600,
        max_body_size: 1_048_576,
        modules: [__MODULE__]
      )
  end

  # Made anew at each start: there is nothing to keep secret in the image.
  def certificate do
    key = [digest: :sha256, key: {:namedCurve, :secp256r1}]
    chain = %{root: key, intermediates: [], peer: key}
    %{server_config: config} = :public_key.pkix_test_data(%{server_chain: chain, client_chain: chain})
    Keyword.take(config, [:cert, :key])
  end

  def encryption do
    [
      versions: [:"tlsv1.2", :"tlsv1.3"],
      alpn_preferred_protocols: ["http/1.1"],
      client_renegotiation: false,
      # Whoever comes back with TLS 1.3 need not be sent the certificate again.
      session_tickets: :stateless,
      log_level: :error
    ]
  end
end

{:ok, _} = Application.ensure_all_started(:ssl)
{:ok, _} = Application.ensure_all_started(:inets)
# A page is two writes: without nodelay the second waits until the client has acknowledged the first, some 40 ms.
Application.put_env(:kernel, :inet_default_listen_options, nodelay: true)
Web.start(8080, :ip_comm)
Web.start(8443, {:ssl, Web.certificate() ++ Web.encryption()})
IO.puts("web: ports 8080 and 8443")
