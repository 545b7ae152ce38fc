defmodule Kos.Mix.PackageTest do
  use ExUnit.Case, async: true
  alias Kos.Mix.Package
  alias Mix.Tasks.Kos.Push

  defp page(number), do: :binary.copy(<<number>>, 4096)
  defp hash(bytes), do: :crypto.hash(:sha256, bytes)

  defp file_entry(kind, size), do: <<kind::little-32, 0::32, size::little-64, 0::256>>

  # A program of 3 bytes and an image of three pages, the last one of 10 bytes.
  defp package do
    pages = [page(1), page(2), binary_part(page(3), 0, 10) <> :binary.copy(<<0>>, 4086)]
    name = "shop" <> :binary.copy(<<0>>, 28)
    table = file_entry(3, 3) <> file_entry(4, 2 * 4096 + 10) <> :binary.copy(<<0>>, 96)

    announcement =
      <<"KOS push 1", 0::48>> <> name <> <<0::256, 77::little-64, 2::little-32, 0::32>> <> table <> <<0::512>>

    {announcement, announcement <> "elf" <> Enum.map_join(pages, &hash/1) <> Enum.join(pages), pages}
  end

  test "a package is taken apart" do
    {announcement, bytes, pages} = package()
    package = Package.parse!(bytes)
    assert package.announcement == announcement
    assert {package.domain, package.sequence} == {"shop", 77}
    assert [%{image?: false, bytes: "elf"}, image] = package.files
    assert image.hashes == Enum.map(pages, &hash/1)
    assert image.bytes == Enum.join(pages)
  end

  test "what the device has is copied, the rest is sent, in order" do
    {_, bytes, pages} = package()
    [_, image] = Package.parse!(bytes).files
    short = fn number -> number |> page() |> hash() |> binary_part(0, 8) end
    whole = Enum.join(pages)
    assert Package.plan(image, []) == [{:data, whole}]

    assert Package.plan(image, [short.(9), short.(1), short.(2)]) == [
             {:copy, 1, 2},
             {:data, binary_part(whole, 8192, 4096)}
           ]

    assert Package.plan(image, [short.(2), short.(1)]) == [
             {:copy, 1, 1},
             {:copy, 0, 1},
             {:data, binary_part(whole, 8192, 4096)}
           ]

    assert [{:data, _}, {:copy, 0, 1}, {:data, _}] = Package.plan(image, [short.(2)])
  end

  test "each refusal says what to do next" do
    app = %{name: "shop"}
    assert Push.explain("CONFLICT", app) =~ "mix kos.run"
    assert Push.explain("BAD_REQUEST", app) =~ "another development key"
    assert Push.explain("UNAVAILABLE", app) =~ "staging"
    assert Push.explain("INVALID_ARGUMENT", app) =~ "newer"
    assert Push.explain("FULL 3 1 10485760 4194304", app) =~ ~r/needs 10240 KiB.*4096 KiB.*--undo/s
    assert Push.explain("TIMEOUT", app) =~ "TIMEOUT"
  end
end
