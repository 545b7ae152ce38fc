// The sum of a binary's bytes.
#include <erl_nif.h>

static ERL_NIF_TERM checksum(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
    ErlNifBinary binary;
    if (argc != 1 || !enif_inspect_binary(env, argv[0], &binary)) return enif_make_badarg(env);
    unsigned sum = 0;
    for (size_t i = 0; i < binary.size; ++i) sum += binary.data[i];
    return enif_make_uint(env, sum);
}

static ErlNifFunc functions[] = {{"checksum", 1, checksum, 0}};
ERL_NIF_INIT(wire, functions, NULL, NULL, NULL, NULL)
