//! Who may do everything at first.

use std::net::SocketAddr;

use anyhow::{Context, Error, Result, anyhow, bail};
use tradewind_edge::Edge;

use crate::{cli, config::Origins, platform::Platform};

const NEEDED: &str = "name the first administrator: an e-mail address (--admin-email, TRADEWIND_ADMIN_EMAIL) and a password (--admin-password, TRADEWIND_ADMIN_PASSWORD)";

/// The first administrator's credentials.
pub struct Administrator {
    pub email: String,
    pub password: String,
    /// They are the demo's, which everybody knows; nobody named any.
    pub is_demo: bool,
}

/// Of a shop that may be a demo: one whose products are wanted, and which nobody on other machines can reach.
pub fn of_up(args: &cli::Up) -> Result<Administrator> {
    let origins = &args.run.log.origins;
    match named(&args.administrator)? {
        Some(named) => named.checked(origins),
        None if args.no_demo => bail!("{NEEDED}; without the demo shop ({}) none is made up", origins.of("no_demo")),
        None => {
            only_on_loopback(args.listen, origins).context(NEEDED)?;
            Ok(demo())
        }
    }
}

/// Of a shop that is no demo.
pub fn of_edge(args: &cli::EdgeArgs) -> Result<Administrator> {
    named(&args.administrator)?.context(NEEDED)?.checked(&args.run.log.origins)
}

/// Of a shop that runs already, the demo's if none is named.
pub fn of_running(args: &cli::Administrator) -> Result<Administrator> {
    Ok(named(args)?.unwrap_or_else(demo))
}

/// Where the demo's administrator is known, only this machine may reach the edge.
pub fn only_on_loopback(listen: SocketAddr, origins: &Origins) -> Result<()> {
    if !listen.ip().is_loopback() {
        let origin = origins.of("listen");
        bail!("everybody knows the password of the demo's, and {listen} ({origin}) can be reached from other machines");
    }
    Ok(())
}

/// For where a shop that was begun as a demo cannot be served.
pub fn demo_in(platform: &Platform) -> String {
    let place = &platform.place;
    format!("the shop in {place} was begun as a demo: begin another, with another namespace or a new data directory")
}

/// A shop that was not begun as a demo never gets an administrator whose password everybody knows.
pub fn none_of_demo(platform: &Platform) -> Error {
    anyhow!("{NEEDED}; the shop in {} was not begun as a demo, and has one of its own", platform.place)
}

/// For when the platform does not take them.
pub fn refused(origins: &Origins) -> String {
    let (email, password) = (origins.of("admin_email"), origins.of("admin_password"));
    format!("the first administrator (e-mail address {email}, password {password}) could not be made")
}

fn named(args: &cli::Administrator) -> Result<Option<Administrator>> {
    match (&args.admin_email, &args.admin_password) {
        (Some(email), Some(password)) => {
            Ok(Some(Administrator { email: email.clone(), password: password.clone(), is_demo: false }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => bail!("{NEEDED}; there is no password"),
        (None, Some(_)) => bail!("{NEEDED}; there is no e-mail address"),
    }
}

fn demo() -> Administrator {
    Administrator {
        email: "admin@tradewind.example".to_owned(),
        password: "tradewind-demo-admin".to_owned(),
        is_demo: true,
    }
}

impl Administrator {
    fn checked(self, origins: &Origins) -> Result<Self> {
        Edge::check_admin(&self.email, &self.password).with_context(|| refused(origins))?;
        Ok(self)
    }
}
