# Native programs of KOS domains.
#
#   kos_app(NAME SOURCES... )   build/target/apps/NAME.elf: static, linked at 0x400000 by libkos/app.ld, on libkos
#
# The folder's app.toml describes the domain; the manifest compiler finds the program by its file name.
function(kos_app name)
    add_executable(app_${name} ${ARGN})
    kos_freestanding(app_${name})
    set_target_properties(app_${name} PROPERTIES OUTPUT_NAME "${name}"
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/apps")
    target_link_libraries(app_${name} PRIVATE kos_native)
    kos_linker_script(app_${name} "${CMAKE_SOURCE_DIR}/libkos/app.ld")
    kos_check_system_calls(app_${name})
endfunction()
