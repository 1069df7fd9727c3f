//! kube at the work that the programs in the folders beside it do with their clients: the same calls, server and data
//! (bench/peers/README.md).
//!
//!     kube --server URL --work WORK --encoding json --n N

use std::{collections::BTreeMap, error::Error, fs, mem, process, time::Instant};

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{
    Client, Config,
    api::{Api, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchParams},
};
use serde_json::json;

const POD: &str = "app-7d4b9c6f5-7";
const WORKS: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "apply"];
const SKIPPED: i32 = 77;

type Failure = Box<dyn Error>;

struct Peer {
    pods: Api<Pod>,
    maps: Api<ConfigMap>,
    names: u32,
}

impl Peer {
    async fn work(&mut self, work: &str, n: usize) -> Result<(), Failure> {
        match work {
            "get" => {
                for _ in 0..n {
                    self.pods.get(POD).await?;
                }
            }
            "list" => {
                for _ in 0..n {
                    if self.pods.list(&ListParams::default()).await?.items.is_empty() {
                        return Err("the server has no pods".into());
                    }
                }
            }
            "watch" => self.watch(n).await?,
            "create" => {
                for _ in 0..n {
                    let one = self.sample();
                    self.maps.create(&PostParams::default(), &one).await?;
                }
            }
            "update" => {
                let (name, mut one) = self.created().await?;
                for number in 0..n {
                    one.data.get_or_insert_default().insert("changed".into(), number.to_string());
                    one = self.maps.replace(&name, &PostParams::default(), &one).await?;
                }
            }
            "patch" => {
                let (name, _) = self.created().await?;
                for number in 0..n {
                    let body = json!({"data": {"changed": number.to_string()}});
                    self.maps.patch(&name, &PatchParams::default(), &Patch::Merge(body)).await?;
                }
            }
            _ => {
                let mut one = self.sample();
                let name = one.metadata.name.clone().unwrap_or_default();
                for number in 0..n {
                    one.data.get_or_insert_default().insert("changed".into(), number.to_string());
                    self.maps.patch(&name, &PatchParams::apply("peers").force(), &Patch::Apply(&one)).await?;
                }
            }
        }
        Ok(())
    }

    /// A watch without a revision begins with an event for every pod; it is opened again when all have come.
    async fn watch(&self, mut n: usize) -> Result<(), Failure> {
        let count = self.pods.list(&ListParams::default().limit(1)).await?;
        let all = count.items.len() + usize::try_from(count.metadata.remaining_item_count.unwrap_or(0))?;
        if all == 0 {
            return Err("the server has no pods".into());
        }
        while n > 0 {
            let params = WatchParams { bookmarks: false, ..WatchParams::default() };
            let mut stream = Box::pin(self.pods.watch(&params, "0").await?);
            for _ in 0..all.min(n) {
                stream.try_next().await?.ok_or("the watch has ended")?;
            }
            n -= all.min(n);
        }
        Ok(())
    }

    /// Its name is unlike those of another run at the same server.
    fn sample(&mut self) -> ConfigMap {
        self.names += 1;
        let name = format!("peers-kube-{}-{}", process::id(), self.names);
        ConfigMap {
            metadata: ObjectMeta { name: Some(name), ..ObjectMeta::default() },
            data: Some((0..10).map(|number| (format!("key-{number}"), "x".repeat(90))).collect()),
            ..ConfigMap::default()
        }
    }

    async fn created(&mut self) -> Result<(String, ConfigMap), Failure> {
        let one = self.sample();
        let one = self.maps.create(&PostParams::default(), &one).await?;
        Ok((one.metadata.name.clone().unwrap_or_default(), one))
    }
}

/// User and system time of this process, in microseconds.
fn cpu() -> f64 {
    // SAFETY: a rusage of zeros is one, and the call only writes to it.
    let usage = unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let of = |time: libc::timeval| time.tv_sec as f64 * 1e6 + time.tv_usec as f64;
    of(usage.ru_utime) + of(usage.ru_stime)
}

/// In MB of 1,000,000 bytes.
fn peak() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let row = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(row.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0 / 1e6)
}

async fn measure(server: &str, work: &str, n: usize) -> Result<(), Failure> {
    let mut config = Config::new(server.parse()?);
    config.disable_compression = true;
    config.read_timeout = None;
    let client = Client::try_from(config)?;
    let mut peer =
        Peer { pods: Api::namespaced(client.clone(), "default"), maps: Api::namespaced(client, "default"), names: 0 };
    peer.work(work, n.div_ceil(10)).await?;
    let (used, begin) = (cpu(), Instant::now());
    peer.work(work, n).await?;
    let wall = begin.elapsed().as_secs_f64() * 1e6;
    let used = cpu() - used;
    let each = n as f64;
    println!(
        "{{\"who\":\"kube 5.0.0\",\"work\":\"{work}\",\"encoding\":\"json\",\"n\":{n},\"cpu_us_per_op\":{:.2},\
         \"wall_us_per_op\":{:.2},\"peak_rss_mb\":{:.1}}}",
        used / each,
        wall / each,
        peak()?
    );
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flags: BTreeMap<&str, &str> = arguments.chunks_exact(2).map(|pair| (&*pair[0], &*pair[1])).collect();
    let flag = |name, otherwise| flags.get(name).copied().unwrap_or(otherwise);
    let (work, encoding) = (flag("--work", "get"), flag("--encoding", "json"));
    if encoding != "json" || !WORKS.contains(&work) {
        eprintln!("kube: skipped {work} {encoding}: the client has none");
        process::exit(SKIPPED);
    }
    let n = flag("--n", "1000").parse()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(flag("--server", ""), work, n))
}
