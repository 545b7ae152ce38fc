defmodule Kos.Mix.Elf do
  @moduledoc """
  Which machine the native files of a release are for.
  """

  @aarch64 183
  @machines %{3 => "x86", 40 => "ARM (32 bits)", 62 => "x86-64", 183 => "arm64", 243 => "RISC-V"}

  @doc """
  Native files below a release that are neither for the device nor replaced by the device's own: `[{path, machine}]`.

  OTP's own libraries and run-time system are replaced when the root image is made, whatever they are for.
  """
  @spec foreign(Path.t(), Path.t()) :: [{Path.t(), String.t()}]
  def foreign(release, otp_root \\ to_string(:code.root_dir())) do
    otp = otp_root |> Path.join("lib") |> File.ls!() |> MapSet.new()

    for file <- Path.wildcard(Path.join(release, "lib/**/*"), match_dot: true),
        [library | _] = file |> Path.relative_to(Path.join(release, "lib")) |> Path.split(),
        library not in otp,
        machine = machine(file),
        machine != @aarch64 do
      {Path.relative_to(file, release), Map.get(@machines, machine, "ELF machine #{machine}")}
    end
  end

  @doc "The ELF machine number of a file; nil if it is no ELF file."
  def machine(file) do
    with true <- File.regular?(file),
         {:ok, <<0x7F, "ELF", _class, data, _::binary-size(12), rest::binary>>} <-
           File.open(file, [:read], &IO.binread(&1, 20)),
         <<value::binary-size(2)>> <- rest do
      :binary.decode_unsigned(value, if(data == 2, do: :big, else: :little))
    else
      _ -> nil
    end
  end
end
