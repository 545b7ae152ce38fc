defmodule <%= @module %>.MixProject do
  use Mix.Project

  @app :<%= @name %>

  def project do
    [
      app: @app,
      version: "0.1.0",<%= if @umbrella do %>
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",<% end %>
      elixir: "~> 1.14",
      archives: [kos_mix: "~> 0.1"],<%= if @library do %>
      # Typed modules (<%= @module %>.Idl.*) of the *.capnp beside this file and of these, of other applications or of KOS: mix help compile.kos
      compilers: [:kos | Mix.compilers()],
      kos_interfaces: [],<%= if @module != Macro.camelize(@name) do %>
      kos_interfaces_in: <%= @module %>.Idl,<% end %><% end %>
      start_permanent: Mix.env() == :prod,
      deps: deps(),
      releases: [{@app, release()}]
    ]
  end

  def application do
    [
      mod: {<%= @module %>.Application, []},
      extra_applications: [:logger, :runtime_tools]
    ]
  end

  defp deps do
    [<%= if @library do %>Kos.Mix.library()<% end %>]
  end

  # Its Erlang run-time system and native libraries are replaced by the device's when the root image is made.
  defp release do
    [
      include_executables_for: [],
      strip_beams: Mix.env() == :prod or [keep: ["Docs"]]
    ]
  end
end
