# Evaluated by iex before it shows its prompt, on KOS and on Linux: the machine's own time, of which the benchmark makes its figures.
IO.puts("prompt at #{:os.perf_counter(:microsecond)} us")
