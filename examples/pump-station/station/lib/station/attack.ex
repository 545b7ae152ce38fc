defmodule Station.Attack do
  @moduledoc """
  The buttons: lets a part of the system go wrong. `:kill` asks the supervisor; the rest the part does itself, as an attacker who
  has its code would make it. What became of each attempt is in the log.
  """
  require Logger
  alias Station.Plant

  @history :history@kos

  @doc "Whether the manifest lets this device be broken on demand."
  def allowed?, do: Kos.KV.get_integer(:trials, 0) == 1

  @doc "`:ok` once it is on its way; `{:error, reason}`."
  def begin(part, how) do
    cond do
      not allowed?() -> {:error, :trials_are_off}
      part == "station" -> later(how)
      how == :kill and (part == "history" or part in Plant.parts()) -> Kos.Domain.restart(part)
      part == "history" -> ask_history(how)
      part in Plant.parts() -> Plant.trial(part, how)
      true -> {:error, :not_found}
    end
  end

  defp ask_history(how) do
    GenServer.call({History.Store, @history}, {:trial, how}, 2000)
  catch
    :exit, _ -> {:error, :unavailable}
  end

  # The answer gets out first.
  defp later(how) do
    {:ok, _} = Task.start(fn -> Process.sleep(300) && go(how) end)
    :ok
  end

  defp go(:kill), do: System.halt(1)
  defp go(:crash), do: :erlang.halt(:abort)

  # Nothing of lower priority gets a turn while this runs on the only scheduler; the guard notices that nothing comes any more.
  defp go(:hang) do
    Process.flag(:priority, :max)
    spin()
  end

  defp go(:compromise), do: Station.Hostile.run()

  defp spin, do: spin()
end
