//! Records of a test domain (docs/testing.md) on the port "console": one per check, then the verdict.

use kos::prelude::*;

pub struct Records {
    console: Connection,
    passed: u32,
    failed: u32,
}

const WRITE: u64 = 1;

impl Records {
    pub fn begin() -> Result<Records> {
        Ok(Records { console: Connection::open("console")?, passed: 0, failed: 0 })
    }

    pub fn check(&mut self, name: &str, is_right: bool) {
        self.record(name, is_right, &"");
    }

    /// Compares, and shows both when they differ.
    pub fn equal<T: PartialEq + core::fmt::Debug>(&mut self, name: &str, got: T, expected: T) {
        let is_right = got == expected;
        let detail = if is_right { String::new() } else { format!("{got:?} instead of {expected:?}") };
        self.record(name, is_right, &detail.replace(|c: char| c == '"' || c == '\\' || c.is_control(), "'"));
    }

    fn record(&mut self, name: &str, is_right: bool, detail: &dyn core::fmt::Display) {
        *(if is_right { &mut self.passed } else { &mut self.failed }) += 1;
        let result = if is_right { "pass" } else { "fail" };
        self.print(&format!("\x1e{{\"test\":\"{name}\",\"result\":\"{result}\",\"detail\":\"{detail}\"}}\n"))
            .expect("the console takes records");
    }

    fn print(&self, line: &str) -> Result {
        self.console.call(&Message::new(WRITE).payload(line.as_bytes()), &mut [0; 64]).map(drop)
    }

    pub fn verdict(self) -> Result {
        let verdict = if self.failed == 0 && self.passed > 0 { "pass" } else { "fail" };
        let (passed, failed) = (self.passed, self.failed);
        self.print(&format!(
            "\x1e{{\"verdict\":\"{verdict}\",\"passed\":{passed},\"failed\":{failed},\"skipped\":0}}\n"
        ))
    }
}
