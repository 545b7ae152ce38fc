defmodule Kos.Mix.AdoptTest do
  use ExUnit.Case, async: true
  alias Kos.Mix.Adopt

  setup do
    folder = Path.join(System.tmp_dir!(), "kos-adopt-#{System.unique_integer([:positive])}")
    on_exit(fn -> File.rm_rf!(folder) end)
    %{folder: folder}
  end

  defp write(folder, files) do
    for {name, text} <- files do
      File.mkdir_p!(Path.dirname(Path.join(folder, name)))
      File.write!(Path.join(folder, name), text)
    end
  end

  test "a Phoenix project has a port and what its runtime.exs reads", %{folder: folder} do
    runtime = """
    if System.get_env("PHX_SERVER"), do: config(:shop, server: true)
    database_url = System.get_env("DATABASE_URL") || raise "missing"
    secret = System.fetch_env!("SECRET_KEY_BASE")
    port = String.to_integer(System.get_env("PORT") || "4000")
    host = System.get_env( "PHX_HOST") || "example.com"
    again = System.get_env("PORT")
    node = System.get_env("RELEASE_NODE")
    # keyfile: System.get_env("SOME_KEY_PATH"),
    text = "System.get_env(\\"QUOTED\\")"
    database = System.get_env("DATABASE_PATH") || raise "missing"
    {:ok, zone} = System.fetch_env("ZONE")
    """

    write(folder, [{"mix.exs", ~s({:phoenix, "~> 1.7"})}, {"config/runtime.exs", runtime}])
    found = Adopt.look(folder, app: :shop)
    assert {found.name, found.port, found.umbrella?} == {"shop", 4000, false}
    names = Enum.map(found.variables, &elem(&1, 0))
    assert names == ~w(PHX_SERVER DATABASE_URL SECRET_KEY_BASE PORT PHX_HOST DATABASE_PATH ZONE)
    assert found.required == ["DATABASE_URL"]
    values = Map.new(found.variables)
    assert values["DATABASE_PATH"] == "/tmp/shop.db"
    assert values["DATABASE_URL"] == nil
    assert values["PHX_SERVER"] == "true"
    # Phoenix wants 64 bytes at least.
    assert byte_size(values["SECRET_KEY_BASE"]) >= 64
    assert values["SECRET_KEY_BASE"] != Map.new(Adopt.look(folder, app: :shop).variables)["SECRET_KEY_BASE"]
  end

  test "what a Phoenix project has to know is said", %{folder: folder} do
    runtime = ~s[host = System.get_env("PHX_HOST"); path = System.get_env("DATABASE_PATH")]
    write(folder, [{"mix.exs", ~s({:phoenix, "~> 1.7"} "assets.deploy": [])}, {"config/runtime.exs", runtime}])
    assert [assets, host, database] = Adopt.look(folder, app: :shop).notes
    assert assets =~ "MIX_ENV=prod mix assets.deploy"
    assert host =~ "http://localhost:4000"
    assert database =~ "Ecto.Migrator"
    write(folder, [{"priv/static/cache_manifest.json", "{}"}])
    assert [^host, ^database] = Adopt.look(folder, app: :shop).notes
  end

  test "a runtime.exs that is no Elixir is named", %{folder: folder} do
    write(folder, [{"mix.exs", ""}, {"config/runtime.exs", "config :shop,"}])
    assert_raise TokenMissingError, ~r/runtime.exs/, fn -> Adopt.look(folder, app: :shop) end
  end

  test "a plain project has neither", %{folder: folder} do
    write(folder, [{"mix.exs", "deps: []"}])
    assert %{port: nil, variables: [], notes: []} = Adopt.look(folder, app: :plain)
  end

  test "an umbrella project is its one release", %{folder: folder} do
    write(folder, [{"mix.exs", ""}, {"apps/web/mix.exs", ~s({:plug_cowboy, "~> 2.0"})}])
    found = Adopt.look(folder, apps_path: "apps", releases: [shop: []])
    assert {found.name, found.port, found.umbrella?} == {"shop", 4000, true}

    for releases <- [[], [a: [], b: []]] do
      assert_raise Mix.Error, ~r/releases: \[my_device/, fn ->
        Adopt.look(folder, apps_path: "apps", releases: releases)
      end
    end
  end

  @nerves [
    elixir: "~> 1.14",
    app: :device,
    deps: [
      {:nerves, "~> 1.10", runtime: false},
      {:ring_logger, "~> 0.10"},
      {:circuits_gpio, "~> 2.0", targets: [:rpi0]},
      {:nerves_runtime, "~> 0.13", targets: [:rpi0]},
      {:nerves_system_rpi0, "~> 1.20", runtime: false, targets: :rpi0}
    ]
  ]

  test "what a Nerves project needs is said", %{folder: folder} do
    write(folder, [
      {"mix.exs", ~s(archives: [nerves_bootstrap: "~> 1.11"])},
      {"config/config.exs",
       ~s|config :logger, backends: [RingLogger]\nif Mix.target() == :host do import_config "host.exs" else import_config "target.exs" end|},
      {"rootfs_overlay/etc/iex.exs", "use Toolshed"}
    ])

    found = Adopt.look(folder, @nerves)
    assert found.overlay == "rootfs_overlay"
    assert [archive, target, kept, logger, hardware, overlay] = found.notes
    assert found.notes == Adopt.notes(folder, @nerves)
    assert archive =~ "nerves_bootstrap"
    assert target =~ "if Mix.target() in [:host, :kos]"
    assert kept =~ "nerves (mix kos.build), ring_logger (Kos.Log)"
    refute kept =~ "circuits_gpio"
    assert logger =~ "config/kos.exs"
    assert hardware =~ "move_an_elixir_project.md"
    assert overlay =~ "Kos.Helpers"
  end

  test "a configuration for each target needs one for kos", %{folder: folder} do
    write(folder, [{"mix.exs", "nerves"}, {"config/config.exs", ~S|import_config "#{Mix.target()}.exs"|}])
    assert [target] = Adopt.look(folder, app: :device).notes
    assert target =~ "config/kos.exs"
  end

  test "what keeps a project from being built is said", %{folder: folder} do
    write(folder, [{"mix.exs", ""}, {"deps/jason/mix.exs", ""}, {"near/mix.exs", ~s({:bandit, "~> 1.0"})}])

    config = [
      app: :shop,
      elixir: "~> 1.16",
      deps: [
        {:jason, "~> 1.4"},
        {:near, path: "near"},
        {:far, path: "../far"},
        {:bandit, "~> 1.0"},
        {:ex_doc, "~> 0.30", only: :dev},
        {:delux, "~> 0.4", targets: [:rpi0]},
        {:sibling, in_umbrella: true}
      ]
    ]

    found = Adopt.look(folder, config)
    assert [elixir, missing] = found.wrong
    assert elixir =~ "wants Elixir ~> 1.16, the device has 1.14.0"
    assert missing =~ "not on this machine: far, bandit. Fetch them (MIX_TARGET=kos mix deps.get)"
    # The web server of a poncho project is beside it.
    assert found.port == 4000
    assert Adopt.wrong(folder, app: :shop, elixir: "~> 1.14", deps: [{:jason, "~> 1.4"}]) == []
  end
end
