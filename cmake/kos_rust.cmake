# Native programs in Rust.
#
#   kos_rust_app(NAME main.rs [INTERFACES SCHEMA...])
#                                 build/target/apps/NAME.elf: as kos_app(), of the crate whose root is main.rs. It may use
#                                 the crate `idl` with a module of each SCHEMA (log.capnp: idl::log), which is found as
#                                 kos_interface() finds it
#   kos_rust_crate(NAME UNSTABLE RESULT USED...)   a crate of libkos/rust, for its own CMakeLists.txt
#   kos_rust_test(NAME CRATE USED...)              its unit tests, on this machine
#
# The crates kos_sys and kos (libkos/rust), core, alloc and the application become one object, optimised as a whole, which
# is linked like every native program. rustc is Debian's, and so are core and alloc for the device (group "target" of
# tools/kos/packages.txt); other compilers in PATH are ignored, because core belongs to one compiler exactly.
find_program(KOS_RUSTC rustc PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)

set(KOS_RUST_DIR "${CMAKE_SOURCE_DIR}/libkos/rust")
# Warnings are errors; `unsafe` needs its reason, which the compiler cannot check, but a reader can.
set(KOS_RUST_FLAGS --edition 2021 -D warnings -D missing_docs -D unsafe_op_in_unsafe_fn
    "--remap-path-prefix=${CMAKE_BINARY_DIR}=build" "--remap-path-prefix=${CMAKE_SOURCE_DIR}=.")
set(KOS_RUST_TARGET_FLAGS --target aarch64-unknown-linux-gnu "--sysroot=${KOS_SYSROOT}/usr"
    -C panic=abort -C relocation-model=static -C target-cpu=cortex-a53 -C opt-level=2 -C debuginfo=1
    -C force-unwind-tables=no -C overflow-checks=yes)

# The options with which rustc finds `crates` (files libNAME.rlib), in `result`.
function(_kos_rust_externs result crates)
    set(externs "")
    foreach(crate IN LISTS crates)
        cmake_path(GET crate STEM stem)
        string(REGEX REPLACE "^lib" "" stem "${stem}")
        cmake_path(GET crate PARENT_PATH folder)
        list(APPEND externs --extern "${stem}=${crate}" -L "dependency=${folder}")
    endforeach()
    set(${result} ${externs} PARENT_SCOPE)
endfunction()

# A library crate; its file goes to `result`. `unstable`: the name again if it may use unstable features. ARGN: files of the
# crates that it uses.
function(kos_rust_crate name unstable result)
    set(file "${CMAKE_CURRENT_BINARY_DIR}/lib${name}.rlib")
    _kos_rust_externs(externs "${ARGN}")
    add_custom_command(OUTPUT "${file}" "${file}.d"
        COMMAND "${CMAKE_COMMAND}" -E env "RUSTC_BOOTSTRAP=${unstable}" "${KOS_RUSTC}" ${KOS_RUST_FLAGS}
                ${KOS_RUST_TARGET_FLAGS} --crate-type rlib --crate-name ${name} ${externs}
                "--emit=link=${file},dep-info=${file}.d" "${KOS_RUST_DIR}/${name}/lib.rs"
        DEPENDS "${KOS_RUST_DIR}/${name}/lib.rs" "${KOS_RUSTC}" ${ARGN}
        DEPFILE "${file}.d" COMMENT "Rust crate ${name}" VERBATIM)
    set(${result} "${file}" PARENT_SCOPE)
endfunction()

# The schema `schema` and those that it imports, as files, added to the global property KOS_RUST_SCHEMAS.
function(_kos_rust_add_schemas schema folder)
    _kos_find_schema(${schema} file name "${folder}")
    get_property(known GLOBAL PROPERTY KOS_RUST_SCHEMAS)
    if(file IN_LIST known)
        return()
    endif()
    set_property(GLOBAL APPEND PROPERTY KOS_RUST_SCHEMAS "${file}")
    cmake_path(GET file PARENT_PATH here)
    _kos_schema_imports("${file}" imports)
    foreach(import IN LISTS imports)
        _kos_rust_add_schemas("${import}" "${here}")
    endforeach()
endfunction()

