//! Where registries are.

use std::fmt;

use reqwest::Url;

use crate::ResolveError;

/// Addresses of one registry. Shown without the passwords that they may carry.
pub struct Addresses {
    /// Without a slash at the end; at least one.
    all: Vec<String>,
    shown: String,
}

impl Addresses {
    pub fn parse(text: &str) -> Result<Self, ResolveError> {
        let mut all = Vec::new();
        let mut shown = Vec::new();
        for one in text.split(',').map(str::trim) {
            // What does not parse is not shown in full: who knows what is in it.
            let useless = |why: String| ResolveError::Address { url: without_user(one).to_owned(), why };
            let mut url = Url::parse(one).map_err(|error| useless(error.to_string()))?;
            if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
                return Err(useless("it is no http or https address".to_owned()));
            }
            if url.query().is_some() || url.fragment().is_some() {
                return Err(useless("it has more than a path".to_owned()));
            }
            all.push(url.as_str().trim_end_matches('/').to_owned());
            let bare = url.set_username("").is_ok() && url.set_password(None).is_ok();
            shown.push(if bare { url.as_str().trim_end_matches('/').to_owned() } else { without_user(one).to_owned() });
        }
        Ok(Self { all, shown: shown.join(", ") })
    }

    pub fn first(&self) -> &str {
        &self.all[0]
    }

    pub fn others(&self) -> &[String] {
        &self.all[1..]
    }

    pub fn all(&self) -> &[String] {
        &self.all
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}
