//! Runs of faults, with a seed each.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    faults::{Fault, Misfortune, Times},
    kept::keep,
    report::Report,
    scene::{MEMBERS, Scene, Setting},
};

/// A report stands between these two lines of its page.
const BEGIN: &str = "<!-- soak: begin -->";
const END: &str = "<!-- soak: end -->";

/// A scene, and what goes wrong in it.
pub struct Run<'a> {
    pub misfortune: Misfortune,
    scene: &'a mut Scene,
}

impl Run<'_> {
    /// Lets it happen, and waits until everything has come out.
    pub fn strike(&mut self, fault: &Fault) -> Result<()> {
        self.strike_in_passing(fault)?;
        self.scene.recovers().with_context(|| format!("after {fault}"))?;
        let pause = self.scene.longest_pause();
        self.scene.report.pauses(fault.kind(), pause);
        eprintln!("  recovered, longest pause {:.1} s", pause.as_secs_f64());
        Ok(())
    }

    /// Lets it happen, and goes on.
    pub fn strike_in_passing(&mut self, fault: &Fault) -> Result<()> {
        eprintln!("{fault}");
        self.scene.strike(fault).with_context(|| format!("during {fault}"))?;
        self.scene.report.counts(fault.kind());
        // Short enough to meet the recovery.
        let moment = Duration::from_millis(self.misfortune.chance.random_range(0..1_500));
        self.scene.goes_on_for(moment).with_context(|| format!("after {fault}"))
    }
}

/// Sets the scene, lets things go wrong, and verifies the outcome.
///
/// # Panics
/// Where it fails, with the seed, and where everything is kept.
pub fn run(name: &'static str, brokers: usize, times: Times, goes: impl FnOnce(&mut Run) -> Result<()>) -> Report {
    let given = env::var("SOAK_SEED").ok().map(|text| text.parse().expect("SOAK_SEED is a number"));
    let seed = given.unwrap_or_else(|| rand::random_range(1..1_000_000));
    eprintln!("{name}: seed {seed}");
    let setting = Setting { name, seed, brokers, times };
    let folder = folder(&setting).unwrap_or_else(|error| panic!("a folder for the run: {error:#}"));
    let mut scene = Scene::set(&setting, folder).unwrap_or_else(|error| panic!("the scene: {error:#}"));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let chance = ChaCha8Rng::seed_from_u64(seed);
        let misfortune = Misfortune { chance, times, members: MEMBERS.len(), brokers };
        goes(&mut Run { misfortune, scene: &mut scene })?;
        scene.ends()
    }));
    let failure = match outcome {
        Ok(Ok(())) => {
            let forgotten = fs::remove_dir_all(&scene.folder);
            forgotten.unwrap_or_else(|error| panic!("{} cannot be removed: {error}", scene.folder.display()));
            return scene.report;
        }
        Ok(Err(error)) => Ok(error),
        Err(panic) => Err(panic),
    };
    keep(&scene);
    eprintln!("{name} failed with SOAK_SEED={seed}: topics, states and logs are in {}", scene.folder.display());
    match failure {
        Ok(error) => panic!("{name}, seed {seed}: {error:#}"),
        Err(panic) => resume_unwind(panic),
    }
}

/// Where its logs and states are; what an earlier run with this seed left there goes.
fn folder(setting: &Setting) -> Result<PathBuf> {
    let name = format!("{}-{}", setting.name.replace(' ', "-"), setting.seed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Puts a report between its lines of a page.
pub fn write_into(page: &Path, report: &str) -> Result<()> {
    let text = fs::read_to_string(page).with_context(|| format!("{} cannot be read", page.display()))?;
    let marks = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = marks.with_context(|| format!("{} has no {BEGIN} and {END}", page.display()))?;
    let text = format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", report.trim_end());
    fs::write(page, text).with_context(|| format!("{} cannot be written", page.display()))
}
