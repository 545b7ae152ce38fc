# Modules of Erlang and Elixir for root images of tests and benchmarks.

# kos_elixir_modules(NAME SOURCES FILE.ex... [INTERFACES NAME.capnp...])
#
# beam/kos, the modules of `SOURCES` and typed modules (Kos.Idl.*) of the interfaces of idl/, compiled into image/ebin below
# the current build folder; the target is NAME_modules. Modules are the same for every machine; the compilers are this
# machine's, of the device's version.
function(kos_elixir_modules name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;INTERFACES")
    set(ebin "${CMAKE_CURRENT_BINARY_DIR}/image/ebin")
    file(GLOB_RECURSE library CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/beam/kos/lib/*.ex")
    file(GLOB carrier CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/beam/kos/src/*.erl")
    set(sources ${library})
    foreach(schema IN LISTS arg_INTERFACES)
        cmake_path(GET schema STEM stem)
        kos_interface_generate("${PROJECT_SOURCE_DIR}/idl/${schema}" elixir generated ${stem}.ex)
        list(APPEND sources ${generated})
    endforeach()
    foreach(source IN LISTS arg_SOURCES)
        list(APPEND sources "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
    endforeach()
    set(stamp "${CMAKE_CURRENT_BINARY_DIR}/modules.stamp")
    add_custom_command(OUTPUT "${stamp}"
        COMMAND ${CMAKE_COMMAND} -E rm -rf "${ebin}"
        COMMAND ${CMAKE_COMMAND} -E make_directory "${ebin}"
        COMMAND erlc +warnings_as_errors -o "${ebin}" ${carrier}
        COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C.UTF-8 elixirc --warnings-as-errors -o "${ebin}" ${sources}
        COMMAND ${CMAKE_COMMAND} -E touch "${stamp}"
        DEPENDS ${sources} ${carrier} COMMENT "Modules of ${name}" VERBATIM)
    add_custom_target(${name}_modules ALL DEPENDS "${stamp}")
endfunction()
