defmodule Kos.Mix.Toolchain do
  @moduledoc """
  Versions on this machine against those of the device, and the environment in which native code is compiled for it.

  The device runs Debian 12's Erlang/OTP. A release's modules could come from an older major version, but its boot script
  names the exact versions of OTP's applications, so a release is made with the same OTP.
  """

  # Debian 12: packages erlang-base 1:25.2.3 and elixir 1.14.0. tools/rootfs checks the release against the packages again.
  @otp "25"
  @erts "13.1.5"
  @elixir "~> 1.14"
  @device_elixir "1.14.0"
  @triple "aarch64-linux-gnu"

  def otp, do: @otp

  @doc "Of the device."
  def elixir, do: @device_elixir

  @doc "Ends the task unless this VM is of the device's version; names both and the command that mends it."
  def check_otp! do
    case otp_problem(System.otp_release(), to_string(:erlang.system_info(:version)), System.version()) do
      nil -> :ok
      problem -> Mix.raise(problem)
    end
  end

  @doc "What is wrong with these versions of OTP, ERTS and Elixir, and what to do; nil if nothing."
  @spec otp_problem(String.t(), String.t(), String.t()) :: nil | String.t()
  def otp_problem(otp, erts, elixir) do
    cond do
      otp != @otp or erts != @erts ->
        """
        This machine's Erlang/OTP is #{otp} (ERTS #{erts}); the device's is #{@otp} (ERTS #{@erts}), and a release is made with the same one.
        #{remedy(otp)}\
        """

      not Version.match?(elixir, @elixir) ->
        """
        This machine's Elixir is #{elixir}; expected #{@elixir}.
        #{remedy(otp)}\
        """

      true ->
        nil
    end
  end

  defp remedy(otp) do
    if otp != debian_otp() and debian_otp() == @otp and File.exists?("/usr/bin/mix") do
      "Debian's is installed, but another one comes first in PATH. Run: PATH=/usr/bin:$PATH mix ..."
    else
      "On Debian 12, as root: apt-get install -y --no-install-recommends elixir erlang-dev\n" <>
        "and see that /usr/bin comes before other versions of Erlang in PATH (asdf, kerl, nix)."
    end
  end

  defp debian_otp do
    case File.ls("/usr/lib/erlang/releases") do
      {:ok, names} -> Enum.find(names, &(&1 =~ ~r/^\d+$/))
      _ -> nil
    end
  end

  @doc """
  Environment for `mix release` of an app: target and cross compiler, as elixir_make, cc_precompiler and plain Makefiles
  expect them.
  """
  @spec environment() :: %{String.t() => String.t() | nil}
  def environment do
    sysroot = Kos.Mix.Home.path!("build/cache/sysroot")
    erlang = Path.join(sysroot, "usr/lib/erlang")
    ei = Path.wildcard(Path.join(erlang, "lib/erl_interface-*")) |> List.first() || Path.join(erlang, "usr")

    %{
      "MIX_ENV" => "prod",
      "MIX_TARGET" => "kos",
      "MIX_BUILD_PATH" => nil,
      "CROSSCOMPILE" => @triple,
      "CC" => "#{@triple}-gcc",
      "CXX" => "#{@triple}-g++",
      "AR" => "#{@triple}-ar",
      "AS" => "#{@triple}-as",
      "LD" => "#{@triple}-ld",
      "NM" => "#{@triple}-nm",
      "RANLIB" => "#{@triple}-ranlib",
      "STRIP" => "#{@triple}-strip",
      "OBJCOPY" => "#{@triple}-objcopy",
      "CMAKE_TOOLCHAIN_FILE" => Kos.Mix.Home.path!("beam/kos_mix/toolchain.cmake"),
      "CFLAGS" => "-O2 -fPIC -march=armv8-a -mtune=cortex-a53",
      "CXXFLAGS" => "-O2 -fPIC -march=armv8-a -mtune=cortex-a53",
      "LDFLAGS" => "",
      "ERTS_INCLUDE_DIR" => Path.join(erlang, "erts-#{@erts}/include"),
      "ERL_EI_INCLUDE_DIR" => Path.join(ei, "include"),
      "ERL_EI_LIBDIR" => Path.join(ei, "lib"),
      "ERL_INTERFACE_INCLUDE_DIR" => Path.join(ei, "include"),
      "ERL_INTERFACE_LIB_DIR" => Path.join(ei, "lib"),
      "ERL_CFLAGS" => "-I#{erlang}/erts-#{@erts}/include -I#{ei}/include",
      "ERL_LDFLAGS" => "-L#{ei}/lib",
      "PKG_CONFIG_LIBDIR" => Path.join(sysroot, "usr/lib/#{@triple}/pkgconfig"),
      "REBAR_TARGET_ARCH" => @triple,
      "TARGET_ARCH" => "aarch64",
      "TARGET_OS" => "linux",
      "TARGET_ABI" => "gnu",
      "TARGET_CPU" => "cortex_a53",
      "CC_PRECOMPILER_CURRENT_TARGET" => @triple
    }
  end
end
