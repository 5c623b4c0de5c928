//! What happened, for a person to read. Kept only when somebody will: a seed that fails is run again for it.

#[derive(Default)]
pub struct Trace {
    pub on: bool,
    pub lines: Vec<String>,
}

impl Trace {
    pub fn say(&mut self, step: u64, now: i64, what: impl FnOnce() -> String) {
        if self.on {
            self.lines.push(format!("{step:>6} {:>10.3}s  {}", now as f64 / 1_000.0, what()));
        }
    }
}
