# Functions that the folders' CMakeLists.txt use.
#
#   kos_add_folders(DIR...)                 adds those that have a CMakeLists.txt
#   kos_add_components()                    adds every folder below that has a CMakeLists.txt
#   kos_programs(RESULT DIR)                the targets of all programs that DIR and the folders below it make
#   kos_platform(DIR...)                    target platform: the programs of these folders
#   kos_warnings(TARGET)                    the warnings that all code of this repository obeys
#   kos_freestanding(TARGET [GENERAL_REGS_ONLY] [STRICT_ALIGN])
#                                           flags of code that runs on the device
#   kos_linker_script(TARGET FILE)          links TARGET by FILE, and again when FILE changes
#   kos_split_debug(TARGET)                 debug information goes into .debug/TARGET.elf.debug beside the ELF file, where gdb
#                                           finds it: what is in the system image is hashed at every boot
#   kos_linux_program(OUTPUT SOURCES... [DEPENDS FILE...] [FLAGS FLAG...])
#                                           a program in C for the Linux personality's root images: for Debian's C library,
#                                           without the flags of the target. The caller adds the target
#   kos_host_library(NAME SOURCES... [INCLUDES...] [LIBS...])
#                                           library for host tools (NAME) and for tests (NAME_sanitized)
#   kos_host_test(NAME SOURCES... [INCLUDES...] [LIBS...] [LABELS...] [DEFINITIONS...] [TIMEOUT s] [THREAD_SANITIZER])
#                                           one GoogleTest program under ASan and UBSan, or under TSan (then without LIBS
#                                           that kos_host_library has made)
#
# None of them downloads anything.

# Where ./kos puts the groups "target" and "source" of tools/kos/packages.txt.
set(KOS_SYSROOT "${CMAKE_SOURCE_DIR}/build/cache/sysroot")
set(KOS_SOURCES "${CMAKE_SOURCE_DIR}/build/cache/src")

