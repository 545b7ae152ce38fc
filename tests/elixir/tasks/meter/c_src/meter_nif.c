// Counts pulses: the native part of a project that knows nothing of KOS.
#include <erl_nif.h>
#include <sys/utsname.h>

static ErlNifSInt64 pulses;

static ERL_NIF_TERM count(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
    ErlNifSInt64 by;
    (void)argc;
    if (!enif_get_int64(env, argv[0], &by)) return enif_make_badarg(env);
    return enif_make_int64(env, pulses += by);
}

static ERL_NIF_TERM machine(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
    struct utsname name;
    (void)argc, (void)argv;
    return uname(&name) == 0 ? enif_make_string(env, name.machine, ERL_NIF_LATIN1) : enif_make_badarg(env);
}

static ErlNifFunc functions[] = {{"count", 1, count, 0}, {"machine", 0, machine, 0}};

ERL_NIF_INIT(Elixir.Meter.Nif, functions, NULL, NULL, NULL, NULL)
