defmodule Kos.Mix.ElfTest do
  use ExUnit.Case, async: true
  alias Kos.Mix.Elf

  setup do
    folder = Path.join(System.tmp_dir!(), "kos-elf-#{System.unique_integer([:positive])}")
    on_exit(fn -> File.rm_rf!(folder) end)
    %{release: folder}
  end

  defp elf(release, name, machine, order \\ 1) do
    number = if order == 2, do: <<machine::big-16>>, else: <<machine::little-16>>
    write(release, name, <<0x7F, "ELF", 2, order, 0::80, 3::little-16, number::binary, 0::320>>)
  end

  defp write(release, name, data) do
    path = Path.join(release, name)
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, data)
    path
  end

  test "machines", %{release: release} do
    assert Elf.machine(elf(release, "a", 62)) == 62
    assert Elf.machine(elf(release, "b", 183)) == 183
    assert Elf.machine(elf(release, "c", 21, 2)) == 21
    assert Elf.machine(write(release, "d", "#!/bin/sh\necho hello, world\n")) == nil
    assert Elf.machine(write(release, "e", <<0x7F, "ELF", 2>>)) == nil
    assert Elf.machine(write(release, "f", "")) == nil
    assert Elf.machine(Path.join(release, "nothing")) == nil
    assert Elf.machine(release) == nil
  end

  test "what is for another machine is found, whatever it is called", %{release: release} do
    elf(release, "lib/app-1.0.0/priv/good.so", 183)
    elf(release, "lib/app-1.0.0/priv/bin/tool", 62)
    elf(release, "lib/app-1.0.0/priv/.hidden.so", 243)

    assert Enum.sort(Elf.foreign(release)) == [
             {"lib/app-1.0.0/priv/.hidden.so", "RISC-V"},
             {"lib/app-1.0.0/priv/bin/tool", "x86-64"}
           ]
  end

  test "OTP's own is replaced anyway", %{release: release} do
    [crypto] = Path.wildcard(Path.join(:code.root_dir(), "lib/crypto-*"))
    elf(release, "lib/#{Path.basename(crypto)}/priv/lib/crypto.so", 62)
    elf(release, "erts-13.1.5/bin/beam.smp", 62)
    assert Elf.foreign(release) == []
  end

  test "what to do depends on where it comes from", %{release: release} do
    sources = %{app: Path.join(release, "deps/app"), wire: Path.join(release, "deps/wire")}
    assert Elf.problem(release, sources) == nil
    elf(release, "lib/app-1.0.0/priv/app.so", 62)
    made = Elf.problem(release, sources)
    assert made =~ "lib/app-1.0.0/priv/app.so: x86-64"
    assert made =~ "deps.clean --build app"
    refute made =~ "rm "

    elf(release, "lib/wire-0.1.0-rc.1/priv/lib/wire.so", 62)
    source = elf(release, "deps/wire/priv/lib/wire.so", 62)
    both = Elf.problem(release, sources)
    assert both =~ "wire.so: x86-64"
    assert both =~ "  rm #{source}\n"
    assert both =~ "deps.clean --build app"

    # Made for the device since: the copy in the release is what is old.
    elf(release, "deps/wire/priv/lib/wire.so", 183)
    assert Elf.problem(release, sources) =~ "deps.clean --build app wire"
  end
end
