//! The engine as a whole on random stories: configurations that change from
//! round to round, a cloud that fails, throttles, loses answers and is changed
//! by others, and a process that dies at any entry of its journal.
//!
//! What holds at the end of each: one plain apply settles it all, the plan
//! after it is empty, and state, cloud and configuration are the same, with
//! nothing twice and nothing orphaned. A destroy leaves nothing.
//!
//! Every run tells the same stories; `PROPTEST_CASES=10000` tells more of them
//! and `PROPTEST_RNG_SEED=7` others. A story
//! that fails is cut down to what is needed for it and printed, with the seed.

/// A store whose process dies.
mod crash;
/// A toy service that names its objects itself.
mod service;
/// What happens, as data.
mod story;
/// Where it happens, and what is found there.
mod world;

use std::sync::atomic::Ordering;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use crate::crash::DEATHS;
use crate::story::{Round, Story};
use crate::world::World;

/// Stories told in a plain test run.
const STORIES: u32 = 128;
/// With which seed.
const SEED: u64 = 20_261_121;

#[test]
fn whatever_goes_wrong_one_plain_apply_settles_it() {
    // Regressions are stories: they become tests of their own, not seeds.
    let mut config = Config { failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = STORIES;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(SEED);
    }
    let (seed, cases) = (config.rng_seed, config.cases);
    let told =
        TestRunner::new(config).run(&story::stories(), |story| tell(&story).map_err(TestCaseError::fail));
    if let Err(failed) = told {
        panic!("{failed}\n(seed {seed:?})");
    }
    let deaths = DEATHS.load(Ordering::Relaxed);
    assert!(deaths > cases / 8, "only {deaths} processes died in {cases} stories");
}

/// A process: what it left running ends with it.
fn process<T>(life: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(life)
}

fn tell(story: &Story) -> Result<(), String> {
    let world = World::new();
    for round in &story.rounds {
        world.write(&round.config);
        process(world.troubled(round))?;
        if round.settle {
            process(settled(&world, round))?;
        }
    }
    let last = story.rounds.last().expect("a round");
    process(settled(&world, last))?;
    process(world.destroyed())
}

async fn settled(world: &World, round: &Round) -> Result<(), String> {
    world.applied().await?;
    world.is_settled(&round.config).await
}
