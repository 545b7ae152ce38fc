-module(wire).
-export([checksum/1]).
-on_load(load/0).

load() -> erlang:load_nif(filename:join(code:priv_dir(wire), "wire"), 0).

checksum(_Binary) -> erlang:nif_error(not_loaded).
