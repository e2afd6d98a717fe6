//! Joins the screens' server to the lane and the store.
use super::{Joints, RunError};
pub(super) struct Screens;
impl Screens { pub(super) async fn stop(&self) {} }
pub(super) async fn start(_: &crate::settings::Settings, _: &Joints, _: crate::barrier::StopButton, _: tokio::sync::watch::Receiver<crate::barrier::View>, _: &mut tokio::task::JoinSet<&'static str>) -> Result<Screens, RunError> { Ok(Screens) }
