defmodule Kos.Mix.Link do
  @moduledoc """
  This machine's end of the development link (services/devlink of KOS): signed commands to a device that `mix kos.run` has started.
  """
  alias Kos.Mix.{Home, Project}

  defstruct [:socket, :key, :nonce]

  @context "KOS devlink 1\0"
  @answer_ms 30_000

  @doc "Whether the project's system has the link."
  def in_system?(project), do: File.read!(Path.join(project.root, "system.toml")) =~ ~r/^\s*path\s*=\s*"core:devlink"/m

  @doc "The socket between QEMU and the tasks. Paths of sockets are short, so it is not in the project."
  def path(project) do
    name = :crypto.hash(:sha256, project.root) |> Base.encode16(case: :lower) |> binary_part(0, 16)
    Path.join(System.get_env("XDG_RUNTIME_DIR") || System.tmp_dir!(), "kos-#{name}.sock")
  end

  @doc "Opens the link to this project's running device. Raises, saying what to do, if there is none."
  def open! do
    project = Project.find!()
    key = key!()

    unless in_system?(project) do
      Mix.raise(
        "system.toml has no development link. It needs path = \"core:devlink\" and path = \"core:virtio_console\" (services/devlink/README.md of KOS)"
      )
    end

    case :gen_tcp.connect({:local, path(project)}, 0, [:binary, active: false, packet: :line, buffer: 65_536], 2000) do
      {:ok, socket} -> hello(%__MODULE__{socket: socket, key: key})
      {:error, _} -> Mix.raise("The device does not run. Start it in another terminal: mix kos.run")
    end
  end

  def close(link), do: :gen_tcp.close(link.socket)

  defp key! do
    file = Home.path!("build/cache/keys/development.key")

    case File.read(file) do
      {:ok, <<seed::binary-size(32)>>} ->
        seed

      {:ok, text} ->
        Base.decode16!(String.trim(text), case: :mixed)

      {:error, _} ->
        Mix.raise("There is no development key (#{file}). mix kos.build makes one, and a device that knows it")
    end
  end

  # What an earlier conversation left behind is skipped.
  defp hello(link) do
    tag = Base.encode16(:crypto.strong_rand_bytes(8), case: :lower)
    :ok = :gen_tcp.send(link.socket, "\nhello #{tag}\n")
    deadline = System.monotonic_time(:millisecond) + @answer_ms
    %{link | nonce: await_nonce(link, tag, deadline)}
  end

  defp await_nonce(link, tag, deadline) do
    case String.split(line!(link, deadline), " ") do
      ["nonce", nonce, ^tag] -> Base.decode16!(nonce, case: :lower)
      ["error", "UNAVAILABLE" | _] -> Mix.raise("The device has no random numbers yet; try again in a moment")
      _ -> await_nonce(link, tag, deadline)
    end
  end

  @doc """
  Carries out a command. Returns `{lines, values, link}`: the lines of its answer, what stands behind `ok`, and the link for the
  next one. `{:error, why, link}` is what the device refuses.
  """
  def command(link, text) do
    signature = :crypto.sign(:eddsa, :none, @context <> link.nonce <> text, [link.key, :ed25519])
    :ok = :gen_tcp.send(link.socket, [Base.encode16(signature, case: :lower), " ", text, "\n"])
    answer(link, [], System.monotonic_time(:millisecond) + @answer_ms)
  end

  defp answer(link, lines, deadline) do
    case line!(link, deadline) do
      "ok" <> values -> {Enum.reverse(lines), String.split(values), renew(link, deadline)}
      "error " <> why -> {:error, why, renew(link, deadline)}
      line -> answer(link, [line | lines], deadline)
    end
  end

  defp renew(link, deadline) do
    case String.split(line!(link, deadline), " ") do
      ["nonce", nonce, "-"] -> %{link | nonce: Base.decode16!(nonce, case: :lower)}
      _ -> hello(link)
    end
  end

  defp line!(link, deadline) do
    left = max(deadline - System.monotonic_time(:millisecond), 0)

    case :gen_tcp.recv(link.socket, 0, left) do
      {:ok, line} ->
        String.trim_trailing(line, "\n")

      {:error, :timeout} ->
        Mix.raise(
          "The device does not answer. Another task may be using the link, or its devlink hangs; mix kos.run shows its console"
        )

      {:error, _} ->
        Mix.raise("The device has gone")
    end
  end

  @doc """
  A line that needs no signature: `data`, between the commands `push` and `commit`. `:ok`, or `{:error, why}`.
  """
  def unsigned(link, text) do
    :ok = :gen_tcp.send(link.socket, [text, "\n"])

    case line!(link, System.monotonic_time(:millisecond) + @answer_ms) do
      "ok" <> _ -> :ok
      "error " <> why -> {:error, why}
    end
  end

  @doc "`command/2` for a task: an error ends it."
  def command!(link, text, what) do
    case command(link, text) do
      {:error, why, _} -> Mix.raise("#{what}: the device answers #{explain(why)}")
      answer -> answer
    end
  end

  defp explain("UNAUTHORIZED"),
    do:
      "UNAUTHORIZED: it knows another development key, or the manifest does not allow it (appman's `allow`, log's `readers`)"

  defp explain("NOT_FOUND"), do: "NOT_FOUND: there is no such domain; mix kos.status lists them"
  defp explain("CONFLICT"), do: "CONFLICT: not part of the mode that it is in"
  defp explain(why), do: why
end
