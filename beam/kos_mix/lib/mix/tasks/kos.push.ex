defmodule Mix.Tasks.Kos.Push do
  @moduledoc """
  Builds one application and replaces it on the running device. The others go on undisturbed.

      mix kos.push [APP] [--undo] [--no-build]

    * `APP` - an application of system.toml; needed if there are several
    * `--undo` - the version of the boot image again
    * `--no-build` - an Elixir application's release as it is

  Only what differs from the boot image is sent. The device runs the new version until it is restarted: then the boot image's is back,
  so what shall stay needs `mix kos.build` and a new boot. A version that fails three times within 30 seconds of its start is given up for
  the boot image's. `mix kos.status` shows who runs a pushed version.

  Only programs and their files can be replaced. When system.toml or an app.toml has changed (rights, ports, memory, parameters), the device
  has to be started with the new description: `mix kos.run`. Needs the development link in system.toml, as `mix kos.new` writes it.
  """
  @shortdoc "Replaces one application on the running device"
  use Mix.Task
  alias Kos.Mix.{Link, Package, Project, Releases, Shell, System, Toolchain}

  @piece 24_576
  @page 4096
  @run 256
  @runs_per_line 40

  @impl true
  def run(arguments) do
    case Shell.parse("kos.push", arguments, undo: :boolean, build: :boolean) do
      :help -> :ok
      {options, names} -> push(names, options)
    end
  end

  defp push(names, options) do
    Toolchain.check_otp!()
    project = Project.find!()
    app = app!(project, names)
    # Before the build: nothing is worse than waiting for it and then hearing that no device runs.
    Link.open!() |> Link.close()
    if options[:undo], do: undo(app), else: replace(project, app, options)
  end

  defp app!(%{apps: [app]}, []), do: app
  defp app!(project, [name]), do: Project.app!(project, name)

  defp app!(project, _) do
    names = Enum.map_join(project.apps, ", ", & &1.name)
    Mix.raise("kos.push needs one APP, one of: #{names}\nIts options: mix help kos.push")
  end

  defp undo(app) do
    link = Link.open!()
    {_, _, link} = Link.command!(link, "drop #{app.name}", "kos.push --undo #{app.name}")
    Link.close(link)
    Mix.shell().info("#{app.name} is restarted with the boot image's version")
  end

  defp replace(project, app, options) do
    release = Releases.release_folder(project, app)

    if app.kind == :mix and (options[:build] != false or not File.dir?(release)) do
      Shell.step("Release of #{app.name}", fn -> Releases.make!(app, release) end)
    end

    file = Project.build(project, "#{app.name}.package")

    System.step("Package", fn ->
      Shell.kos!(["package", project.root, "--domain", app.name, "--output", file])
    end)

    package = file |> File.read!() |> Package.parse!()
    Shell.step("To the device", fn -> send!(package, app) end)

    Mix.shell().info(
      "#{app.name} is restarted with version #{package.sequence}. mix kos.logs --app #{app.name} shows what it says"
    )
  end

  defp send!(package, app) do
    link = Link.open!()
    words = "push " <> Base.encode16(package.announcement, case: :lower)

    {missing, link} =
      case Link.command(link, words) do
        {:error, why, _} -> Mix.raise(explain(why, app))
        {_, [_domain, missing, _needed, _room], link} -> {String.to_integer(missing), link}
      end

    {link, sent, all} =
      package.files
      |> Enum.with_index()
      |> Enum.filter(fn {_, number} -> Bitwise.band(missing, Bitwise.bsl(1, number)) != 0 end)
      |> Enum.reduce({link, 0, 0}, fn {file, number}, {link, sent, all} ->
        {link, bytes} = send_file(link, file, number, app)
        {link, sent + bytes, all + byte_size(file.bytes)}
      end)

    {_, _, link} = Link.command!(link, "commit", "kos.push #{app.name}")
    Link.close(link)
    Mix.shell().info("  #{kilobytes(sent)} of #{kilobytes(all)} sent, the rest is there already")
  end

  defp send_file(link, %{image?: false} = file, _number, app), do: data!(link, file.bytes, app)

  defp send_file(link, file, number, app) do
    {theirs, link} = hashes(link, number, 0, [])
    {link, bytes} = data!(link, IO.iodata_to_binary(file.hashes), app)
    steps = Package.plan(file, theirs)
    total = div(byte_size(file.bytes), @page)

    steps
    |> Enum.chunk_by(&elem(&1, 0))
    |> Enum.reduce({link, bytes, 0}, fn steps, {link, bytes, pages} ->
      {link, more} = carry_out(link, steps, app)
      pages = pages + (steps |> Enum.map(&pages/1) |> Enum.sum())
      progress(pages, total)
      {link, bytes + more, pages}
    end)
    |> then(fn {link, bytes, _} -> {link, bytes} end)
  end

  defp pages({:copy, _, count}), do: count
  defp pages({:data, bytes}), do: div(byte_size(bytes), @page)

  defp carry_out(link, [{:data, _} | _] = steps, app) do
    Enum.reduce(steps, {link, 0}, fn {:data, bytes}, {link, sent} ->
      {link, more} = data!(link, bytes, app)
      {link, sent + more}
    end)
  end

  defp carry_out(link, copies, app) do
    runs = for {:copy, first, count} <- copies, at <- 0..(count - 1)//@run, do: "#{first + at} #{min(count - at, @run)}"

    link =
      runs
      |> Enum.chunk_every(@runs_per_line)
      |> Enum.reduce(link, fn runs, link ->
        {_, _, link} = Link.command!(link, "copy " <> Enum.join(runs, " "), "kos.push #{app.name}")
        link
      end)

    {link, 0}
  end

  # The hashes of the pages that the device has; none if its link cannot tell.
  defp hashes(link, number, first, done) do
    case Link.command(link, "hashes #{number} #{first}") do
      {["hash " <> hex], [pages, count], link} ->
        list = for <<hash::binary-size(8) <- Base.decode16!(hex, case: :lower)>>, do: hash
        done = [list | done]
        next = first + String.to_integer(count)

        if next < String.to_integer(pages) and list != [],
          do: hashes(link, number, next, done),
          else: {done |> Enum.reverse() |> Enum.concat(), link}

      {:error, _, link} ->
        {[], link}
    end
  end

  defp data!(link, bytes, app) do
    for <<piece::binary-size(@piece) <- bytes>>, do: piece!(link, piece, app)
    rest = rem(byte_size(bytes), @piece)
    if rest > 0, do: piece!(link, binary_part(bytes, byte_size(bytes) - rest, rest), app)
    {link, byte_size(bytes)}
  end

  defp piece!(link, piece, app) do
    case Link.unsigned(link, "data " <> Base.encode64(piece)) do
      :ok ->
        :ok

      {:error, why} ->
        Mix.raise("kos.push #{app.name}: what arrived is not what was sent (#{why}). Nothing was replaced; try again")
    end
  end

  defp progress(pages, total), do: Mix.shell().info("  #{div(100 * pages, max(total, 1))} %")

  defp kilobytes(bytes), do: "#{div(bytes + 1023, 1024)} KiB"

  @doc false
  def explain("CONFLICT", app) do
    """
    The device runs a system with another description than system.toml and the app.toml files say now: rights, ports, devices, memory or parameters have
    changed. kos.push replaces the program and the files of #{app.name}, and nothing else. Start the device with the new description: mix kos.run\
    """
  end

  def explain("BAD_REQUEST", _),
    do:
      "The device knows another development key: it was started from another clone of KOS. Start it again: mix kos.run"

  def explain("UNAUTHORIZED", app),
    do:
      "#{app.name} is a service of the system, or the device knows another development key (mix kos.run starts one that knows yours)"

  def explain("UNAVAILABLE", _),
    do:
      "The system has no staging: in system.toml core:devlink says staging = 0. Set it, and start the device again: mix kos.run"

  def explain("INVALID_ARGUMENT", app),
    do: "The device has a newer version of #{app.name} than this one. Is this machine's clock right?"

  def explain("FULL " <> numbers, app) do
    [_, _, needed, room] = String.split(numbers)

    """
    #{app.name} needs #{kilobytes(String.to_integer(needed))} on the device, where there are #{kilobytes(String.to_integer(room))}. Versions that
    run keep theirs: mix kos.push #{app.name} --undo frees it. Or, in system.toml, in the [[app]] of core:devlink: staging = "128M", and mix kos.run\
    """
  end

  def explain(why, app), do: "kos.push #{app.name}: the device answers #{why}"
end
