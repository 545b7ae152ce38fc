%% The carrier `kos` of Erlang distribution (-proto_dist kos): between BEAM domains, over rings in shared memory, without
%% the network and without epmd.
%%
%% A node is called DOMAIN@kos. Whom it may connect to are the [[stream]]s of its manifest, /run/kos/stream/DOMAIN; who may
%% connect to it, those of the others, which arrive at /run/kos/listen/stream. Both are AF_UNIX sockets of KOS. Once two nodes
%% know each other, kos_dist_controller moves their messages. KOS says who the other side of a stream is: a node that calls
%% itself otherwise than its domain is refused.
%%
%% Not for who has no stream in any direction: listen/2 says so. A node that nobody may connect to has nothing to listen to,
%% and can still connect. Nodes with another host than `kos` are left to other carriers: -proto_dist inet_tcp
%% kos, in this order, because the last one is asked first whether a node is its own, and TCP asks the name service.
%%
%% ERTS User's Guide, "How to Implement an Alternative Carrier for the Erlang Distribution" (distribution module).
-module(kos_dist).

-export([listen/1, listen/2, accept/1, accept_connection/5, setup/5, close/1, select/1, address/0, is_node_name/1,
         setopts/2, getopts/2, getstat/1]).

-include_lib("kernel/include/net_address.hrl").
-include_lib("kernel/include/dist_util.hrl").
-include_lib("kernel/include/dist.hrl").

-define(HOST, "kos").
-define(ROOT, "/run/kos").

%% --- What net_kernel asks for

select(Node) ->
    case split(Node) of
        {_Name, ?HOST} -> true;
        _ -> false
    end.

is_node_name(Node) -> select(Node).

address() -> #net_address{host = ?HOST, protocol = kos, family = local}.

listen(Name) -> listen(Name, ?HOST).

listen(_Name, _Host) ->
    Listener = filename:join([root(), "listen", "stream"]),
    case gen_tcp:listen(0, [{ifaddr, {local, Listener}}, {active, false}, {packet, 2}, {backlog, 8}]) of
        {ok, Socket} -> {ok, {Socket, address(), kos_epmd:creation()}};
        {error, enoent} ->
            %% The manifest lets nobody connect to this domain; perhaps it lets this one connect to others.
            case kos_epmd:streams() of
                [_ | _] -> {ok, {none, address(), kos_epmd:creation()}};
                [] -> {error, no_stream_in_the_manifest}
            end;
        Error -> Error
    end.

close(none) -> ok;
close(Listener) -> gen_tcp:close(Listener).

accept(Listener) ->
    Kernel = self(),
    spawn_opt(fun() -> accept_loop(Kernel, Listener) end, [link, {priority, max}]).

accept_connection(Acceptor, Socket, MyNode, Allowed, SetupTime) ->
    Kernel = self(),
    Accept = fun() -> accepted(Kernel, Acceptor, Socket, MyNode, Allowed, SetupTime) end,
    spawn_opt(Accept, dist_util:net_ticker_spawn_options()).

setup(Node, Type, MyNode, _LongOrShortNames, SetupTime) ->
    Kernel = self(),
    spawn_opt(fun() -> connect(Kernel, Node, Type, MyNode, SetupTime) end, dist_util:net_ticker_spawn_options()).

setopts(Socket, Options) ->
    case [Option || {Key, _} = Option <- Options, lists:member(Key, [active, deliver, mode, packet])] of
        [] -> inet:setopts(Socket, Options);
        Refused -> {error, {badopts, Refused}}
    end.

getopts(Socket, Options) -> inet:getopts(Socket, Options).

getstat(Socket) ->
    case inet:getstat(Socket, [recv_cnt, send_cnt, send_pend]) of
        {ok, Counters} ->
            [Received, Sent, Pending] = [proplists:get_value(Key, Counters, 0) || Key <- [recv_cnt, send_cnt, send_pend]],
            {ok, Received, Sent, Pending};
        Error -> Error
    end.

%% --- Connections that others open

