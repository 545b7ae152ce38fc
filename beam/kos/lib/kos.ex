defmodule Kos do
  @moduledoc """
  What an Elixir application on KOS can reach beyond Linux: native services as processes, calls and casts.

  Everything goes through sockets and files below `/run/kos` (`linux/net/kos_port_record.h`), so nothing of it is a NIF
  and the BEAM is Debian's. On another machine the folder does not exist and every function says so; tests put a
  folder of their own in its place with `config :kos, root: path`.
  """

  @statuses %{
    128 => :ok,
    129 => :created,
    130 => :pong,
    144 => :bad_request,
    145 => :invalid_argument,
    146 => :unauthorized,
    147 => :not_found,
    148 => :conflict,
    149 => :invalid_token,
    150 => :at_token_limit,
    151 => :full,
    152 => :empty,
    153 => :not_enough_memory,
    154 => :no_reply,
    155 => :timeout,
    160 => :internal_error,
    161 => :unavailable,
    162 => :not_implemented,
    163 => :peer_gone,
    164 => :peer_invalid
  }
  @numbers Map.new(@statuses, fn {number, name} -> {name, number} end)

  @type status :: atom | {:unknown, non_neg_integer}

  @doc """
  The name of a status (`libkos/include/kos/status.h`).

      iex> Kos.status(163)
      :peer_gone
      iex> Kos.status(200)
      {:unknown, 200}
  """
  @spec status(non_neg_integer) :: status
  def status(number), do: Map.get(@statuses, number, {:unknown, number})

  @doc """
  The number of a status.

      iex> Kos.status_number(:ok)
      128
  """
  @spec status_number(atom) :: pos_integer
  def status_number(name), do: Map.fetch!(@numbers, name)

  @doc """
  Does this status mean success?

      iex> Enum.map([128, 143, 144], &Kos.success?/1)
      [true, true, false]
  """
  @spec success?(non_neg_integer) :: boolean
  def success?(number), do: number in 128..143

  @doc "The folder of ports, parameters and facts: `/run/kos`, or what `config :kos, root:` says."
  @spec root() :: Path.t()
  def root, do: Application.get_env(:kos, :root, "/run/kos")

  @doc "Names of the ports that the manifest lets this domain use. Empty on another machine."
  @spec ports() :: [String.t()]
  def ports do
    case File.ls(Path.join(root(), "port")) do
      {:ok, names} -> Enum.sort(names)
      {:error, _} -> []
    end
  end
end
