defmodule Kos.Mix.Package do
  @moduledoc """
  What `./kos package` makes: a signed package and the files that it names (services/root/push_format.h of KOS).
  """

  defstruct [:announcement, :domain, :sequence, :files]

  @page 4096
  @hash 32
  @announced 16 + 32 + 32 + 8 + 4 + 4 + 4 * 48 + 64
  @program 3

  @type file :: %{image?: boolean(), hashes: [binary()], bytes: binary()}

  @doc """
  Takes the file's contents apart. An image's bytes are whole pages, with the hash of each in `:hashes`; a program has none.
  """
  @spec parse!(binary()) :: %__MODULE__{files: [file()]}
  def parse!(<<announcement::binary-size(@announced), rest::binary>>) do
    <<_context::binary-16, domain::binary-32, _system::binary-32, sequence::little-64, count::little-32, _::32,
      table::binary-size(4 * 48), _signature::binary>> = announcement

    entries = for <<kind::little-32, _::32, size::little-64, _hash::binary-size(@hash) <- table>>, do: {kind, size}

    {files, ""} = entries |> Enum.take(count) |> Enum.map_reduce(rest, &take_file/2)

    %__MODULE__{
      announcement: announcement,
      domain: String.trim_trailing(domain, "\0"),
      sequence: sequence,
      files: files
    }
  end

  defp take_file({@program, size}, bytes) do
    <<program::binary-size(size), rest::binary>> = bytes
    {%{image?: false, hashes: [], bytes: program}, rest}
  end

  defp take_file({_image, size}, bytes) do
    pages = div(size + @page - 1, @page)
    <<list::binary-size(pages * @hash), contents::binary-size(pages * @page), rest::binary>> = bytes
    {%{image?: true, hashes: for(<<hash::binary-size(@hash) <- list>>, do: hash), bytes: contents}, rest}
  end

  @doc """
  How the pages of an image get to a device that has `theirs`, the first bytes of its pages' hashes: `{:copy, first, count}` of
  its own pages, and `{:data, bytes}`, in order.
  """
  @spec plan(file(), [binary()]) :: [{:copy, non_neg_integer(), pos_integer()} | {:data, binary()}]
  def plan(file, theirs) do
    known = theirs |> Enum.with_index() |> Enum.reverse() |> Map.new()
    length = theirs |> List.first("") |> byte_size()

    file.hashes
    |> Enum.with_index()
    |> Enum.map(fn {hash, index} -> step(Map.get(known, binary_part(hash, 0, length)), hash, theirs, index) end)
    |> join([])
    |> Enum.map(fn
      {:data, first, count} -> {:data, binary_part(file.bytes, first * @page, count * @page)}
      copy -> copy
    end)
  end

  # A device without this image has no hashes, whose length is 0 then.
  defp step(nil, _, _, index), do: {:data, index, 1}
  defp step(page, _, _, _), do: {:copy, page, 1}

  defp join([], done), do: Enum.reverse(done)

  defp join([{kind, first, count} | rest], [{kind, before, so_far} | done]) when before + so_far == first,
    do: join(rest, [{kind, before, so_far + count} | done])

  defp join([one | rest], done), do: join(rest, [one | done])
end
