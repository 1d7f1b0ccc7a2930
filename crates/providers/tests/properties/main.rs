//! The engine as a whole on random stories: configurations that change from
//! round to round, a cloud that fails, throttles, loses answers and is changed
//! by others, and a process that dies at any entry of its journal.
//!
//! What holds at the end of each: one plain apply settles it all, the plan
//! after it is empty, and state, cloud and configuration are the same, with
//! nothing twice and nothing orphaned. A destroy leaves nothing.
//!
//! Every run tells the same stories; `TENANTCTL_STORIES=10000` tells more of
//! them, as `tests/run` does, and `PROPTEST_RNG_SEED=7` others. A story that
//! fails is cut down to what is needed for it and printed, with the seed.
#![allow(clippy::print_stdout, reason = "how many stories a run told")]

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
/// So many threads tell them, each with a seed of its own from the first on:
/// the stories are the same on every machine.
const TELLERS: u32 = 4;
/// With which seed.
const SEED: u64 = 20_261_121;

#[test]
fn whatever_goes_wrong_one_plain_apply_settles_it() {
    let stories =
        std::env::var("TENANTCTL_STORIES").ok().map_or(STORIES, |text| text.parse().expect("a number"));
    let seed = match Config::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => SEED,
    };
    std::thread::scope(|scope| {
        for teller in 0..TELLERS {
            scope.spawn(move || tell_some(stories.div_ceil(TELLERS), seed + u64::from(teller)));
        }
    });
    let deaths = DEATHS.load(Ordering::Relaxed);
    println!("{deaths} processes died in {stories} stories");
    assert!(deaths > stories / 8, "only {deaths} processes died in {stories} stories");
}

fn tell_some(cases: u32, seed: u64) {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        // Regressions are stories: they become tests of their own, not seeds.
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let told =
        TestRunner::new(config).run(&story::stories(), |story| tell(&story).map_err(TestCaseError::fail));
    if let Err(failed) = told {
        panic!("{failed}\n(PROPTEST_RNG_SEED={seed} tells it again)");
    }
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
