defmodule Mix.Tasks.Kos.Run do
  @moduledoc """
  Builds the device and boots it in QEMU on this terminal. Ctrl-A X leaves.

      mix kos.run [--sel4 PATH] [--cores N] [--gdb] [--timeout S] [--no-build]

    * `--sel4 PATH` - on this unmodified seL4 instead of Keel
    * `--cores N` - 1, 2 or 4; 1 unless given
    * `--gdb` - wait for a debugger on port 1234; it says how to attach one
    * `--timeout S` - leave after so many seconds
    * `--no-build` - with the releases as they are

  If system.toml has the development link, `mix kos.status`, `kos.logs`, `kos.restart` and `kos.iex` in another terminal reach the device.

  Ports that the manifest forwards to an application are open on this machine while it runs; which, is said at the start.
  """
  @shortdoc "Boots the device in QEMU"
  use Mix.Task
  alias Kos.Mix.{Home, Link, Project, Releases, Shell, System, Terminal, Toolchain}

  @impl true
  def run(arguments) do
    switches = [sel4: :string, cores: :integer, gdb: :boolean, timeout: :integer, build: :boolean]

    case Shell.parse("kos.run", arguments, switches) do
      :help -> :ok
      {options, []} -> boot(options)
      {_, rest} -> Mix.raise("kos.run takes no #{Enum.join(rest, " ")}")
    end
  end

  @doc "The task, with parsed options and more arguments for `./kos run`."
  def boot(options, more \\ []) do
    Toolchain.check_otp!()
    project = Project.find!()
    unless options[:build] == false, do: Releases.make_all!(project)
    gdb = if options[:gdb], do: ["--gdb"], else: []
    timeout = if seconds = options[:timeout], do: ["--timeout", to_string(seconds)], else: []
    link = if Link.in_system?(project), do: ["--link", Link.path(project)], else: []
    arguments = ["run", project.root] ++ more ++ link ++ gdb ++ timeout ++ System.kernel(options)

    status =
      System.step("Booting", fn ->
        Terminal.run(Home.path!("kos"), arguments, Shell.front_door_environment())
      end)

    # 124: the time that was asked for is over.
    unless status == 0 or (options[:timeout] && status == 124),
      do: Mix.raise("The device ended with status #{status}; what is above says why")
  end
end
