//! Who may do everything at first.

use anyhow::{Result, bail};

use crate::{cli, config::Origins};

/// The first administrator's credentials.
pub struct Administrator {
    pub email: String,
    pub password: String,
    /// Nobody named them: they are made up, and printed.
    pub made_up: bool,
}

/// From the configuration; in the demo they may be made up.
pub fn of(args: &cli::Administrator, demo: bool) -> Result<Administrator> {
    match (&args.admin_email, &args.admin_password) {
        (Some(email), Some(password)) => {
            Ok(Administrator { email: email.clone(), password: password.clone(), made_up: false })
        }
        (None, None) if demo => Ok(Administrator {
            email: "admin@tradewind.example".to_owned(),
            password: "tradewind-demo-admin".to_owned(),
            made_up: true,
        }),
        _ => bail!(
            "the first administrator needs both an e-mail address (--admin-email, TRADEWIND_ADMIN_EMAIL) and a password (--admin-password, TRADEWIND_ADMIN_PASSWORD)"
        ),
    }
}

/// For when the platform does not take them.
pub fn refused(origins: &Origins) -> String {
    let (email, password) = (origins.of("admin_email"), origins.of("admin_password"));
    format!("the first administrator (e-mail address {email}, password {password}) could not be made")
}
