#include <erl_nif.h>

static ERL_NIF_TERM machine(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
    (void)argc, (void)argv;
    return enif_make_atom(env, MACHINE);
}

static ErlNifFunc functions[] = {{"machine", 0, machine, 0}};
ERL_NIF_INIT(Elixir.Fleet.Nif, functions, NULL, NULL, NULL, NULL)
