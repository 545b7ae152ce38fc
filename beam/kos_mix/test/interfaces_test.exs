defmodule Kos.Mix.InterfacesTest do
  use ExUnit.Case
  alias Kos.Mix.Interfaces

  @schema """
  @0xa8e0c1f2b3d49576;
  # interface Counter is below; add @9 is not here.
  struct Sum { add @0 :UInt64; }
  interface Counter {
    sub @1 (by :UInt64) -> ();
    add @0 (by :Text)
        -> (total :UInt64);
  }
  """

  setup do
    folder = Path.join(System.tmp_dir!(), "kos-interfaces-#{System.unique_integer([:positive])}")
    home = Path.join(folder, "kos")
    before = System.get_env("KOS_HOME")

    on_exit(fn ->
      if before, do: System.put_env("KOS_HOME", before), else: System.delete_env("KOS_HOME")
      File.rm_rf!(folder)
    end)

    # A tree with one interface of the system.
    File.mkdir_p!(Path.join(home, "idl"))
    File.write!(Path.join(home, "kos"), "")
    File.write!(Path.join(home, "idl/timer.capnp"), @schema)
    System.put_env("KOS_HOME", home)
    schema = Path.join(folder, "counter.capnp")
    File.write!(schema, @schema)
    {:ok, folder: folder, schema: schema, home: home}
  end

  test "the line of a name inside others", %{schema: file} do
    assert Interfaces.line_of(file, ["Counter"]) == 4
    assert Interfaces.line_of(file, ["Counter", "add"]) == 6
    assert Interfaces.line_of(file, ["Sum", "add"]) == 3
    # As near as can be told.
    assert Interfaces.line_of(file, ["Counter", "mul"]) == 4
    assert Interfaces.line_of(file, ["Nothing"]) == 1
  end

  test "what the programs say, with its place", %{schema: file} do
    text = """
    counter.capnp:5:11-16: error: Not defined: UIn64
    counter.capnp: Counter.add(by): found no bound; expected $maxBytes(n)
    tools/idl/idl: plugin failed: exit code 1
    """

    assert [one, two] = Interfaces.diagnostics(file, text)
    assert {one.file, one.position, one.message} == {file, 5, "Not defined: UIn64"}
    assert {two.file, two.position} == {file, 6}
    assert two.message == "Counter.add(by): found no bound; expected $maxBytes(n)"
    assert [%{message: "capnp failed and said nothing"}] = Interfaces.diagnostics(file, "")
    assert [%{message: "something else", position: 1}] = Interfaces.diagnostics(file, "something else\n")
  end

  test "schemas: those of the folder and those that are named", %{folder: folder, schema: file, home: home} do
    other = Path.join(folder, "other/valve.capnp")
    File.mkdir_p!(Path.dirname(other))
    File.write!(other, @schema)
    assert Interfaces.files!(folder, []) == [file]
    assert Interfaces.files!(folder, ["other/valve.capnp", "counter.capnp"]) == [file, other]
    assert Interfaces.files!(folder, ["timer.capnp"]) == [file, Path.join(home, "idl/timer.capnp")]
    assert_raise Mix.Error, ~r/"vale.capnp".*\n.*timer.capnp/, fn -> Interfaces.files!(folder, ["vale.capnp"]) end
    File.write!(Path.join(folder, "timer.capnp"), @schema)
    assert Interfaces.files!(folder, ["timer.capnp"]) == [file, Path.join(folder, "timer.capnp")]

    assert_raise Mix.Error, ~r/Two schemas are called timer.capnp/, fn ->
      Interfaces.files!(folder, [Path.join(home, "idl/timer.capnp")])
    end

    assert_raise Mix.Error, ~r/kos_interfaces has :valve; expected names/, fn -> Interfaces.files!(folder, [:valve]) end
  end
end
