%% What BEAM programs spend their time with: messages around a ring, ETS, binaries, arithmetic in compiled loops.
-module(bench_cpu).
-export([main/0]).

main() ->
    row("beam/cpu/ring", fun() -> ring(100, 200) end),
    row("beam/cpu/ets", fun() -> ets_work(20000) end),
    row("beam/cpu/binary", fun() -> binary_work(20000, <<>>) end),
    row("beam/cpu/loop", fun() -> loop(2000000, 0) end),
    row("beam/cpu/lists", fun() -> length(lists:sort([(I * 7919) rem 100003 || I <- lists:seq(1, 50000)])) end),
    row("beam/cpu/spawn", fun() -> spawn_work(2000) end),
    row("beam/file/read_write", fun() -> file_work(50) end),
    row("beam/timer/after_1_ms", fun() -> [receive after 1 -> ok end || _ <- lists:seq(1, 20)] end).

%% The mean of nine: where the allocators and the collector of the BEAM stand makes one run differ from the next by up to
%% eight per cent, on both systems.
row(Name, Work) ->
    Work(),
    Start = erlang:monotonic_time(nanosecond),
    [Work() || _ <- lists:seq(1, 9)],
    Spent = (erlang:monotonic_time(nanosecond) - Start) / 9,
    io:format("~c{\"row\":\"~s\",\"value\":~.3f,\"unit\":\"ms\"}~n", [30, Name, Spent / 1000000]).

ring(Processes, Rounds) ->
    Self = self(),
    First = lists:foldl(fun(_, Next) -> spawn_link(fun() -> forward(Next) end) end, Self, lists:seq(1, Processes)),
    pass(First, Rounds).

forward(Next) ->
    receive
        stop -> Next ! stop;
        Message -> Next ! Message, forward(Next)
    end.

pass(First, 0) -> First ! stop, receive stop -> ok end;
pass(First, Rounds) -> First ! Rounds, receive Rounds -> pass(First, Rounds - 1) end.

ets_work(Count) ->
    Table = ets:new(t, [set, public]),
    [ets:insert(Table, {I, I}) || I <- lists:seq(1, Count)],
    Sum = lists:sum([ets:lookup_element(Table, I, 2) || I <- lists:seq(1, Count)]),
    ets:delete(Table),
    Sum.

binary_work(0, Made) -> length(binary:split(Made, <<",">>, [global]));
binary_work(Count, Made) -> binary_work(Count - 1, <<Made/binary, (integer_to_binary(Count))/binary, ",">>).

loop(0, Sum) -> Sum;
loop(N, Sum) -> loop(N - 1, (Sum * 3 + N) band 16#ffffffff).

spawn_work(Count) ->
    Self = self(),
    [spawn(fun() -> Self ! done end) || _ <- lists:seq(1, Count)],
    [receive done -> ok end || _ <- lists:seq(1, Count)].

file_work(0) -> ok;
file_work(Count) ->
    ok = file:write_file("/tmp/bench_beam", binary:copy(<<"x">>, 10000)),
    {ok, _} = file:read_file("/tmp/bench_beam"),
    ok = file:delete("/tmp/bench_beam"),
    file_work(Count - 1).
