%% The same as server.c with gen_tcp: echo (port 1007), discard (1009), as much as the peer takes (1019).
-module(net_server).
-export([start/0]).

start() ->
    listen(1007, fun echo/1),
    listen(1009, fun discard/1),
    Piece = binary:copy(<<0>>, 65536),
    listen(1019, fun(Socket) -> source(Socket, Piece) end),
    receive after infinity -> ok end.

listen(Port, Serve) ->
    Options = [binary, {active, false}, {reuseaddr, true}, {nodelay, true}, {backlog, 255}, {buffer, 65536}],
    {ok, Listener} = gen_tcp:listen(Port, Options),
    spawn_link(fun() -> accept(Listener, Serve) end).

accept(Listener, Serve) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Server = spawn(fun() -> receive go -> Serve(Socket), gen_tcp:close(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Server),
    Server ! go,
    accept(Listener, Serve).

echo(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} -> ok = gen_tcp:send(Socket, Data), echo(Socket);
        {error, _} -> ok
    end.

discard(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, _} -> discard(Socket);
        {error, _} -> ok
    end.

source(Socket, Piece) ->
    case gen_tcp:send(Socket, Piece) of
        ok -> source(Socket, Piece);
        {error, _} -> ok
    end.
