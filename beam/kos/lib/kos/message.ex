defmodule Kos.Message do
  @moduledoc """
  What a call brings and what is answered: a param, two words or none, payload, and perhaps a token.

  `token`: of an answer, the `Kos.Port` process that leads to what the token names; it ends with the process that has
  made the call, or by `Kos.Port.close/1`. Of a request to a `Kos.Server`, the number of the own token that was called,
  0 for the port itself.
  """
  @type t :: %__MODULE__{
          status: Kos.status(),
          param: non_neg_integer,
          words: nil | {non_neg_integer, non_neg_integer},
          payload: binary,
          token: nil | pid | non_neg_integer
        }
  defstruct status: :ok, param: 0, words: nil, payload: "", token: nil
end
