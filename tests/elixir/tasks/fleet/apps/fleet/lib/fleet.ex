defmodule Fleet do
  @moduledoc "Does at its start what applications rely on, and says what it found."
  use Application
  require Logger

  @env Application.compile_env!(:fleet, :env)

  @impl true
  def start(_type, _arguments) do
    Supervisor.start_link([{Task, &report/0}], strategy: :one_for_one, name: Fleet.Supervisor)
  end

  def report do
    for {name, check} <- checks() do
      result = try do: check.(), rescue: (error -> Exception.message(error)), catch: (kind, value -> {kind, value})
      IO.puts("fleet: #{name}: #{inspect(result)}")
    end

    Logger.info("fleet: all was looked at")
  end

  defp checks do
    [
      environment: fn -> {@env, Application.get_env(:fleet, :target), Application.get_env(:fleet, :where)} end,
      secret: fn -> Application.get_env(:fleet, :secret_bytes) end,
      static: fn -> :fleet |> Application.app_dir("priv/static/index.html") |> File.read!() |> String.trim() end,
      priv_is_writable: fn ->
        file = Path.join(:code.priv_dir(:fleet), "cache/zones.etf")
        File.mkdir_p!(Path.dirname(file))
        File.write!(file, "data")
        File.read!(file)
      end,
      nif: fn -> Fleet.Nif.machine() end,
      port_program: fn ->
        program = Path.join(:code.priv_dir(:fleet), "machine")
        port = Port.open({:spawn_executable, program}, [:binary, :exit_status])

        receive do
          {^port, {:data, data}} -> String.trim(data)
          {^port, {:exit_status, status}} -> {:status, status}
        after
          30_000 -> :timeout
        end
      end,
      erlang_dependency: fn -> :plain.answer() end,
      make_dependency: fn -> :wire.checksum("KOS") end,
      authorities: fn -> length(:public_key.cacerts_get()) > 50 end,
      host_name: fn -> :inet.gethostname() end,
      memory: fn -> Keyword.fetch!(:memsup.get_system_memory_data(), :total_memory) > 0 end,
      web: fn -> Code.ensure_loaded?(FleetWeb) end
    ]
  end
end

defmodule Fleet.Nif do
  @on_load :load
  def load, do: :fleet |> :code.priv_dir() |> :filename.join('fleet_nif') |> :erlang.load_nif(0)
  def machine, do: :erlang.nif_error(:not_loaded)
end
