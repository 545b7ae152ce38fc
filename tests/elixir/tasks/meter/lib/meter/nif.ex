defmodule Meter.Nif do
  @moduledoc false
  @on_load :load

  def load, do: :erlang.load_nif(Application.app_dir(:meter, "priv/meter_nif") |> to_charlist(), 0)

  def count(_by), do: :erlang.nif_error(:not_loaded)
  def machine, do: :erlang.nif_error(:not_loaded)
end
