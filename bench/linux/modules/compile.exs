# A fixed set of modules, compiled in memory.
source = fn number ->
  functions =
    for f <- 1..20 do
      """
        def f#{f}(x, y \\\\ #{f}) do
          case x do
            {:ok, value} when is_integer(value) -> Enum.map(1..value, &(&1 + y)) |> Enum.sum()
            %{key: key} = map -> Map.put(map, :other, "\#{key} and \#{y}")
            [head | tail] -> [head + #{f} | Enum.reverse(tail)]
            _ -> with {:ok, z} <- f#{f}({:ok, #{f}}), do: z
          end
        end
      """
    end

  "defmodule Bench.M#{number} do\n  defstruct a: 1, b: 2\n#{functions}end\n"
end

texts = Enum.map(1..6, source)
Code.compile_string(hd(texts))
start = System.monotonic_time(:nanosecond)
Enum.each(tl(texts), &Code.compile_string/1)
spent = System.monotonic_time(:nanosecond) - start
IO.puts([30, ~s({"row":"beam/elixir_compile","value":#{Float.round(spent / 1_000_000, 3)},"unit":"ms"})])
System.halt(0)
