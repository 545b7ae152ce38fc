# Elixir applications of this tree (a project of `mix kos.new` is built by its own tasks).
#
#   kos_mix_release(NAME FOLDER [SCHEMAS SCHEMA...] [ENVIRONMENT NAME=VALUE...] [DEPENDS FILE...])
#                                            the release NAME of the mix project in FOLDER, below rel/ of the current build
#                                            folder, where the project's root.toml finds it. Modules Kos.Idl.* of each SCHEMA
#                                            (as for kos_interface) are compiled with it
#
# Modules are the same for every machine; tools/rootfs replaces what is not. The compiler is this machine's Elixir, of the
# device's version. No package server: dependencies are folders of this tree.

function(kos_mix_release name folder)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SCHEMAS;ENVIRONMENT;DEPENDS")
    cmake_path(ABSOLUTE_PATH folder BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    set(build "${CMAKE_CURRENT_BINARY_DIR}/mix/${name}")
    set(output "${CMAKE_CURRENT_BINARY_DIR}/rel/${name}")
    set(bindings "${CMAKE_CURRENT_BINARY_DIR}/mix/${name}_bindings")
    set(schemas "")
    foreach(schema IN LISTS arg_SCHEMAS)
        _kos_find_schema(${schema} file stem)
        list(APPEND schemas "${file}")
    endforeach()
    _kos_interface_commands("${schemas}" elixir "${bindings}" commands depends)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/mix.exs" "${folder}/config/*" "${folder}/lib/*"
        "${folder}/priv/*" "${folder}/rel/*" "${CMAKE_SOURCE_DIR}/beam/kos/mix.exs" "${CMAKE_SOURCE_DIR}/beam/kos/lib/*")
    set(environment LC_ALL=C.UTF-8 MIX_ENV=prod MIX_TARGET=kos HEX_OFFLINE=1 "MIX_BUILD_PATH=${build}" "MIX_HOME=${build}/home"
        "KOS_BINDINGS=${bindings}" ${arg_ENVIRONMENT})
    add_custom_command(OUTPUT "${output}/releases/start_erl.data"
        ${commands}
        # --overwrite leaves files of an earlier release behind.
        COMMAND "${CMAKE_COMMAND}" -E rm -rf "${output}"
        COMMAND "${CMAKE_COMMAND}" -E env --unset=ERL_LIBS ${environment}
            mix do compile --warnings-as-errors, release ${name} --quiet --path "${output}"
        WORKING_DIRECTORY "${folder}"
        DEPENDS ${sources} ${depends} ${arg_DEPENDS} COMMENT "Release ${name}" VERBATIM)
    add_custom_target(release_${name} ALL DEPENDS "${output}/releases/start_erl.data")
endfunction()
