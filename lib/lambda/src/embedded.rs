//! The services around the functions in this process: no account, no network, nothing to install.
//!
//! A stream, a queue or a bucket exists as soon as it is named. Functions cannot reach them, since they have no address: what
//! functions call themselves is behind an endpoint, or is not there.

pub mod queue;
pub mod stream;

use crate::arn::Arn;
use crate::clock::Clock;
use crate::lock::lock;
use crate::services::{PutError, Services};
use crate::stack::{QueueResource, Stack};
use bytes::Bytes;
use queue::{EmbeddedQueue, QueueSettings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use stream::{EmbeddedStream, StreamOptions};

/// The bytes of all objects in embedded buckets that have no folder, at most.
pub const OBJECT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Streams, queues and buckets. Clones are the same.
#[derive(Clone, Debug)]
pub struct Embedded(Arc<Shared>);

/// What embedded services are made with.
#[derive(Clone, Debug)]
pub struct EmbeddedSettings {
    /// The time of their records and messages.
    pub clock: Clock,
    /// What ids of messages are drawn from.
    pub seed: u64,
    /// The region in their names.
    pub region: String,
    /// The account in their names.
    pub account: String,
    /// Where objects are written, as `BUCKET/KEY`; without it they stay in memory, up to [`OBJECT_BYTES_MAX`].
    pub folder: Option<PathBuf>,
}

#[derive(Debug)]
struct Shared {
    settings: EmbeddedSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By name: ARNs that differ in region or account only are the same stream here.
    streams: BTreeMap<String, EmbeddedStream>,
    queues: BTreeMap<String, EmbeddedQueue>,
    objects: BTreeMap<(String, String), Bytes>,
    object_bytes: usize,
}

impl Embedded {
    /// The services of a stack: its streams and queues as its template makes them.
    pub fn new(stack: &Stack, settings: EmbeddedSettings) -> Self {
        let this = Self(Arc::new(Shared { settings, state: Mutex::default() }));
        let EmbeddedSettings { region, account, .. } = &this.0.settings;
        for resource in &stack.streams {
            let options =
                StreamOptions { retention: resource.retention, ..StreamOptions::default() };
            let arn = Arn::stream(region, account, &resource.name);
            let made = this.make_stream(&arn, resource.shards, options);
            this.state().streams.insert(resource.name.clone(), made);
        }
        for resource in &stack.queues {
            let arn = Arn::queue(region, account, &resource.name);
            let QueueResource { visibility, delay, retention, .. } = *resource;
            let made = this.make_queue(&arn, QueueSettings { visibility, delay, retention });
            this.state().queues.insert(resource.name.clone(), made);
        }
        for resource in &stack.queues {
            if let Some((dead_letters, receives_max)) = &resource.redrive {
                let queue = this.queue(&Arn::queue(region, account, &resource.name));
                // Each queue stands once in a stack, so this is its first policy.
                let _taken = queue.redrive_to(&this.queue(dead_letters), *receives_max);
            }
        }
        this
    }

    /// The object that was put last under a key, if it is kept in memory.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.state().objects.get(&(bucket.to_owned(), key.to_owned())).cloned()
    }

    /// The keys of a bucket, in order, of the objects that are kept in memory.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let state = self.state();
        let keys = state.objects.keys().filter(|(here, _)| here == bucket);
        keys.map(|(_, key)| key.clone()).collect()
    }

    fn make_stream(&self, arn: &Arn, shards: usize, options: StreamOptions) -> EmbeddedStream {
        EmbeddedStream::new(arn.clone(), shards, self.0.settings.clock.clone(), options)
    }

    fn make_queue(&self, arn: &Arn, settings: QueueSettings) -> EmbeddedQueue {
        EmbeddedQueue::new(arn, settings, self.0.settings.clock.clone(), self.0.settings.seed)
    }

    fn keep(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), String> {
        let mut state = self.state();
        let place = (bucket.to_owned(), key.to_owned());
        let before = state.objects.get(&place).map_or(0, Bytes::len);
        let bytes = state.object_bytes - before + body.len();
        if bytes > OBJECT_BYTES_MAX {
            let hint = "give the embedded buckets a folder";
            return Err(format!("more than {OBJECT_BYTES_MAX} bytes would be in memory; {hint}"));
        }
        state.object_bytes = bytes;
        state.objects.insert(place, body);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }
}

/// Writes an object as a file, so that nobody sees half of it.
async fn write(folder: &Path, bucket: &str, key: &str, body: &[u8]) -> Result<(), String> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if !is_plain(bucket) || bucket.contains('/') || !key.split('/').all(is_plain) {
        return Err("its name cannot be a path below a folder".to_owned());
    }
    let path = folder.join(bucket).join(key);
    // Behind the whole name: AWS's keys have points in their times, and what follows the last one tells documents apart.
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let written = async {
        if let Some(parent) = path.parent() {
            tokio::fs::create_dir_all(parent).await?;
        }
        tokio::fs::write(&part, body).await?;
        tokio::fs::rename(&part, &path).await
    };
    written.await.map_err(|error| format!("`{}`: {error}", path.display()))
}