# The same source gives the same bytes wherever the clone and its build folder are.
set(KOS_REPRODUCIBLE
    "-ffile-prefix-map=${CMAKE_BINARY_DIR}=build"
    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")

# By a glob, so that a folder that appears later is seen by the next build.
function(kos_add_folders)
    foreach(folder IN LISTS ARGN)
        file(GLOB found CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
        if(found)
            add_subdirectory(${folder})
        endif()
    endforeach()
endfunction()

function(kos_add_components)
    set(here "${CMAKE_CURRENT_SOURCE_DIR}")
    file(GLOB files CONFIGURE_DEPENDS RELATIVE "${here}" "${here}/*/CMakeLists.txt")
    foreach(file IN LISTS files)
        cmake_path(GET file PARENT_PATH folder)
        add_subdirectory(${folder})
    endforeach()
endfunction()

function(kos_programs result folder)
    set(programs "")
    get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target IN LISTS targets)
        get_target_property(type ${target} TYPE)
        if(type STREQUAL "EXECUTABLE")
            list(APPEND programs ${target})
        endif()
    endforeach()
    get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
    foreach(below IN LISTS folders)
        kos_programs(found "${below}")
        list(APPEND programs ${found})
    endforeach()
    set(${result} ${programs} PARENT_SCOPE)
endfunction()

function(kos_platform)
    add_custom_target(platform)
    foreach(folder IN LISTS ARGN)
        kos_programs(programs "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
        add_dependencies(platform ${programs})
    endforeach()
endfunction()

function(kos_warnings target)
    target_compile_options(${target} PRIVATE
        $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wimplicit-fallthrough>
        $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>)
endfunction()

# GENERAL_REGS_ONLY: the code must not touch the FP/SIMD registers (kernel, loader, exception stubs).
# STRICT_ALIGN: the code also runs with the MMU off, where unaligned accesses fault.
function(kos_freestanding target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "GENERAL_REGS_ONLY;STRICT_ALIGN" "" "")
    kos_warnings(${target})
    target_compile_options(${target} PRIVATE
        -march=armv8-a -mtune=cortex-a53
        # No helper functions from libgcc behind an atomic operation.
        -mno-outline-atomics
        -O2 -g ${KOS_REPRODUCIBLE}
        -ffreestanding -fno-pic -fno-pie -fno-common
        -ffunction-sections -fdata-sections
        # Nobody sets up a guard word before the first function runs, and a fixed one protects nothing.
        -fno-stack-protector
        # Memory is handed out untyped and becomes page tables, objects and messages in place.
        -fno-strict-aliasing
        -fno-asynchronous-unwind-tables -fno-unwind-tables
        $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit>)
    if(arg_GENERAL_REGS_ONLY)
        target_compile_options(${target} PRIVATE -mgeneral-regs-only)
    endif()
    if(arg_STRICT_ALIGN)
        target_compile_options(${target} PRIVATE -mstrict-align)
    endif()
    target_link_options(${target} PRIVATE
        -nostdlib -static -no-pie
        -Wl,--gc-sections -Wl,--build-id=none -Wl,--fatal-warnings -Wl,-z,norelro
        -Wl,-z,noexecstack -Wl,-z,max-page-size=4096)
    # 128-bit division and the like; it calls nothing but memcpy and memset.
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
        target_link_libraries(${target} PRIVATE gcc)
        set_target_properties(${target} PROPERTIES SUFFIX ".elf")
    endif()
endfunction()

function(kos_linux_program output)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;FLAGS")
    cmake_path(GET output PARENT_PATH folder)
    list(TRANSFORM arg_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
    list(TRANSFORM arg_DEPENDS PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
    add_custom_command(OUTPUT "${output}"
        COMMAND ${CMAKE_COMMAND} -E make_directory "${folder}"
        COMMAND aarch64-linux-gnu-gcc -std=gnu11 -O1 -Wall -Wextra -Werror -s ${arg_FLAGS} -o "${output}" ${arg_SOURCES}
        DEPENDS ${arg_SOURCES} ${arg_DEPENDS} VERBATIM)
endfunction()

function(kos_linker_script target file)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_options(${target} PRIVATE "-Wl,-T,${file}")
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${file}")
endfunction()

function(kos_split_debug target)
    set(elf "$<TARGET_FILE:${target}>")
    set(folder "$<TARGET_FILE_DIR:${target}>/.debug")
    set(debug "${folder}/$<TARGET_FILE_NAME:${target}>.debug")
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND "${CMAKE_COMMAND}" -E make_directory "${folder}"
        COMMAND "${CMAKE_OBJCOPY}" --only-keep-debug "${elf}" "${debug}"
        COMMAND "${CMAKE_OBJCOPY}" --strip-debug "--add-gnu-debuglink=${debug}" "${elf}" VERBATIM)
endfunction()

set(KOS_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # So that fuzz targets (kos_fuzz.cmake) see the coverage of the libraries that they link.
    list(APPEND KOS_SANITIZERS -fsanitize=fuzzer-no-link)
endif()
set(KOS_THREAD_SANITIZER -fsanitize=thread -fno-sanitize-recover=all -fno-omit-frame-pointer)

# Tests link NAME_sanitized; tools link NAME. Tools carry no sanitizer, because ./kos run depends on
# them and ASan of this compiler does not start on hosts with very wide address randomisation.
function(kos_host_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;INCLUDES;LIBS")
    foreach(variant "" "_sanitized")
        set(target ${name}${variant})
        add_library(${target} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
        kos_warnings(${target})
        target_compile_options(${target} PRIVATE -g ${KOS_REPRODUCIBLE})
        target_include_directories(${target} PUBLIC ${arg_INCLUDES})
        if(variant)
            target_compile_options(${target} PRIVATE -O1 -g1 ${KOS_SANITIZERS})
            _kos_link_sanitized(${target} PUBLIC ${arg_LIBS})
        else()
            target_compile_options(${target} PRIVATE -O2)
            target_link_libraries(${target} PUBLIC ${arg_LIBS})
        endif()
    endforeach()
endfunction()

function(kos_host_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "THREAD_SANITIZER" "TIMEOUT" "SOURCES;INCLUDES;LIBS;LABELS;DEFINITIONS")
    set(sanitizers ${KOS_SANITIZERS})
    if(arg_THREAD_SANITIZER)
        set(sanitizers ${KOS_THREAD_SANITIZER})
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    add_executable(${name} ${arg_SOURCES})
    kos_warnings(${name})
    # Lines are what a sanitizer's report needs; variables as well would be half of the build's time and of its size.
    target_compile_options(${name} PRIVATE -O1 -g1 ${KOS_REPRODUCIBLE} ${sanitizers})
    target_link_options(${name} PRIVATE ${sanitizers})
    target_include_directories(${name} PRIVATE ${arg_INCLUDES})
    target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
    _kos_link_sanitized(${name} PRIVATE ${arg_LIBS})
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES
        LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
        ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1")
endfunction()

# Links each library in its sanitized form where there is one.
function(_kos_link_sanitized target visibility)
    foreach(lib IN LISTS ARGN)
        if(TARGET ${lib}_sanitized)
            target_link_libraries(${target} ${visibility} ${lib}_sanitized)
        else()
            target_link_libraries(${target} ${visibility} ${lib})
        endif()
    endforeach()
endfunction()
