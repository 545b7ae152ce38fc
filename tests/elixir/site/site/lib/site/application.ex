defmodule Site.Application do
  use Application

  @impl true
  def start(_type, _arguments) do
    server = {PlugCowboy, port: Application.fetch_env!(:site, :port), page: &Site.page/1}
    Supervisor.start_link([server], strategy: :one_for_one, name: Site.Supervisor)
  end
end
