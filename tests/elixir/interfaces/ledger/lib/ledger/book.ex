defmodule Ledger.Book do
  @moduledoc "Serves the port `ledger`, whose schema is beside mix.exs."
  use Kos.Server, port: "ledger"
  @behaviour Ledger.Idl.Ledger

  @impl Kos.Server
  def init(reader), do: {:ok, %{reader: reader, total: 0}}

  @impl Kos.Server
  def handle_call(label, message, from, state), do: Ledger.Idl.Ledger.dispatch(label, message, __MODULE__, from, state)

  @impl Ledger.Idl.Ledger
  def handle_enter(%{amount: 0}, _from, state) do
    note(state, :refused)
    {:error, :invalid_argument, state}
  end

  def handle_enter(%{amount: amount, note: text}, _from, state) do
    note(state, {:entered, amount, text})
    {:reply, %{total: state.total + amount}, %{state | total: state.total + amount}}
  end

  defp note(state, event), do: send(state.reader, event)
end
