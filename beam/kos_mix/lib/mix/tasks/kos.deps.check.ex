defmodule Mix.Tasks.Kos.Deps.Check do
  @moduledoc """
  Checks that this machine has what the other tasks need, and names the command that mends what is missing. In the folder of a project also
  what keeps that from being built for the device, and what is different there.

      mix kos.deps.check [--quiet]

    * `--quiet` - say only what is wrong

  Ends with status 1 if something is missing.
  """
  @shortdoc "Checks what this machine has"
  use Mix.Task
  alias Kos.Mix.{Adopt, Home, Shell, Toolchain}

  @programs [
    {"qemu-system-aarch64", "qemu-system-arm", "the machine that the device runs on"},
    {"cmake", "cmake", "builds native applications"},
    {"ninja", "ninja-build", "builds native applications"},
    {"aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu", "compiles for the device"},
    {"mkfs.erofs", "erofs-utils", "makes root images"},
    {"capnp", "capnproto", "reads interfaces"},
    {"rustc", "rustc", "compiles applications in Rust"},
    {"make", "make", "builds native dependencies"}
  ]
  # Only for the tasks that say so; the rest works without.
  @optional [{"dot", "graphviz", "draws the manifest (kos.manifest --graph)"}]

  @impl true
  def run(arguments) do
    case Shell.parse("kos.deps.check", arguments, [quiet: :boolean], q: :quiet) do
      :help -> :ok
      {options, []} -> check(options[:quiet] || false)
      {_, rest} -> Mix.raise("kos.deps.check takes no #{Enum.join(rest, " ")}")
    end
  end

  defp check(quiet?) do
    home = Home.path!()
    good(quiet?, "KOS in #{home}")

    otp =
      case Toolchain.otp_problem(System.otp_release(), to_string(:erlang.system_info(:version)), System.version()) do
        nil -> good(quiet?, "Erlang/OTP #{System.otp_release()}, Elixir #{System.version()}, as on the device")
        problem -> bad(problem)
      end

    programs =
      for {program, package, why} <- @programs do
        if path = System.find_executable(program),
          do: good(quiet?, "#{program}: #{path}"),
          else: missing(program, package, why)
      end

    for {program, package, why} <- @optional do
      if path = System.find_executable(program),
        do: good(quiet?, "#{program}: #{path}"),
        else: good(quiet?, "without #{program}: #{why} needs the package #{package}")
    end

    wrong = Enum.filter([otp | programs] ++ project(quiet?), &match?({:bad, _}, &1))
    packages = for {:bad, package} <- wrong, package, do: package

    if packages != [] do
      Mix.shell().info(
        "\nAs root: apt-get install -y --no-install-recommends #{Enum.join(packages, " ")}\nor all at once: #{home}/kos setup --all"
      )
    end

    if wrong != [], do: Mix.raise("#{length(wrong)} missing or wrong")
  end

  # The project of this folder, if there is one: what kos.init says of it.
  defp project(quiet?) do
    if Mix.Project.get() && File.regular?("mix.exs") do
      config = Mix.Project.config()
      wrong = for text <- Adopt.wrong(File.cwd!(), config), do: bad(text)

      for note <- Adopt.notes(File.cwd!(), config),
          not quiet?,
          do: Mix.shell().info([:yellow, "note     ", :reset, note])

      if wrong == [],
        do: good(quiet?, "#{config[:app] || Path.basename(File.cwd!())}: dependencies are there"),
        else: wrong
    end
    |> List.wrap()
  end

  defp good(quiet?, text) do
    unless quiet?, do: Mix.shell().info([:green, "ok       ", :reset, text])
    :ok
  end

  defp missing(program, package, why) do
    Mix.shell().info([:red, "missing  ", :reset, "#{program}: #{why}"])
    {:bad, package}
  end

  defp bad(text) do
    Mix.shell().info([:red, "wrong    ", :reset, text])
    {:bad, nil}
  end
end
