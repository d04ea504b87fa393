//! How often a shard is read. No function is invoked here, so the time of these tests stands still while nobody waits.

use super::bench::Bench;
use std::time::Duration;
use streamgauge_lambda::clock::Clock;

#[tokio::test(start_paused = true)]
async fn an_idle_shard_is_read_once_a_second() {
    let stand = Bench::on(Clock::real(), 1).start().await;
    stand.world.read(1).await;
    tokio::time::sleep(Duration::from_millis(60_500)).await;
    assert_eq!(stand.world.reads(), 61);
}

#[tokio::test(start_paused = true)]
async fn each_shard_is_read_once_a_second() {
    let stand = Bench::on(Clock::real(), 4).start().await;
    stand.world.read(4).await;
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    assert_eq!(stand.world.reads(), 44);
}
