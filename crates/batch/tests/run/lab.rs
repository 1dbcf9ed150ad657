//! A simulator, a state folder, and a batch of rows.

use std::{path::Path, sync::Arc, time::Duration};

use runninghub::{
    ApiKey, Kind, Place, RunningHub, Service, Site, Submit, Workspace,
    ledger::{Batch, Digest, Entry, Filter, Item as Frozen, State},
};
use runninghub_batch::{BatchRun, Begin, Item, ItemId, ItemState, Key, Limits, News, Rows, Setup, Target};
use runninghub_sim::{Scenario, ScriptNode, Sim, SimBuilder};

pub(crate) const BATCH: &str = "cats";
pub(crate) const WORKFLOW: &str = "1979026379880697857";
/// Waits are a twentieth of the real ones.
const SCALE: f64 = 0.05;

/// A simulator with a workflow that takes this long, and a state folder.
pub(crate) struct Lab {
    pub(crate) sim: Sim,
    pub(crate) dir: tempfile::TempDir,
}

/// The reports of a batch's run.
#[derive(Default)]
pub(crate) struct Diary {
    pub(crate) news: Vec<News>,
}

pub(crate) fn scenario(takes: Duration) -> Scenario {
    let node = ScriptNode::new("6", "CLIPTextEncode").input("text", "a cat").takes(takes);
    let save = ScriptNode::new("9", "SaveImage").link("images", "6", 0).saves("cat.png");
    Scenario::script("cats").node(node).node(save).build()
}

impl Lab {
    pub(crate) async fn new(takes: Duration, change: impl FnOnce(SimBuilder) -> SimBuilder) -> Self {
        let builder = Sim::builder().concurrency(3).scenario_named(WORKFLOW, scenario(takes));
        let sim = change(builder).start().await.expect("the simulator starts");
        Self { sim, dir: tempfile::tempdir().expect("a folder") }
    }

    /// Another process would see the same.
    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::open(self.dir.path().join("state"))
    }

    pub(crate) fn out(&self) -> std::path::PathBuf {
        self.dir.path().join("results")
    }

    pub(crate) fn hub(&self, workspace: &Workspace) -> RunningHub {
        let key = ApiKey::new(Sim::DEMO_KEY).expect("a key");
        let builder = RunningHub::builder(key).base_url(self.sim.base_url()).time_scale(SCALE);
        builder.workspace(workspace).expect("a ledger").build().expect("a hub")
    }

    fn target(&self) -> Target {
        let place = Place::RunningHub { site: Site::Cn, base_url: self.sim.base_url().into() };
        Target { place, kind: Kind::Workflow, id: WORKFLOW.into() }
    }

    /// This many rows, each with its own text.
    pub(crate) fn items(&self, rows: usize) -> Vec<Item> {
        let rows: Vec<String> = (1..=rows).map(|row| format!("cat-{row},cat number {row}")).collect();
        let table = format!("_id,6.text\n{}\n", rows.join("\n"));
        let rows = Rows::from_table(table.as_bytes()).expect("a table");
        let no_files = &mut |_: &Path| panic!("no files");
        rows.freeze(&self.target(), true, no_files).expect("items").items
    }

    /// Opens the batch, with the ledger's record of each item.
    pub(crate) async fn open(&self, items: &[Item], limits: Limits) -> BatchRun {
        let workspace = self.workspace();
        let service: Arc<dyn Service> = Arc::new(self.hub(&workspace));
        self.open_with(&workspace, vec![Key::new("main", service)], items, limits).await
    }

    pub(crate) async fn open_with(
        &self,
        workspace: &Workspace,
        keys: Vec<Key>,
        items: &[Item],
        limits: Limits,
    ) -> BatchRun {
        let ledger = workspace.ledger().expect("a ledger");
        let Target { place, kind, id } = self.target();
        let batch = Batch::new(BATCH, "cats.csv", Digest::of("cats"), (place, kind, id));
        ledger.open_batch(batch).await.expect("opened");
        let frozen = items.iter().map(|item| {
            let fingerprint = item.fingerprint.to_string().parse().expect("a digest");
            Frozen::new(item.id.as_str(), fingerprint, "{}")
        });
        ledger.freeze(BATCH, frozen.collect()).await.expect("frozen");
        let known = ledger.items(BATCH).await.expect("read");
        let begins = items.iter().filter_map(|item| {
            let known = known.iter().find(|known| known.item.id == item.id.as_str()).expect("frozen");
            let begin = match &known.entry {
                None => Begin::Run,
                Some(entry) if entry.state == State::Absent => Begin::Run,
                Some(entry) => Begin::of(entry)?,
            };
            Some((item.clone(), begin))
        });
        let submit = || Submit::workflow(WORKFLOW);
        let setup =
            Setup::new(workspace, BATCH, keys, submit).limits(limits).folder(self.out()).time_scale(SCALE);
        BatchRun::open(setup, begins).await.expect("opened")
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        let ledger = self.workspace().ledger_to_read().expect("a ledger");
        ledger.entries(Filter::all()).await.expect("read")
    }

    /// Requests to create a task, and tasks that were created.
    pub(crate) fn creates(&self) -> (usize, usize) {
        let stats = self.sim.stats();
        let sent = stats.calls.get("/task/openapi/create").copied().unwrap_or_default();
        let count = |number: u64| usize::try_from(number).expect("few");
        (count(sent), count(stats.creates))
    }
}

impl Diary {
    /// Follows a batch to its end.
    pub(crate) async fn all(batch: &mut BatchRun) -> Self {
        let mut diary = Self::default();
        while let Some(news) = batch.next().await {
            diary.news.push(news);
        }
        diary
    }

    /// How the rows ended.
    pub(crate) fn over(&self) -> Vec<(ItemId, ItemState)> {
        let over = self.news.iter().filter_map(|news| match news {
            News::Over(over) => Some((over.item.clone(), over.state)),
            _ => None,
        });
        over.collect()
    }

    pub(crate) fn count(&self, state: ItemState) -> usize {
        self.over().iter().filter(|(_, found)| *found == state).count()
    }
}
