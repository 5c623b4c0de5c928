//! Reading a topic for a tap.

use std::{sync::Arc, time::Duration};

use tradewind_topics::{End, Log, LogError, Offset, Reader, TopicPartition, list};

use super::{beginning::Beginning, decoding::Decoder, line::line};

/// What a tap is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Without the namespace, or with it.
    pub topic: String,
    pub from: Beginning,
    /// Goes on as records come; else it ends where the topic ended when it began.
    pub follow: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum TapError {
    #[error("there is no topic {topic}; there are: {}", .known.join(", "))]
    UnknownTopic { topic: String, known: Vec<String> },
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A topic's records as lines of JSON.
pub struct Tap {
    topic: String,
    reader: Box<dyn Reader>,
    /// Where it ends; `None` when it follows.
    ends: Option<Vec<(TopicPartition, Offset)>>,
    decoder: Option<Arc<Decoder>>,
}

impl Tap {
    pub fn open(log: &dyn Log, namespace: &str, decoder: Arc<Decoder>, wanted: &Wanted) -> Result<Self, TapError> {
        let prefix = format!("{namespace}.");
        let topic = wanted.topic.strip_prefix(&prefix).unwrap_or(&wanted.topic).to_owned();
        let admin = log.admin();
        let there = admin.topics()?;
        let physical = format!("{prefix}{topic}");
        let Some(found) = there.iter().find(|info| *info.name == physical) else {
            let known = there.iter().filter_map(|info| info.name.strip_prefix(&prefix));
            let mut known: Vec<_> = known.map(str::to_owned).collect();
            known.sort_unstable();
            return Err(TapError::UnknownTopic { topic, known });
        };
        let partitions = (0..found.partitions).map(|number| TopicPartition::new(found.name.clone(), number));
        let partitions: Vec<_> = partitions.collect();
        let (ends, mut reader) = match wanted.follow {
            true => (None, log.reader()?),
            false => {
                let ends = partitions.iter().cloned().zip(admin.ends(&partitions, End::Stable)?);
                (Some(ends.collect()), log.reader_to_end()?)
            }
        };
        let start = wanted.from.start();
        reader.assign(&partitions.into_iter().map(|partition| (partition, start)).collect::<Vec<_>>())?;
        let decoder = is_avro(&topic).then_some(decoder);
        Ok(Self { topic, reader, ends, decoder })
    }

    /// Lines, each with its end; none where nothing came within `wait`. `None` at the end.
    pub fn next(&mut self, wait: Duration) -> Result<Option<String>, TapError> {
        if self.is_over()? {
            return Ok(None);
        }
        let mut lines = String::new();
        for record in self.reader.poll(wait)? {
            let end = self.ends.as_ref().and_then(|ends| ends.iter().find(|(at, _)| *at == record.source));
            if end.is_none_or(|(_, end)| record.offset < *end) {
                lines.push_str(&line(&self.topic, &record, self.decoder.as_deref()));
                lines.push('\n');
            }
        }
        Ok(Some(lines))
    }

    fn is_over(&mut self) -> Result<bool, LogError> {
        let Some(ends) = &self.ends else { return Ok(false) };
        for (partition, end) in ends {
            if self.reader.position(partition)? < *end {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The topics of the list, and the dead letters of each.
fn is_avro(topic: &str) -> bool {
    let source = topic.strip_suffix(".dlq").unwrap_or(topic);
    list::all().iter().any(|declared| declared.name == source)
}
