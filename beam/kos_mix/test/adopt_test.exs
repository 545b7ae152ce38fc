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
    """

    write(folder, [{"mix.exs", ~s({:phoenix, "~> 1.7"})}, {"config/runtime.exs", runtime}])
    found = Adopt.look(folder, app: :shop)
    assert {found.name, found.port, found.umbrella?} == {"shop", 4000, false}
    names = Enum.map(found.variables, &elem(&1, 0))
    assert names == ~w(PHX_SERVER DATABASE_URL SECRET_KEY_BASE PORT PHX_HOST)
    values = Map.new(found.variables)
    assert values["DATABASE_URL"] == nil
    assert values["PHX_SERVER"] == "true"
    # Phoenix wants 64 bytes at least.
    assert byte_size(values["SECRET_KEY_BASE"]) >= 64
    assert values["SECRET_KEY_BASE"] != Map.new(Adopt.look(folder, app: :shop).variables)["SECRET_KEY_BASE"]
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

  test "what a Nerves project needs is said", %{folder: folder} do
    write(folder, [
      {"mix.exs", ~s(archives: [nerves_bootstrap: "~> 1.11"])},
      {"config/config.exs", ~S|import_config "#{Mix.target()}.exs"|}
    ])

    assert [archive, target] = Adopt.look(folder, app: :device).notes
    assert archive =~ "nerves_bootstrap"
    assert target =~ "config/kos.exs"
  end
end
