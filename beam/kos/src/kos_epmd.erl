%% In epmd's place (-start_epmd false -epmd_module kos_epmd): no process, no port that anybody could ask. Nodes of the carrier
%% `kos` need no ports; those over TCP all listen on one, each domain having addresses of its own: the manifest's
%% parameter `dist_port` (4370 unless it is there), the same in all domains.
%%
%% Kernel Reference Manual, "erl_epmd": the functions that a replacement must have.
-module(kos_epmd).

-export([start_link/0, register_node/2, register_node/3, port_please/2, port_please/3, listen_port_please/2,
         address_please/3, names/0, names/1, creation/0, streams/0, root/0]).

-include_lib("kernel/include/dist.hrl").

-define(PORT, 4370).

start_link() -> ignore.

register_node(Name, Port) -> register_node(Name, Port, inet).
register_node(_Name, _Port, _Driver) -> {ok, creation()}.

port_please(Name, Host) -> port_please(Name, Host, infinity).
port_please(_Name, _Host, _Timeout) -> {port, dist_port(), ?ERL_DIST_VER_HIGH}.

listen_port_please(_Name, _Host) -> {ok, dist_port()}.

address_please(_Name, Host, Family) -> inet:getaddr(Host, Family).

%% The domains that this one may open streams to, without ports; of another host nobody knows.
names() -> names("kos").
names("kos") -> {ok, [{Name, 0} || Name <- streams()]};
names(_Host) -> {error, address}.

%% --- What KOS says about the domain. The file server does not run yet when distribution starts.

streams() ->
    case erl_prim_loader:list_dir(filename:join(root(), "stream")) of
        {ok, Names} -> Names;
        error -> []
    end.

%% Of two lives of a node, so that nobody mistakes the processes of one for those of the other: the number of the domain's
%% instance, above 3 as it must be.
creation() -> (number(["domain", "instance"], rand:uniform(16#0fffffff)) band 16#0fffffff) + 4.

dist_port() -> number(["parameters", "dist_port"], ?PORT).

number(Path, Otherwise) ->
    case file:open(filename:join([root() | Path]), [read, raw, binary]) of
        {ok, File} ->
            Text = file:read(File, 32),
            ok = file:close(File),
            case Text of
                {ok, Digits} -> binary_to_integer(string:trim(Digits));
                _ -> Otherwise
            end;
        {error, _} -> Otherwise
    end.

%% Elsewhere than on KOS (tests): -kos_root FOLDER.
root() ->
    case init:get_argument(kos_root) of
        {ok, [[Folder] | _]} -> Folder;
        _ -> "/run/kos"
    end.
