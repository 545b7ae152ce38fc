defmodule Kos.Mix.ProjectTest do
  use ExUnit.Case, async: true
  alias Kos.Mix.{Project, Shell}

  test "the project is found upwards, and a test's system is not one" do
    folder = Path.join(System.tmp_dir!(), "kos-project-#{System.unique_integer([:positive])}")
    on_exit(fn -> File.rm_rf!(folder) end)
    deep = Path.join(folder, "apps/sensor/test")
    File.mkdir_p!(deep)
    for file <- ["mix.exs", "system.toml"], do: File.write!(Path.join(folder, file), "")
    File.write!(Path.join(deep, "system.toml"), "")
    assert Project.find(deep) == folder
    assert Project.find(folder) == folder
    assert Project.find(Path.dirname(folder)) == nil
  end

  test "names" do
    assert Project.check_name!("pump_2") == "pump_2"

    for name <- ["", "Pump", "2pump", "a-b", String.duplicate("a", 32), "a/b", "a\n"] do
      assert_raise Mix.Error, ~r/cannot be used/, fn -> Project.check_name!(name) end
    end
  end

  test "options: values and the rest, or a mistake that names the help" do
    assert Shell.parse("kos.x", ["--cores", "2", "a"], cores: :integer) == {[cores: 2], ["a"]}

    assert_raise Mix.Error, ~r/kos.x does not understand --core.\n.*mix help kos.x/, fn ->
      Shell.parse("kos.x", ["--core=2"], cores: :integer)
    end

    assert_raise Mix.Error, ~r/--cores many/, fn -> Shell.parse("kos.x", ["--cores", "many"], cores: :integer) end
  end
end
