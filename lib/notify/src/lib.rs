//! Finished notifications to people, one module per channel.
//!
//! The settle fold has decided what is said to whom; here it is put into the form of a channel and sent, one call for each
//! attempt. What a channel is sent is a pure function of the notification, and what its answer means is one table.
//!
//! 1. [`secret`]: keys and tokens, which nothing can print, and where they come from.
//! 2. [`retry`]: the one table: what became of a call, for whatever channel.
//! 3. [`pagerduty`], [`webhook`], [`slack`]: notifications in the form of a channel; with the feature `http` also the calls.
//! 4. `http`, with the feature of that name: one call, limited in time, size and reach; `tls` adds `https://`.
//! 5. [`mail`], [`sms`]: notifications as mails, with a text and an HTML part, and as text messages.
//! 6. `smtp`, with the feature of that name: mails over a server, which is on this machine unless there is `tls`.
//! 7. `ses`, `sns`, with the feature `aws`: mails and text messages on AWS; also the secrets of its stores (`secret::aws`).
//! 8. `channels`, with the feature of that name: all of it behind the pipeline's port, by the names of a rules file.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "channels")]
pub mod channels;
mod details;
#[cfg(feature = "http")]
pub mod http;
pub mod mail;
pub mod pagerduty;
pub mod retry;
pub mod secret;
#[cfg(feature = "aws")]
pub mod ses;
pub mod slack;
pub mod sms;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "aws")]
pub mod sns;
#[cfg(feature = "http")]
mod tell;
pub mod webhook;

#[cfg(test)]
mod testing;
