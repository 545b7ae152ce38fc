defmodule Kos.Message do
  @moduledoc """
  What a call brings and what is answered: a param, two words or none, payload, and perhaps a token.

  `token`: of an answer `:given_back` if one came with it, which the BEAM cannot keep; of a request to a `Kos.Server` the
  number of the own token that was called, 0 for the port itself.
  """
  @type t :: %__MODULE__{
          status: Kos.status(),
          param: non_neg_integer,
          words: nil | {non_neg_integer, non_neg_integer},
          payload: binary,
          token: nil | :given_back | non_neg_integer
        }
  defstruct status: :ok, param: 0, words: nil, payload: "", token: nil
end
