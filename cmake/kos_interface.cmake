# Bindings of interfaces (idl/README.md).
#
#   kos_interface(TARGET SCHEMA...)   TARGET can include <kos/idl/NAME.h> and <kos/idl/NAME.hpp> of each SCHEMA
#                                     (NAME.capnp: of the calling folder, or else of idl/)
#
# Works in both presets. The schema compiler's back end is a program of the host preset, which ./kos builds first.

find_program(KOS_CAPNP capnp REQUIRED)
set(KOS_IDL_DIR "${CMAKE_SOURCE_DIR}/idl")
set(KOS_IDL_PLUGIN "${CMAKE_SOURCE_DIR}/build/host/tools/idl/idl")
if(KOS_TARGET AND NOT EXISTS "${KOS_IDL_PLUGIN}")
    message(FATAL_ERROR "${KOS_IDL_PLUGIN} does not exist; build it first: ./kos build --preset target does so")
endif()

function(kos_interface target)
    foreach(schema IN LISTS ARGN)
        _kos_find_schema(${schema} file name)
        _kos_interface_library(${file} ${name})
        get_target_property(type ${target} TYPE)
        if(type STREQUAL "INTERFACE_LIBRARY")
            target_link_libraries(${target} INTERFACE kos_idl_${name})
        elseif(KOS_TARGET)
            target_link_libraries(${target} PRIVATE kos_idl_${name})
        else()
            _kos_interface_host_link(${target} ${name})
        endif()
    endforeach()
endfunction()

# The sources that capnp makes of `file` below the current build folder, in `result`: those named by ARGN (log.c, log.md, ...).
# `emit`: what KOS_IDL_EMIT is set to.
function(kos_interface_generate file emit result)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/generated")
    list(TRANSFORM ARGN PREPEND "${folder}/" OUTPUT_VARIABLE outputs)
    cmake_path(GET file PARENT_PATH here)
    # Any of them may be imported. The back end leaves files alone that do not change.
    file(GLOB imports CONFIGURE_DEPENDS "${KOS_IDL_DIR}/*.capnp" "${here}/*.capnp")
    if(TARGET idl_plugin)
        set(plugin "$<TARGET_FILE:idl_plugin>" idl_plugin)
    else()
        set(plugin "${KOS_IDL_PLUGIN}")
    endif()
    list(GET plugin 0 program)
    cmake_path(GET file FILENAME shown)
    add_custom_command(OUTPUT ${outputs}
        COMMAND "${CMAKE_COMMAND}" -E make_directory "${folder}"
        COMMAND "${CMAKE_COMMAND}" -E env "KOS_IDL_EMIT=${emit}"
                "${KOS_CAPNP}" compile "-I${KOS_IDL_DIR}" "--src-prefix=${here}" "-o${program}:${folder}" "${file}"
        DEPENDS ${imports} ${plugin}
        COMMENT "Bindings of ${shown}" VERBATIM)
    set(${result} ${outputs} PARENT_SCOPE)
endfunction()

# ARGN: where else to look.
function(_kos_find_schema schema file name)
    foreach(folder ${ARGN} "${CMAKE_CURRENT_SOURCE_DIR}" "${KOS_IDL_DIR}")
        cmake_path(ABSOLUTE_PATH schema BASE_DIRECTORY "${folder}" NORMALIZE OUTPUT_VARIABLE path)
        if(EXISTS "${path}")
            cmake_path(GET path STEM stem)
            set(${file} "${path}" PARENT_SCOPE)
            set(${name} "${stem}" PARENT_SCOPE)
            return()
        endif()
    endforeach()
    message(FATAL_ERROR "kos_interface: ${schema} is neither in ${CMAKE_CURRENT_SOURCE_DIR} nor in ${KOS_IDL_DIR}")
endfunction()

# kos_idl_NAME, made at its first use.
function(_kos_interface_library file name)
    if(TARGET kos_idl_${name})
        get_target_property(other kos_idl_${name} KOS_SCHEMA)
        if(NOT other STREQUAL file)
            message(FATAL_ERROR "kos_interface: two schemas have the same name: ${other}, ${file}")
        endif()
        return()
    endif()
    kos_interface_generate(${file} c,cpp sources
        ${name}.c include/kos/idl/${name}.h include/kos/idl/${name}.hpp)
    set(includes "${CMAKE_CURRENT_BINARY_DIR}/generated/include" "${CMAKE_SOURCE_DIR}/libkos/include")
    if(KOS_TARGET)
        add_library(kos_idl_${name} STATIC EXCLUDE_FROM_ALL ${sources})
        kos_freestanding(kos_idl_${name})
        target_include_directories(kos_idl_${name} PUBLIC ${includes})
        target_link_libraries(kos_idl_${name} PUBLIC kos_native)
    else()
        kos_host_library(kos_idl_${name} SOURCES ${sources} INCLUDES ${includes})
    endif()
    set_target_properties(kos_idl_${name} PROPERTIES KOS_SCHEMA "${file}")
    # Schemas of the same folder or of idl/ that it imports.
    cmake_path(GET file PARENT_PATH here)
    file(STRINGS "${file}" imports REGEX "import[ \t]+\"[^\"]+\\.capnp\"")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    foreach(line IN LISTS imports)
        string(REGEX REPLACE ".*import[ \t]+\"/?([^\"]+)\".*" "\\1" import "${line}")
        if(import STREQUAL "kos.capnp")
            continue()
        endif()
        _kos_find_schema(${import} import_file import_name "${here}")
        _kos_interface_library(${import_file} ${import_name})
        if(KOS_TARGET)
            target_link_libraries(kos_idl_${name} PUBLIC kos_idl_${import_name})
        else()
            target_link_libraries(kos_idl_${name} PUBLIC kos_idl_${import_name})
            target_link_libraries(kos_idl_${name}_sanitized PUBLIC kos_idl_${import_name}_sanitized)
        endif()
    endforeach()
endfunction()

# A test or a library of tests gets the sanitized form, as kos_host_test and kos_host_library do.
function(_kos_interface_host_link target name)
    get_target_property(options ${target} COMPILE_OPTIONS)
    if("-fsanitize=address,undefined" IN_LIST options)
        target_link_libraries(${target} PRIVATE kos_idl_${name}_sanitized)
    else()
        target_link_libraries(${target} PRIVATE kos_idl_${name})
    endif()
endfunction()
