//! In which order the input's partitions meet in one rule is not fixed. What every correct run has in common is checked.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::json;

use super::Topics;
use crate::bench::{
    report::Report,
    shuffle::{self, COUNT, LAST_SEQ, SUM, add},
    wire::{PUT_OUT_EVERY, RULE, number, rule_of, splitmix64, u64_at},
};

impl Topics<'_> {
    pub(super) fn shuffle(&self) -> Result<Report> {
        let mut models: Vec<Option<[u8; RULE]>> = vec![None; self.keys as usize];
        let inputs = self.scan(shuffle::IN, |record| {
            let value = record.value.as_deref().context("a record without a value")?;
            let model = &mut models[rule_of(u64_at(value, 0), self.keys) as usize];
            *model = Some(add(model.as_ref().unwrap_or(&[0; RULE]), value));
            Ok(())
        })?;
        let mut last: Vec<Option<Bytes>> = vec![None; self.keys as usize];
        let mut out_of_sequence = 0;
        let outputs = self.scan(shuffle::OUT, |record| {
            let (last, state) = self.at(&mut last, &record)?;
            let before = last.as_deref().map_or(0, |state| u64_at(state, COUNT));
            let theirs = record.key.as_deref().and_then(number) == Some(rule_of(u64_at(state, LAST_SEQ), self.keys));
            out_of_sequence += u64::from(u64_at(state, COUNT) != before + PUT_OUT_EVERY || !theirs);
            *last = record.value.clone();
            Ok(())
        })?;
        let (mut expected, mut differs, mut digest) = (0, 0, 0_u64);
        for (rule, (model, last)) in (0..).zip(models.iter().zip(&last)) {
            let of = |state: Option<&[u8]>, at| state.map_or(0, |state| u64_at(state, at));
            let (model, last) = (model.as_ref().map(|model| &model[..]), last.as_deref());
            let (count, sum) = (of(model, COUNT), of(model, SUM));
            expected += count / PUT_OUT_EVERY;
            let complete = of(last, COUNT) == count;
            differs += u64::from(of(last, COUNT) != count - count % PUT_OUT_EVERY || complete && of(last, SUM) != sum);
            if count > 0 {
                digest = digest.wrapping_add(splitmix64(splitmix64(rule) ^ count) ^ sum);
            }
        }
        let changelog_differs = self.changelog_differs(|rule, state| {
            let counted = |state: &[u8]| (state.len(), u64_at(state, COUNT), u64_at(state, SUM));
            models[rule].as_ref().map(|model| counted(model)) == state.map(counted)
        })?;
        let ok = self.sent.contains(&inputs) && outputs == expected && out_of_sequence == 0 && differs == 0;
        let mut report = Report::new("verify");
        report.put("inputs", inputs).put("outputs", outputs).put("keys", models.iter().flatten().count());
        report.put("out_of_sequence", out_of_sequence).put("last_output_differs", differs);
        report.put("state_digest", format!("{digest:x}")).put("changelog_differs", changelog_differs);
        report.put("ok", json!(ok && changelog_differs == 0));
        Ok(report)
    }
}
