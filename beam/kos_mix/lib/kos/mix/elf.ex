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

  @doc """
  What is wrong with the native files of a release, where they come from, and what to do; nil if nothing.

  `sources`: the folders of its applications, as of `Mix.Project.deps_paths/0`.
  """
  @spec problem(Path.t(), %{atom() => Path.t()}, Path.t()) :: nil | String.t()
  def problem(release, sources, otp_root \\ to_string(:code.root_dir())) do
    wrong = for {file, machine} <- foreign(release, otp_root), do: {file, machine, origin(file, sources)}
    copied = for {_, _, origin} <- wrong, origin, do: Path.relative_to_cwd(origin)
    made = for {file, _, nil} <- wrong, do: application(file)

    if wrong != [] do
      [
        "It has native code for another machine than the device (arm64):",
        for({file, machine, _} <- wrong, do: "  #{file}: #{machine}"),
        if(copied != [],
          do:
            "What is in an application's own folder already counts as made. Remove it, and the object files (*.o) beside its sources:\n" <>
              "  rm #{Enum.join(copied, " ")}"
        ),
        if(made != [],
          do:
            "A Makefile has to use $(CC), $(CFLAGS), $(ERTS_INCLUDE_DIR) and so on from the environment, where kos.build puts the cross compiler.\n" <>
              "If it does, an earlier build for this machine is in the way, or a precompiled file was fetched for it:\n" <>
              "  MIX_ENV=prod MIX_TARGET=kos mix deps.clean --build #{made |> Enum.uniq() |> Enum.join(" ")}"
        )
      ]
      |> List.flatten()
      |> Enum.reject(&is_nil/1)
      |> Enum.join("\n")
    end
  end

  # An application that compiles into its own priv, as Makefiles without MIX_APP_PATH and rebar3's port compiler do.
  defp origin(file, sources) do
    with folder when folder != nil <- sources[application(file)] do
      source = Path.join([folder | file |> Path.split() |> Enum.drop(2)])
      if File.regular?(source) and machine(source) != @aarch64, do: source
    end
  end

  # lib/NAME-VERSION/...: a name has no dash.
  defp application(file), do: file |> Path.split() |> Enum.at(1) |> String.split("-") |> hd() |> String.to_atom()

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
