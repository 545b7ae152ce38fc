# The C library of native programs, as part of kos_native: our own functions and the pure part of Debian's arm64 musl.
#
#   kos_c_headers     musl's headers and the compiler's C++ headers, nothing of glibc; kos_native passes it on
#   kos_musl_pure     the archive that libkos/src/libc/pure_archive.py makes
#   kos_check_system_calls(TARGET)   after the link: no svc outside libkos
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(KOS_LIBC_DIR "${CMAKE_CURRENT_LIST_DIR}/src/libc" CACHE INTERNAL "")
set(KOS_LIBC_PYTHON "${Python3_EXECUTABLE}" CACHE INTERNAL "")

add_library(kos_c_headers INTERFACE)
# Nothing of the compiler's own search path but its C++ library and its built-in headers: the rest is glibc's.
set(flags "-nostdinc" "$<$<COMPILE_LANGUAGE:CXX>:-nostdinc++>" "SHELL:-isystem ${KOS_LIBC_DIR}/include")
foreach(folder IN LISTS CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    if(folder MATCHES "/c\\+\\+/")
        list(APPEND flags "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-isystem ${folder}>")
    endif()
endforeach()
foreach(folder IN LISTS CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    if(folder MATCHES "/lib/gcc.*/include$")
        list(APPEND flags "SHELL:-isystem ${folder}")
    endif()
endforeach()
list(APPEND flags "SHELL:-isystem ${KOS_SYSROOT}/usr/include/aarch64-linux-musl")
target_compile_options(kos_c_headers INTERFACE ${flags})

set(archive "${CMAKE_CURRENT_BINARY_DIR}/libkos_musl_pure.a")
set(musl "${KOS_SYSROOT}/usr/lib/aarch64-linux-musl/libc.a")
add_custom_command(OUTPUT "${archive}"
    COMMAND "${KOS_LIBC_PYTHON}" "${KOS_LIBC_DIR}/pure_archive.py" --libc "${musl}"
            --functions "${KOS_LIBC_DIR}/pure_functions.txt" --provided "${KOS_LIBC_DIR}/provided_functions.txt"
            --nm ${CMAKE_NM} --ar ${CMAKE_AR} --objcopy ${CMAKE_OBJCOPY} --objdump ${CMAKE_OBJDUMP} --out "${archive}"
    DEPENDS "${KOS_LIBC_DIR}/pure_archive.py" "${KOS_LIBC_DIR}/pure_functions.txt"
            "${KOS_LIBC_DIR}/provided_functions.txt" "${musl}"
    COMMENT "Taking the pure part out of musl" VERBATIM)
add_custom_target(kos_musl_pure_archive DEPENDS "${archive}")
add_library(kos_musl_pure STATIC IMPORTED GLOBAL)
set_target_properties(kos_musl_pure PROPERTIES IMPORTED_LOCATION "${archive}")
add_dependencies(kos_musl_pure kos_musl_pure_archive)

# Functions of these names must not be compiled into calls of themselves.
set(KOS_LIBC_SOURCES
    errno.cpp
    heap.cpp
    malloc.cpp
    new.cpp
    stdio.cpp
    stdlib.cpp
    thread_area.cpp
    throw.cpp
    time.cpp)
list(TRANSFORM KOS_LIBC_SOURCES PREPEND "${KOS_LIBC_DIR}/")
set(KOS_LIBC_SOURCES ${KOS_LIBC_SOURCES} CACHE INTERNAL "")
set_source_files_properties(${KOS_LIBC_SOURCES} PROPERTIES COMPILE_OPTIONS "-fno-builtin")

function(kos_check_system_calls target)
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND "${KOS_LIBC_PYTHON}" "${KOS_LIBC_DIR}/check_system_calls.py" --objdump ${CMAKE_OBJDUMP}
                --libkos $<TARGET_FILE:kos_native> --elf $<TARGET_FILE:${target}> VERBATIM)
endfunction()

# What the containers of the C++ library need beyond their headers: red-black trees, lists, sizes of hash tables, hashes.
# Functions of arithmetic and pointers alone, which the check of system calls confirms for each program.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.a OUTPUT_VARIABLE KOS_LIBSTDCXX
    OUTPUT_STRIP_TRAILING_WHITESPACE)
set(cxx_pure "${CMAKE_CURRENT_BINARY_DIR}/libkos_cxx_pure.a")
add_custom_command(OUTPUT "${cxx_pure}"
    COMMAND ${CMAKE_COMMAND} -E make_directory cxx_pure
    COMMAND ${CMAKE_COMMAND} -E chdir cxx_pure ${CMAKE_AR} x "${KOS_LIBSTDCXX}" tree.o hashtable_c++0x.o list.o
            hash_bytes.o
    COMMAND ${CMAKE_COMMAND} -E rm -f "${cxx_pure}"
    COMMAND ${CMAKE_AR} rcsD "${cxx_pure}" cxx_pure/tree.o cxx_pure/hashtable_c++0x.o cxx_pure/list.o
            cxx_pure/hash_bytes.o
    DEPENDS "${KOS_LIBSTDCXX}" COMMENT "Taking trees and hash tables out of libstdc++" VERBATIM)
add_custom_target(kos_cxx_pure_archive DEPENDS "${cxx_pure}")
add_library(kos_cxx_pure STATIC IMPORTED GLOBAL)
set_target_properties(kos_cxx_pure PROPERTIES IMPORTED_LOCATION "${cxx_pure}")
add_dependencies(kos_cxx_pure kos_cxx_pure_archive)
set_property(TARGET kos_cxx_pure PROPERTY INTERFACE_LINK_LIBRARIES kos_native)
