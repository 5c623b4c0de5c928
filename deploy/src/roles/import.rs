//! `tradewind import`.

use anyhow::{Context, Result, bail};
use tradewind::import::northwind::{Credentials, NOTICE, import, progress_bar};

use crate::{administrator, cli::Northwind};

pub async fn northwind(args: Northwind) -> Result<()> {
    let administrator = administrator::of_running(&args.administrator)?;
    let credentials = Credentials { email: administrator.email, password: administrator.password.into() };
    let progress = progress_bar();
    let summary = import(&args.file, &args.edge, credentials, &progress).await.with_context(|| {
        format!("importing {} through {} ({})", args.file.display(), args.edge, args.origins.of("edge"))
    })?;
    progress.finish_and_clear();
    println!("{NOTICE}");
    println!("{summary}");
    if summary.rejected > 0 {
        bail!("{} orders were rejected", summary.rejected);
    }
    Ok(())
}
