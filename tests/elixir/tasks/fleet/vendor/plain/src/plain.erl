-module(plain).
-export([answer/0]).

answer() -> 42.
