defmodule KosDeviceTest do
  # Runs an app's ExUnit tests on the device and prints records of the results on the console (docs/testing.md of KOS).
  # `mix kos.release --test` puts it into the release as the last application; it is not part of any other.
  @moduledoc false
  use Application

  @impl true
  def start(_type, _arguments) do
    # Not in start/2 itself: the boot waits for that.
    {:ok, spawn_link(&run/0)}
  end

  def run do
    started = wait_for_boot()
    modules = Application.fetch_env!(:kos_device_test, :modules)
    ExUnit.start(autorun: false, formatters: [KosDeviceTest.Formatter], exclude: [:host], timeout: 120_000)
    # They registered themselves when they were compiled, on another machine.
    result = if started == :ok, do: ExUnit.run(modules), else: failed_boot(started)
    KosDeviceTest.Formatter.verdict(result)
    # What is printed has to get out; the runner ends the machine.
    Process.sleep(:infinity)
  end

  defp wait_for_boot(tries \\ 600) do
    case :init.get_status() do
      {:started, _} -> :ok
      {:stopping, _} -> :stopping
      _ when tries == 0 -> :timeout
      _ -> Process.sleep(50) && wait_for_boot(tries - 1)
    end
  end

  defp failed_boot(why) do
    KosDeviceTest.Formatter.record(~s({"test":"boot","result":"fail","detail":"#{why}"}))
    %{total: 1, failures: 1, excluded: 0, skipped: 0}
  end
end

defmodule KosDeviceTest.Formatter do
  @moduledoc false
  use GenServer

  @impl true
  def init(_options), do: {:ok, nil}

  @impl true
  def handle_cast({:test_finished, %ExUnit.Test{} = test}, state) do
    report(test)
    {:noreply, state}
  end

  # A setup_all that failed: its tests never ran.
  def handle_cast({:module_finished, %ExUnit.TestModule{state: {:failed, failures}} = module}, state) do
    for test <- module.tests, do: report(%{test | state: {:failed, failures}})
    {:noreply, state}
  end

  def handle_cast(_event, state), do: {:noreply, state}

  defp report(%ExUnit.Test{state: {:excluded, _}}), do: :ok

  defp report(%ExUnit.Test{state: state} = test) do
    {result, detail} =
      case state do
        nil ->
          {"pass", "#{div(test.time, 1000)} ms"}

        {:skipped, why} ->
          {"skip", why}

        {:failed, failures} ->
          {"fail", ExUnit.Formatter.format_test_failure(test, failures, 1, 80, fn _, text -> text end)}

        {:invalid, _} ->
          {"fail", "setup_all failed"}
      end

    count(result)

    record(
      ~s({"test":"#{escape("#{inspect(test.module)} #{test.name}")}","result":"#{result}","detail":"#{escape(detail)}"})
    )
  end

  # The verdict counts records, so that one that is lost on the way is noticed.
  defp count(result), do: :persistent_term.put({__MODULE__, result}, counted(result) + 1)
  defp counted(result), do: :persistent_term.get({__MODULE__, result}, 0)

  def verdict(%{failures: failures, total: total}) do
    verdict = if failures == 0 and total > 0 and counted("pass") > 0, do: "pass", else: "fail"

    record(
      ~s({"verdict":"#{verdict}","passed":#{counted("pass")},"failed":#{counted("fail")},"skipped":#{counted("skip")}})
    )
  end

  # Below the size at which the console takes a line apart.
  @max_detail 1500

  # Not through the prompt's process, which shows control characters in its own way.
  def record(json) do
    {:ok, console} = :file.open("/dev/console", [:write, :raw])
    :ok = :file.write(console, <<0x1E, json::binary, "\n">>)
    :file.close(console)
  end

  defp escape(text) do
    text = String.slice(to_string(text), 0, @max_detail)

    for <<char::utf8 <- text>>, into: "" do
      case char do
        ?" -> ~S(\")
        ?\\ -> ~S(\\)
        ?\n -> ~S(\n)
        c when c < 0x20 or c > 0x7E -> " "
        c -> <<c>>
      end
    end
  end
end
