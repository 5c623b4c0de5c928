//! Names of topics and headers, shared between the records that carry them.

use std::{collections::HashSet, ffi::CStr, sync::Arc};

/// More different names than this come from outside and are not worth keeping.
const KEPT: usize = 1024;

/// Hands out one shared string per name.
#[derive(Default)]
pub struct Names {
    known: HashSet<Arc<str>>,
    /// Records come in runs of one topic.
    last: Option<Arc<str>>,
}

impl Names {
    pub fn get(&mut self, name: &CStr) -> Arc<str> {
        if let Some(last) = &self.last
            && last.as_bytes() == name.to_bytes()
        {
            return last.clone();
        }
        let text = name.to_string_lossy();
        let shared = match self.known.get(text.as_ref()) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<str> = text.into();
                if self.known.len() < KEPT {
                    self.known.insert(new.clone());
                }
                new
            }
        };
        self.last = Some(shared.clone());
        shared
    }
}
