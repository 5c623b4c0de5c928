//! A log whose answers get lost on the way: the record is there, and whoever wrote it hears that it may not be.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::{FutureExt, future::BoxFuture};
use serde_json::json;
use tradewind_registry::server::{Fault, Registry as Opened};
use tradewind_topics::{Admin, Append, Log, LogError, Offset, Purpose, Reader, Session, SessionConfig, Writer};

use crate::stage::{Embedded, Http, Registry, free_port, records, serve, submitted};

struct Forgetful {
    log: Arc<dyn Log>,
    forgets: Arc<AtomicBool>,
}

impl Log for Forgetful {
    fn session(&self, config: SessionConfig) -> Result<Box<dyn Session>, LogError> {
        self.log.session(config)
    }

    fn reader_for(&self, purpose: Purpose) -> Result<Box<dyn Reader>, LogError> {
        self.log.reader_for(purpose)
    }

    fn writer(&self) -> Result<Arc<dyn Writer>, LogError> {
        Ok(Arc::new(ForgetfulWriter { writer: self.log.writer()?, forgets: self.forgets.clone() }))
    }

    fn admin(&self) -> Arc<dyn Admin> {
        self.log.admin()
    }
}

struct ForgetfulWriter {
    writer: Arc<dyn Writer>,
    forgets: Arc<AtomicBool>,
}

impl Writer for ForgetfulWriter {
    fn append(&self, record: Append) -> BoxFuture<'static, Result<Offset, LogError>> {
        let (written, forgets) = (self.writer.append(record), self.forgets.clone());
        async move {
            let offset = written.await?;
            match forgets.load(Ordering::SeqCst) {
                true => Err(LogError::Unavailable("the answer was lost".to_owned())),
                false => Ok(offset),
            }
        }
        .boxed()
    }
}

const FIRST: &str = r#"{"type":"fixed","name":"F","size":1}"#;
const SECOND: &str = r#"{"type":"fixed","name":"G","size":1}"#;

#[test]
fn a_lost_answer_makes_no_second_version_and_no_second_id() {
    let embedded = Embedded::start();
    let forgets = Arc::new(AtomicBool::new(true));
    let log: Arc<dyn Log> = Arc::new(Forgetful { log: embedded.log.clone(), forgets: forgets.clone() });
    let registry = Opened::open(&log, "tradewind.registry.forgetful").expect("a registry");
    assert!(matches!(registry.register("a", FIRST), Err(Fault::Log(_))));
    assert!(matches!(registry.register("b", SECOND), Err(Fault::Log(_))));
    forgets.store(false, Ordering::SeqCst);
    assert_eq!(registry.register("a", FIRST).expect("an id"), 1);
    assert_eq!(registry.register("b", SECOND).expect("an id"), 2);
    assert_eq!(records(&embedded.log, "tradewind.registry.forgetful").len(), 2);
}

#[test]
fn trouble_with_the_log_is_the_registrys_and_not_the_requests() {
    let embedded = Embedded::start();
    let log: Arc<dyn Log> = Arc::new(Forgetful { log: embedded.log.clone(), forgets: Arc::new(AtomicBool::new(true)) });
    let registry = Opened::open(&log, "tradewind.registry.forgetful").expect("a registry");
    let port = free_port();
    let _serving = serve(registry.router(), port);
    let (status, fault) = Http::to(port).ask("POST /subjects/a/versions", &submitted(FIRST));
    assert_eq!((status, &fault["error_code"]), (500, &json!(50001)), "{fault}");
}
