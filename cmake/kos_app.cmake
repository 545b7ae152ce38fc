# Native programs of KOS domains.
#
#   kos_app(NAME SOURCES... )   build/target/apps/NAME.elf: static, linked at 0x400000 by libkos/app.ld, on libkos
#
# The folder's app.toml describes the domain; the manifest compiler finds the program by its file name.
#
# RAW_SYSTEM_CALLS: may execute svc itself, with lib/sel4; for tests that attack the system from inside a domain.
function(kos_app name)
    cmake_parse_arguments(PARSE_ARGV 1 app "RAW_SYSTEM_CALLS" "" "")
    add_executable(app_${name} ${app_UNPARSED_ARGUMENTS})
    kos_freestanding(app_${name})
    set_target_properties(app_${name} PROPERTIES OUTPUT_NAME "${name}"
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/apps")
    target_link_libraries(app_${name} PRIVATE kos_native)
    kos_linker_script(app_${name} "${CMAKE_SOURCE_DIR}/libkos/app.ld")
    if(app_RAW_SYSTEM_CALLS)
        target_link_libraries(app_${name} PRIVATE kos_sel4_user)
        target_compile_definitions(app_${name} PRIVATE KOS_SEL4_BUFFER_IN_TPIDRRO)
    else()
        kos_check_system_calls(app_${name})
    endif()
    kos_split_debug(app_${name})
endfunction()

# The app folders of a project outside this tree; target project_apps makes their programs.
function(kos_add_project)
    add_custom_target(project_apps)
    foreach(folder IN LISTS ARGN)
        string(SHA256 id "${folder}")
        string(SUBSTRING "${id}" 0 12 id)
        cmake_path(GET folder FILENAME name)
        add_subdirectory("${folder}" "${CMAKE_BINARY_DIR}/project/${name}-${id}")
        kos_programs(programs "${folder}")
        if(programs)
            add_dependencies(project_apps ${programs})
        endif()
    endforeach()
endfunction()
