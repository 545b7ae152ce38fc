defmodule Station.Web.Queue do
  @moduledoc """
  The connections whose request is not complete yet, the oldest first: those that make room when all are taken. Somebody who opens
  connections and says nothing, or a byte now and then, has the oldest ones.
  """
  @table __MODULE__

  def new, do: :ets.new(@table, [:named_table, :public, :ordered_set])

  @doc "By who accepts, before the connection knows that it is there."
  def add(pid), do: :ets.insert(@table, {{:erlang.unique_integer([:monotonic]), pid}})

  @doc "Its request is complete, or it has ended."
  def remove(pid), do: :ets.match_delete(@table, {{:_, pid}})

  @doc "The one that has waited longest and is still there; nil: none."
  def oldest do
    case :ets.first(@table) do
      :"$end_of_table" ->
        nil

      {_, pid} = key ->
        if Process.alive?(pid) do
          pid
        else
          :ets.delete(@table, key)
          oldest()
        end
    end
  end
end
