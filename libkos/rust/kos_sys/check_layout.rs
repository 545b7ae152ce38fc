//! Prints what kos_sys declares as a C file of static assertions: compiled against the headers, it says whether every
//! value, size, offset and prototype agrees. A program for this machine, built and run by `check_layout.py`.

use kos_sys::*;

/// The C type of a Rust type as it is written in kos_sys.
fn c_type(rust: &str) -> String {
    let rust = rust.trim();
    if let Some(inner) = rust.strip_prefix("*const ").or_else(|| rust.strip_prefix("* const ")) {
        return format!("{} const*", c_type(inner));
    }
    if let Some(inner) = rust.strip_prefix("*mut ").or_else(|| rust.strip_prefix("* mut ")) {
        return format!("{}*", c_type(inner));
    }
    if let Some(inner) = rust.strip_prefix("Option<").or_else(|| rust.strip_prefix("Option <")) {
        return c_type(inner.trim_end_matches('>'));
    }
    match rust {
        "" | "!" | "c_void" => "void".into(),
        "c_char" => "char".into(),
        "c_int" => "int".into(),
        "c_uint" => "unsigned".into(),
        "usize" => "size_t".into(),
        "u8" | "u16" | "u32" | "u64" => format!("uint{}_t", &rust[1..]),
        "i32" => "int32_t".into(),
        "..." => "...".into(),
        // Enumerations have the only other names without an ending.
        name if name.starts_with("kos_") && !name.ends_with("_t") => format!("enum {name}"),
        name => name.into(),
    }
}

fn main() {
    let constants =
        [abi::CONSTANTS, status::CONSTANTS, msg::CONSTANTS, dir::CONSTANTS, log::CONSTANTS, mem::CONSTANTS, ports::CONSTANTS,
         net::CONSTANTS, thread::CONSTANTS, thread_mgr::CONSTANTS].concat();
    let structures = [abi::structures(), msg::structures(), server::structures(), mem::structures(), ports::structures(), net::structures(),
         dev::structures(), ring::structures(), sync::structures(), thread_mgr::structures()].concat();
    let functions = [app::FUNCTIONS, dev::FUNCTIONS, dir::FUNCTIONS, log::FUNCTIONS, mem::FUNCTIONS, msg::FUNCTIONS, net::FUNCTIONS,
         random::FUNCTIONS, ring::FUNCTIONS, root::FUNCTIONS, server::FUNCTIONS, signal::FUNCTIONS, status::FUNCTIONS,
         stdlib::FUNCTIONS, sync::FUNCTIONS, thread::FUNCTIONS, thread_mgr::FUNCTIONS, time::FUNCTIONS].concat();

    for (name, value) in constants {
        println!("_Static_assert((uint64_t)({name}) == {value}u, \"{name} is {value} in Rust\");");
    }
    for (name, size, members) in structures {
        println!("_Static_assert(sizeof({name}) == {size}, \"{name} has {size} bytes in Rust\");");
        for (member, offset, bytes) in members {
            println!("_Static_assert(offsetof({name}, {member}) == {offset}, \"{name}.{member} is at {offset} in Rust\");");
            println!("_Static_assert(sizeof((({name}*)0)->{member}) == {bytes}, \"{name}.{member}: {bytes} bytes in Rust\");");
        }
    }
    for (name, result, arguments) in functions {
        let arguments: Vec<String> = arguments.iter().map(|argument| c_type(argument)).collect();
        let arguments = if arguments.is_empty() { "void".into() } else { arguments.join(", ") };
        let result = c_type(result);
        println!("_Static_assert(__builtin_types_compatible_p(__typeof__({name}), {result}({arguments})), \"{name} is {result}({arguments}) in Rust\");");
    }
}
