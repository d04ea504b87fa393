//! Finished notifications to people, one module per channel.
//!
//! The settle fold has decided what is said to whom; here it is put into the form of a channel and sent, one call for each
//! attempt. What a channel is sent is a pure function of the notification, and what its answer means is one table.
//!
//! 1. [`secret`]: keys and tokens, which nothing can print, and where they come from.
//! 2. [`retry`]: the one table: what became of a call, for whatever channel.
//! 3. [`mail`]: a notification as a mail, with a text and an HTML part.
//! 4. `smtp`, with the feature of that name: mails over an SMTP server; with `tls` over one that is not on this machine.
//! 5. [`sms`]: a notification as a text message.
//! 6. `ses`, `sns`, with the feature `aws`: mails and text messages on AWS.

#[cfg(feature = "aws")]
mod aws;
pub mod mail;
pub mod retry;
pub mod secret;
#[cfg(feature = "aws")]
pub mod ses;
pub mod sms;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "aws")]
pub mod sns;
