# Fuzz targets (docs/testing.md, "Fuzzing").
#
#   kos_fuzz_target(NAME SOURCES... [INCLUDES...] [LIBS...] [LABELS...] [DEFINITIONS...] [STEPS n])
#       The sources implement tests/fuzz/harness/fuzz.h. Makes the test NAME_fuzz: seeds, the files of
#       tests/fuzz/corpus/NAME and n changes of them (10000, fewer for slow targets). In a build with clang (preset fuzz,
#       ./kos fuzz) it makes a program of libFuzzer instead.
#   kos_fuzz_list()
#       Writes fuzz_targets.txt into the build folder: NAME, program, corpus.

function(kos_fuzz_target name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "STEPS" "SOURCES;INCLUDES;LIBS;LABELS;DEFINITIONS")
    set(harness "${CMAKE_SOURCE_DIR}/tests/fuzz/harness")
    set(corpus "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    if(NOT arg_STEPS)
        set(arg_STEPS 10000)
    endif()
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        kos_host_test(${name}_fuzz SOURCES ${arg_SOURCES} "${harness}/replay.cpp"
            INCLUDES ${arg_INCLUDES} "${harness}" LIBS ${arg_LIBS} LABELS fuzz ${arg_LABELS}
            DEFINITIONS ${arg_DEFINITIONS} "KOS_FUZZ_NAME=\"${name}\"" "KOS_FUZZ_CORPUS=\"${corpus}\""
                        "KOS_FUZZ_STEPS=${arg_STEPS}")
        return()
    endif()
    add_executable(${name}_fuzz EXCLUDE_FROM_ALL ${arg_SOURCES} "${harness}/libfuzzer.cpp")
    kos_warnings(${name}_fuzz)
    target_compile_options(${name}_fuzz PRIVATE -O1 -g ${KOS_SANITIZERS} -fsanitize=fuzzer)
    target_link_options(${name}_fuzz PRIVATE ${KOS_SANITIZERS} -fsanitize=fuzzer)
    target_include_directories(${name}_fuzz PRIVATE ${arg_INCLUDES} "${harness}")
    target_compile_definitions(${name}_fuzz PRIVATE ${arg_DEFINITIONS})
    _kos_link_sanitized(${name}_fuzz PRIVATE ${arg_LIBS})
    target_link_libraries(${name}_fuzz PRIVATE GTest::gtest)
    set_property(GLOBAL APPEND_STRING PROPERTY KOS_FUZZ_TARGETS "${name} $<TARGET_FILE:${name}_fuzz> ${corpus}\n")
endfunction()

function(kos_fuzz_list)
    get_property(targets GLOBAL PROPERTY KOS_FUZZ_TARGETS)
    file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/fuzz_targets.txt" CONTENT "${targets}")
endfunction()