# The crate `idl` of an application: its file in `result`. `crates`: kos and kos_sys, as files, and `needs` what makes them.
# `flags`: what the compiler is told for the machine that it is for.
function(kos_rust_interfaces name schemas crates needs flags result)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}_idl")
    set_property(GLOBAL PROPERTY KOS_RUST_SCHEMAS)
    foreach(schema IN LISTS schemas)
        _kos_rust_add_schemas("${schema}" "${CMAKE_CURRENT_SOURCE_DIR}")
    endforeach()
    get_property(files GLOBAL PROPERTY KOS_RUST_SCHEMAS)
    set(root "#![no_std]\n#![allow(missing_docs)]\n")
    set(modules "")
    _kos_interface_commands("${files}" rust "${folder}" commands depends)
    foreach(file IN LISTS files)
        cmake_path(GET file STEM stem)
        string(APPEND root "pub mod ${stem};\n")
        list(APPEND modules "${folder}/${stem}.rs")
    endforeach()
    file(CONFIGURE OUTPUT "${folder}/lib.rs" CONTENT "${root}")
    _kos_rust_externs(externs "${crates}")
    add_custom_command(OUTPUT "${folder}/libidl.rlib" BYPRODUCTS ${modules}
        ${commands}
        COMMAND "${KOS_RUSTC}" ${KOS_RUST_FLAGS} ${flags} --crate-type rlib --crate-name idl ${externs}
                -o "${folder}/libidl.rlib" "${folder}/lib.rs"
        DEPENDS ${depends} "${folder}/lib.rs" "${KOS_RUSTC}" ${crates} ${needs}
        COMMENT "Rust bindings for ${name}" VERBATIM)
    set(${result} "${folder}/libidl.rlib" PARENT_SCOPE)
endfunction()

function(kos_rust_app name main)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "INTERFACES")
    cmake_path(ABSOLUTE_PATH main BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}_rust.o")
    get_property(crates GLOBAL PROPERTY KOS_RUST_CRATES)
    if(arg_INTERFACES)
        kos_rust_interfaces(${name} "${arg_INTERFACES}" "${crates}" kos_rust_crates "${KOS_RUST_TARGET_FLAGS}" bindings)
        list(APPEND crates "${bindings}")
    endif()
    _kos_rust_externs(externs "${crates}")
    add_custom_command(OUTPUT "${object}" "${object}.d"
        COMMAND "${KOS_RUSTC}" ${KOS_RUST_FLAGS} ${KOS_RUST_TARGET_FLAGS} --crate-type staticlib --crate-name ${name}
                -A missing_docs -C lto=fat -C codegen-units=1 ${externs}
                "--emit=obj=${object},dep-info=${object}.d" "${main}"
        DEPENDS "${main}" "${KOS_RUSTC}" ${crates} kos_rust_crates
        DEPFILE "${object}.d" COMMENT "Rust application ${name}" VERBATIM)
    set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    kos_app(${name} "${object}")
    set_target_properties(app_${name} PROPERTIES LINKER_LANGUAGE CXX)
endfunction()

# The unit tests of a crate on this machine. ARGN: the crates of libkos/rust that it uses.
function(kos_rust_test name crate)
    set(program "${CMAKE_CURRENT_BINARY_DIR}/${name}_crates/test")
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}_crates")
    set(commands COMMAND "${CMAKE_COMMAND}" -E make_directory "${folder}")
    set(externs "")
    foreach(used IN LISTS ARGN)
        list(APPEND commands COMMAND "${KOS_RUSTC}" ${KOS_RUST_FLAGS} --crate-type rlib --crate-name ${used}
            -o "${folder}/lib${used}.rlib" "${KOS_RUST_DIR}/${used}/lib.rs")
        list(APPEND externs --extern "${used}=${folder}/lib${used}.rlib")
    endforeach()
    file(GLOB sources CONFIGURE_DEPENDS "${KOS_RUST_DIR}/*/*.rs")
    add_custom_command(OUTPUT "${program}" ${commands}
        COMMAND "${KOS_RUSTC}" ${KOS_RUST_FLAGS} -A missing_docs -C debug-assertions=yes --test --crate-name ${crate}
                ${externs} -o "${program}" "${KOS_RUST_DIR}/${crate}/lib.rs"
        DEPENDS ${sources} "${KOS_RUSTC}" COMMENT "Rust tests of ${crate}" VERBATIM)
    add_custom_target(${name} ALL DEPENDS "${program}")
    add_test(NAME ${name} COMMAND "${program}")
endfunction()