impl Services for Embedded {
    type Stream = EmbeddedStream;
    type Queue = EmbeddedQueue;

    fn stream(&self, arn: &Arn) -> EmbeddedStream {
        let make = || self.make_stream(arn, 1, StreamOptions::default());
        self.state().streams.entry(arn.name().to_owned()).or_insert_with(make).clone()
    }

    fn queue(&self, arn: &Arn) -> EmbeddedQueue {
        let make = || self.make_queue(arn, QueueSettings::default());
        self.state().queues.entry(arn.name().to_owned()).or_insert_with(make).clone()
    }

    async fn put_object(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), PutError> {
        let put = match &self.0.settings.folder {
            Some(folder) => write(folder, bucket, key, &body).await,
            None => self.keep(bucket, key, body),
        };
        put.map_err(|reason| PutError { bucket: bucket.to_owned(), key: key.to_owned(), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Queue;
    use crate::stack::StreamResource;
    use crate::stream::Stream;
    use crate::testing::Folder;
    use std::time::Duration;

    fn services(stack: &Stack, folder: Option<PathBuf>) -> Embedded {
        let [region, account] = ["eu-west-1", "000000000000"].map(str::to_owned);
        let settings = EmbeddedSettings { clock: Clock::real(), seed: 1, region, account, folder };
        Embedded::new(stack, settings)
    }

    fn queue(name: &str) -> Arn {
        Arn::queue("eu-west-1", "000000000000", name)
    }

    fn stream(name: &str) -> Arn {
        Arn::stream("eu-west-1", "000000000000", name)
    }

    fn stack() -> Stack {
        let resource = |name: &str, redrive| QueueResource {
            name: name.to_owned(),
            visibility: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_hours(1),
            redrive,
        };
        let orders = StreamResource {
            name: "orders".to_owned(),
            shards: 3,
            retention: Duration::from_hours(24),
        };
        Stack {
            streams: vec![orders],
            queues: vec![resource("work", Some((queue("dead"), 1))), resource("dead", None)],
            ..Stack::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stack_has_its_streams_and_queues() {
        let services = services(&stack(), None);
        assert_eq!(services.stream(&stream("orders")).shards().await.unwrap().len(), 3);
        let [work, dead] = ["work", "dead"].map(|name| services.queue(&queue(name)));
        work.send("a", Duration::ZERO).await.unwrap();
        assert_eq!(work.receive(10, Duration::ZERO).await.unwrap().len(), 1);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(work.receive(10, Duration::ZERO).await.unwrap().len(), 0);
        assert_eq!(dead.receive(10, Duration::ZERO).await.unwrap()[0].body, "a");
    }

    #[tokio::test]
    async fn what_is_named_exists_and_stays() {
        let services = services(&Stack::default(), None);
        services.stream(&stream("new")).put("k", None, "x").unwrap();
        assert!(services.stream(&stream("new")).memory_bytes() > 0);
        assert_eq!(services.stream(&stream("other")).memory_bytes(), 0);
    }

    #[tokio::test]
    async fn objects_are_kept_and_bounded() {
        let services = services(&Stack::default(), None);
        services.put_object("b", "k", Bytes::from_static(b"1")).await.unwrap();
        services.put_object("b", "k", Bytes::from_static(b"2")).await.unwrap();
        assert_eq!(services.object("b", "k").unwrap(), "2");
        assert_eq!(services.keys("b"), ["k"]);
        let large = Bytes::from(vec![0; OBJECT_BYTES_MAX]);
        let error = services.put_object("b", "l", large).await.unwrap_err();
        assert!(error.to_string().contains("give the embedded buckets a folder"), "{error}");
    }

    /// Keys as AWS makes them, of one minute: whoever took their points for extensions would write both by one name.
    #[tokio::test]
    async fn objects_of_one_minute_are_written_apart() {
        let folder = Folder::new();
        let at = folder.file("objects");
        let services = services(&Stack::default(), Some(at.clone()));
        let keys = (0..100).map(|number| format!("aws/2026-11-22T14.09.41-{number}"));
        let mut puts = tokio::task::JoinSet::new();
        for key in keys.clone() {
            let services = services.clone();
            puts.spawn(
                async move { services.put_object("b", &key, Bytes::from(key.clone())).await },
            );
        }
        assert!(puts.join_all().await.iter().all(Result::is_ok));
        for key in keys {
            assert_eq!(std::fs::read_to_string(at.join("b").join(&key)).unwrap(), key);
        }
    }

    #[tokio::test]
    async fn no_object_leaves_its_folder() {
        let services = services(&Stack::default(), Some("x".into()));
        for (bucket, key) in [("..", "k"), ("b", "../k"), ("b", "a//k"), ("a/b", "k")] {
            let error = services.put_object(bucket, key, Bytes::new()).await.unwrap_err();
            assert_eq!(error.reason, "its name cannot be a path below a folder");
        }
    }
}
