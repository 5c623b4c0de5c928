//! `tradewind topics plan|apply`.

use anyhow::{Result, bail};
use tradewind_topics::kafka::KafkaLog;

use crate::{
    cli::{RunArgs, Topics},
    platform,
};

pub fn run(command: &Topics) -> Result<()> {
    let (Topics::Plan(args) | Topics::Apply(args)) = command;
    let log = connect(args)?;
    let missing = platform::plan(log.as_ref(), args)?;
    for topic in &missing {
        println!("{}  {} partitions  {:?}", topic.name, topic.partitions, topic.cleanup);
    }
    match command {
        Topics::Plan(_) => println!("{} topics would be created", missing.len()),
        Topics::Apply(_) => {
            platform::apply(log.as_ref(), args)?;
            println!("{} topics created; every group has its first offsets", missing.len());
        }
    }
    Ok(())
}

fn connect(args: &RunArgs) -> Result<std::sync::Arc<KafkaLog>> {
    let Some(brokers) = &args.log.brokers else {
        bail!(
            "topics are planned and created on Kafka: give its bootstrap servers with --brokers or TRADEWIND_BROKERS (the embedded log makes its own)"
        );
    };
    platform::connect(brokers, &args.log.origins)
}
