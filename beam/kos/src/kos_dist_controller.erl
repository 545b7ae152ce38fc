%% What a connection of the carrier `kos` (kos_dist) does once both nodes know each other: two processes between the runtime
%% and the socket. All that the node has to say by the time the writer runs goes in one write, and all that has arrived
%% comes in one read, so that one message of many costs no system call of its own on either side.
%%
%% On the wire: the runtime's messages, each behind its length in four bytes, as its own driver makes them of {packet, 4}.
%% A length of 0 is a sign of life.
%%
%% Bounds. While the socket takes nothing, the writer waits; then the runtime's queue fills, and who sends more than it
%% holds (+zdbbl) is suspended, as with every carrier (busy_dist_port). The reader has at most READS_MAX reads waiting,
%% and a message above MESSAGE_MAX ends the connection. All processes of a connection are linked and end together.
%%
%% ERTS User's Guide, "How to Implement an Alternative Carrier for the Erlang Distribution" (distribution controller).
-module(kos_dist_controller).

-export([start/1, begin_with/3, tick/1]).

%% Bytes of one write, apart from its last message.
-define(WRITE_BYTES, 32768).
%% Parts of messages up to 256 bytes the driver puts into one piece by itself; a message that may have larger ones is of four
%% pieces at most. Of more than 16 pieces it makes several writes, and waits in between: those are copied into one before.
-define(SMALL_BYTES, 256).
-define(LARGE_MESSAGES, 4).
-define(READ_BYTES, 65536).
%% The socket is given READS_STEP reads before it has used up those that it had: one that stops leaves the scheduler's own
%% poll set, and for its next events another thread is woken first.
-define(READS_MAX, 32).
-define(READS_STEP, 16).
-define(HEADER_BYTES, 4).
-define(MESSAGE_MAX, 16#4000000).

%% The writer, which is the connection's controller for the runtime; linked to the caller. It waits for begin_with/3.
start(Socket) -> spawn_opt(fun() -> wait(Socket) end, options()).

%% Called by the owner of the socket, which is passive and raw, when the runtime knows the controller.
begin_with(Controller, Socket, Handle) ->
    ok = gen_tcp:controlling_process(Socket, Controller),
    Controller ! {begin_with, Handle},
    ok.

tick(Controller) ->
    Controller ! tick,
    ok.

%% They come before others, and still find together what those said in their turn. A heap on which a whole write can be put
%% together without a collection; each collection looks at all of it, so that no data is kept.
options() -> [link, {priority, high}, {min_heap_size, 16384}, {fullsweep_after, 0}].

wait(Socket) ->
    receive
        {begin_with, Handle} ->
            Reader = spawn_opt(fun() -> wait_to_read(Handle, Socket) end, options()),
            must(inet:setopts(Socket, [{mode, binary}, {buffer, ?READ_BYTES}])),
            must(gen_tcp:controlling_process(Socket, Reader)),
            until_gone(fun() ->
                ok = erlang:dist_ctrl_input_handler(Handle, Reader),
                _ = erlang:dist_ctrl_set_opt(Handle, get_size, true),
                Reader ! begin_reading,
                write(Handle, Socket)
            end)
    end.

%% The runtime's functions fail with badarg when it has given up the connection.
until_gone(Loop) ->
    try Loop()
    catch error:badarg -> exit(connection_closed)
    end.

must(ok) -> ok;
must({error, _Reason}) -> exit(connection_closed).

%% --- From the runtime to the socket

write(Handle, Socket) ->
    erlang:dist_ctrl_get_data_notification(Handle),
    wait_for_data(Handle, Socket).

wait_for_data(Handle, Socket) ->
    receive
        dist_data ->
            collect(Handle, Socket, [], 0, 0);
        tick ->
            must(local_tcp:send(Socket, <<0:32>>, [])),
            wait_for_data(Handle, Socket)
    end.

%% Large: how many of the messages have pieces of their own.
collect(Handle, Socket, Messages, Bytes, Large) when Bytes < ?WRITE_BYTES ->
    case erlang:dist_ctrl_get_data(Handle) of
        {Size, Data} when Size =< ?SMALL_BYTES ->
            collect(Handle, Socket, [Messages, 0, 0, Size bsr 8, Size band 255 | Data], Bytes + Size + ?HEADER_BYTES, Large);
        {Size, Data} ->
            collect(Handle, Socket, [Messages, <<Size:32>> | Data], Bytes + Size + ?HEADER_BYTES, Large + 1);
        none ->
            send(Socket, Messages, Large),
            write(Handle, Socket)
    end;
collect(Handle, Socket, Messages, _Bytes, Large) ->
    send(Socket, Messages, Large),
    collect(Handle, Socket, [], 0, 0).

send(_Socket, [], _Large) -> ok;
send(Socket, Messages, Large) when Large =< ?LARGE_MESSAGES -> must(local_tcp:send(Socket, Messages, []));
send(Socket, Messages, _Large) -> must(local_tcp:send(Socket, iolist_to_binary(Messages), [])).

%% --- From the socket to the runtime

wait_to_read(Handle, Socket) ->
    receive
        begin_reading ->
            must(inet:setopts(Socket, [{active, ?READS_MAX}])),
            until_gone(fun() -> read(Handle, Socket, ?READS_MAX, {0, []}) end)
    end.

%% Left: reads that may still come. Unfinished: see take/2.
read(Handle, Socket, Left, Unfinished) when Left =< ?READS_MAX - ?READS_STEP ->
    must(inet:setopts(Socket, [{active, ?READS_STEP}])),
    read(Handle, Socket, Left + ?READS_STEP, Unfinished);
read(Handle, Socket, Left, Unfinished) ->
    receive
        {tcp, Socket, Bytes} -> read(Handle, Socket, Left - 1, add(Handle, Unfinished, Bytes));
        {tcp_passive, Socket} -> read(Handle, Socket, Left, Unfinished);
        {tcp_closed, Socket} -> exit(connection_closed);
        {tcp_error, Socket, _Reason} -> exit(connection_closed)
    end.

add(_Handle, {Missing, Pieces}, Bytes) when byte_size(Bytes) < Missing ->
    {Missing - byte_size(Bytes), [Bytes | Pieces]};
add(Handle, {_Missing, []}, Bytes) -> take(Handle, Bytes);
add(Handle, {_Missing, Pieces}, Bytes) -> take(Handle, iolist_to_binary(lists:reverse(Pieces, [Bytes]))).

%% Gives all whole messages to the runtime. Returns what is left: how many bytes are missing at least until there is more to
%% do, and the pieces so far, the last one first.
take(Handle, <<Size:32, Message:Size/binary, Rest/binary>>) ->
    Size > 0 andalso erlang:dist_ctrl_put_data(Handle, Message),
    take(Handle, Rest);
take(_Handle, <<>>) -> {0, []};
take(_Handle, <<Size:32, _/binary>>) when Size > ?MESSAGE_MAX -> exit(connection_closed);
take(_Handle, <<Size:32, Some/binary>> = Bytes) -> {Size - byte_size(Some), [Bytes]};
take(_Handle, Bytes) -> {?HEADER_BYTES - byte_size(Bytes), [Bytes]}.
