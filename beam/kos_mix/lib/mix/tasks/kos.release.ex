defmodule Mix.Tasks.Kos.Release do
  @moduledoc """
  Makes this app's release for the device; `mix kos.build` calls it in each app's folder.

      mix kos.release --path DIR [--test]

    * `--path DIR` - where the release goes
    * `--test` - with the tests (`test/**/*_test.exs`) in it, run at its start

  The release is the only one in `releases` of `mix.exs`, or the one with the app's name, or one with the defaults.
  """
  @shortdoc false
  use Mix.Task
  alias Kos.Mix.{Elf, Shell, Toolchain}

  @test_application :kos_device_test

  @impl true
  def run(arguments) do
    case Shell.parse("kos.release", arguments, path: :string, test: :boolean) do
      :help -> :ok
      {options, []} -> release(options[:path] || Mix.raise("kos.release needs --path DIR"), options[:test])
      {_, rest} -> Mix.raise("kos.release takes no #{Enum.join(rest, " ")}")
    end
  end

  defp release(path, test?) do
    Toolchain.check_otp!()
    Mix.Task.run("compile", [])
    name = release_name()
    without_nerves(name)
    if test?, do: add_tests(name)
    # --overwrite leaves files of an earlier release behind.
    File.rm_rf!(path)
    # Without releases in mix.exs there is one by default, which has no name to be called by.
    names = if Mix.Project.config()[:releases] in [nil, []], do: [], else: [to_string(name)]
    Mix.Task.run("release", names ++ ["--overwrite", "--quiet", "--path", path])
    if problem = Elf.problem(path, sources()), do: Mix.raise(problem)
  end

  defp sources do
    own = if app = Mix.Project.config()[:app], do: %{app => File.cwd!()}, else: Mix.Project.apps_paths() || %{}
    Map.merge(Mix.Project.deps_paths(), own)
  end

  defp release_name do
    config = Mix.Project.config()
    # An umbrella project has no application of its own.
    app = config[:app]

    case Keyword.keys(config[:releases] || []) do
      [] ->
        app ||
          Mix.raise(
            "#{File.cwd!()}/mix.exs has neither :app nor :releases; mix help kos.init says what an umbrella project needs"
          )

      [only] ->
        only

      names ->
        if app in names,
          do: app,
          else: Mix.raise("mix.exs has the releases #{inspect(names)}; expected one, or one named #{app}")
    end
  end

  # A Nerves project's release takes its run-time system from the Nerves target, and arranges files for it.
  defp without_nerves(name) do
    releases = Mix.Project.config()[:releases] || []

    if releases[name] do
      releases =
        Keyword.update!(releases, name, fn options ->
          options = if is_function(options, 0), do: options.(), else: options
          erts = if nerves?(options[:include_erts]), do: [include_erts: true], else: []
          steps = if options[:steps], do: [steps: Enum.reject(options[:steps], &nerves?/1)], else: []
          options |> Keyword.merge(erts) |> Keyword.merge(steps)
        end)

      Mix.ProjectStack.merge_config(releases: releases)
    end
  end

  defp nerves?(step), do: is_function(step) and Function.info(step, :module) == {:module, Nerves.Release}

  # The tests become an application of the release, behind all others in its boot script.
  defp add_tests(name) do
    tested = tested(name)
    files = for {_, folder} <- tested, file <- Kos.Mix.Project.test_files(folder), do: file
    if files == [], do: Mix.raise("#{File.cwd!()} has no test/**/*_test.exs to run on the device")
    # An umbrella's own VM knows its applications only while it compiles them.
    for ebin <- Path.wildcard(Path.join(Mix.Project.build_path(), "lib/*/ebin")), do: Code.prepend_path(ebin)

    ebin = Path.join([Mix.Project.build_path(), "lib", to_string(@test_application), "ebin"])
    File.rm_rf!(ebin)
    File.mkdir_p!(ebin)
    {:ok, _} = Application.ensure_all_started(:ex_unit)

    modules =
      case Kernel.ParallelCompiler.compile_to_path(files, ebin) do
        {:ok, modules, _} -> modules
        {:error, _, _} -> Mix.raise("The tests do not compile")
      end

    tests = Enum.filter(modules, &function_exported?(&1, :__ex_unit__, 0))
    if tests == [], do: Mix.raise("No module in test/**/*_test.exs has `use ExUnit.Case`")

    runner = [KosDeviceTest, KosDeviceTest.Formatter]
    for module <- runner, do: copy_module(module, ebin)
    apps = Keyword.keys(tested)
    write_app(ebin, modules ++ runner, tests, apps)
    Code.prepend_path(ebin)

    releases = Keyword.put_new(Mix.Project.config()[:releases] || [], name, [])
    applications = for app <- apps ++ [:ex_unit, @test_application], do: {app, :permanent}

    releases =
      Keyword.update!(releases, name, fn options ->
        options = if is_function(options, 0), do: options.(), else: options
        # Records must not come between a prompt and its answers, and the tests' traces need their chunks.
        Keyword.update(options, :applications, applications, &Keyword.merge(&1, applications))
      end)

    Mix.ProjectStack.merge_config(releases: releases)
  end

  # Applications whose tests run, with their folders. Of an umbrella those that are in its release.
  defp tested(name) do
    config = Mix.Project.config()

    if config[:apps_path] do
      options = config[:releases][name]
      options = if is_function(options, 0), do: options.(), else: options
      released = Keyword.keys(options[:applications] || [])
      for {app, folder} <- Enum.sort(Mix.Project.apps_paths()), app in released, do: {app, folder}
    else
      [{config[:app], "."}]
    end
  end

  defp copy_module(module, ebin) do
    {^module, code, _} = :code.get_object_code(module)
    File.write!(Path.join(ebin, "#{module}.beam"), code)
  end

  defp write_app(ebin, modules, tests, apps) do
    specification =
      {:application, @test_application,
       [
         description: 'The tests of an app, on the device',
         vsn: '0.1.0',
         modules: modules,
         registered: [],
         applications: [:kernel, :stdlib, :elixir, :ex_unit | apps],
         mod: {KosDeviceTest, []},
         env: [modules: tests]
       ]}

    File.write!(Path.join(ebin, "#{@test_application}.app"), :io_lib.format("~p.~n", [specification]))
  end
end
