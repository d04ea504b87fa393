//! Points and transitions on their way to standard output, in the form that was asked for.

use super::tables::Tables;
use crate::arguments::ReplayOutput;
use crate::watched::Told;
use std::io::{self, Write};
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_local::replay::Summary;
use streamgauge_pipeline::render::{self, Renderer};

/// Data are written in pieces of about this size, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Where they go.
#[derive(Debug)]
pub(super) enum Lines {
    /// As one JSON object per line.
    Json(Data),
    /// As one row each.
    Csv(Data),
    /// Into tables, which are printed at the end.
    Table(Box<Tables>),
    /// Nowhere: the reader has gone, and a report is still to be made.
    Nowhere,
}

/// Lines as text that waits to be written.
#[derive(Debug)]
pub(super) struct Data {
    renderer: Renderer,
    waiting: Vec<u8>,
}

impl Lines {
    /// Lines in the given form; tables have at most `limit` rows.
    pub(super) fn new(output: ReplayOutput, limit: usize, plan: &Arc<Plan>) -> Self {
        let mut data = Data { renderer: Renderer::new(plan), waiting: Vec::new() };
        match output {
            ReplayOutput::Table => Self::Table(Box::new(Tables::new(plan, limit))),
            ReplayOutput::Json => Self::Json(data),
            ReplayOutput::Csv => {
                data.renderer.csv_header(&mut data.waiting);
                Self::Csv(data)
            }
        }
    }

    /// The next line.
    pub(super) fn add(&mut self, told: Told<'_>) -> io::Result<()> {
        let (data, is_json) = match self {
            Self::Table(tables) => {
                tables.add(told);
                return Ok(());
            }
            Self::Nowhere => return Ok(()),
            Self::Json(data) => (data, true),
            Self::Csv(data) => (data, false),
        };
        let Data { renderer, waiting } = data;
        match (told, is_json) {
            (Told::Point(point), true) => renderer.json(point, waiting),
            (Told::Point(point), false) => renderer.csv(point, waiting),
            (Told::Transition(transition, verdict), true) => {
                renderer.alert_json(transition, verdict, waiting);
            }
            (Told::Transition(transition, verdict), false) => {
                renderer.alert_csv(transition, verdict, waiting);
            }
        }
        if data.waiting.len() >= PIECE_BYTES { data.write() } else { Ok(()) }
    }

    /// Goes on without a reader, if it is that he has gone.
    pub(super) fn go_on(&mut self, error: io::Error) -> io::Result<()> {
        if error.kind() != io::ErrorKind::BrokenPipe {
            return Err(error);
        }
        *self = Self::Nowhere;
        Ok(())
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Json(data) | Self::Csv(data) => data.write(),
            Self::Table(_) | Self::Nowhere => Ok(()),
        }
    }

    /// Writes what stands at the end.
    pub(super) fn finish(&mut self, plan: &Plan, summary: &Summary) -> io::Result<()> {
        match self {
            Self::Json(data) => {
                summary_line(plan, summary).json(&mut data.waiting);
                data.write()
            }
            Self::Csv(data) => data.write(),
            Self::Table(tables) => anstream::stdout().lock().write_all(tables.text().as_bytes()),
            Self::Nowhere => Ok(()),
        }
    }
}

impl Data {
    fn write(&mut self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.waiting)?;
        self.waiting.clear();
        stdout.flush()
    }
}

/// The last line of the JSON output.
pub(super) fn summary_line<'p>(plan: &'p Plan, summary: &Summary) -> render::Summary<'p> {
    let names = plan.metrics.iter().map(|metric| metric.name.as_str());
    render::Summary {
        counters: summary.counters,
        points: summary.points,
        alerts: summary.alerts,
        first_event: summary.first_event,
        last_event: summary.last_event,
        metrics: names.zip(summary.metrics.iter().copied()).collect(),
    }
}