accept_loop(_Kernel, none) -> receive stop -> ok end;
accept_loop(Kernel, Listener) ->
    case gen_tcp:accept(Listener) of
        {ok, Socket} ->
            Kernel ! {accept, self(), Socket, local, kos},
            receive
                {Kernel, controller, Controller} ->
                    case gen_tcp:controlling_process(Socket, Controller) of
                        ok -> Controller ! {self(), controller};
                        _ -> exit(Controller, controlling_process_failed)
                    end;
                {Kernel, unsupported_protocol} -> exit(unsupported_protocol)
            end,
            accept_loop(Kernel, Listener);
        %% As many as the domain may have; later there is room again.
        {error, Reason} when Reason =:= emfile; Reason =:= enfile; Reason =:= enomem; Reason =:= econnaborted ->
            receive after 100 -> accept_loop(Kernel, Listener) end;
        {error, Reason} -> exit(Reason)
    end.

accepted(Kernel, Acceptor, Socket, MyNode, Allowed, SetupTime) ->
    receive
        {Acceptor, controller} ->
            Timer = dist_util:start_timer(SetupTime),
            Handshake = handshake(Kernel, Socket, MyNode, Timer),
            dist_util:handshake_other_started(Handshake#hs_data{allowed = Allowed, f_address = of_peer(peer(Socket))})
    end.

%% Which domain the stream comes from, as KOS says.
peer(Socket) ->
    Streams = filename:join(root(), "stream"),
    case inet:peername(Socket) of
        {ok, {local, Path}} when is_binary(Path) ->
            Name = binary_to_list(Path),
            case filename:dirname(Name) of
                Streams -> filename:basename(Name);
                _ -> unknown
            end;
        _ -> unknown
    end.

%% --- Connections that this node opens

connect(Kernel, Node, Type, MyNode, SetupTime) ->
    case split(Node) of
        {Name, ?HOST} -> connect(Kernel, Node, Name, Type, MyNode, dist_util:start_timer(SetupTime));
        _ -> ?shutdown2(Node, not_a_node_of_kos)
    end.

connect(Kernel, Node, Name, Type, MyNode, Timer) ->
    Path = filename:join([root(), "stream", Name]),
    case gen_tcp:connect({local, Path}, 0, [{active, false}, {packet, 2}]) of
        {ok, Socket} ->
            Handshake = handshake(Kernel, Socket, MyNode, Timer),
            dist_util:handshake_we_started(Handshake#hs_data{other_node = Node, other_version = ?ERL_DIST_VER_HIGH,
                                                             request_type = Type, f_address = of_peer(Name)});
        %% enoent: the manifest does not grant it; econnrefused: the other domain is not there, or does not listen.
        {error, Reason} -> ?shutdown2(Node, {connect, Reason})
    end.

%% --- Both

%% The controller is there before the runtime asks for it, and ends with the process that makes the connection.
handshake(Kernel, Socket, MyNode, Timer) ->
    Controller = kos_dist_controller:start(Socket),
    #hs_data{
        kernel_pid = Kernel, this_node = MyNode, socket = Socket, timer = Timer, this_flags = 0,
        f_send = fun gen_tcp:send/2,
        f_recv = fun gen_tcp:recv/3,
        %% What comes after the handshake is taken apart by the controller.
        f_setopts_pre_nodeup = fun(S) -> inet:setopts(S, [{active, false}, {packet, raw}]) end,
        f_setopts_post_nodeup = fun(_Socket) -> ok end,
        f_getll = fun(_Socket) -> {ok, Controller} end,
        f_handshake_complete = fun(S, _Node, Handle) -> kos_dist_controller:begin_with(Controller, S, Handle) end,
        mf_tick = fun(_Socket) -> kos_dist_controller:tick(Controller) end,
        mf_getstat = fun ?MODULE:getstat/1,
        mf_setopts = fun ?MODULE:setopts/2,
        mf_getopts = fun ?MODULE:getopts/2
    }.

%% Called when both nodes have shown that they know the cookie, before anybody hears of the connection.
of_peer(Peer) ->
    fun(_Socket, Node) ->
        case split(Node) of
            {Name, ?HOST} when Name =:= Peer -> address();
            %% Elsewhere than on KOS (tests) nobody says who it is.
            {_Name, ?HOST} when Peer =:= unknown -> known_elsewhere(Node);
            _ -> ?shutdown2(Node, {node_of_another_domain, Peer})
        end
    end.

known_elsewhere(Node) ->
    case root() of
        ?ROOT -> ?shutdown2(Node, peer_unknown);
        _ -> address()
    end.

split(Node) ->
    case string:split(atom_to_list(Node), "@") of
        [[_ | _] = Name, Host] -> {Name, Host};
        _ -> none
    end.

root() -> kos_epmd:root().
