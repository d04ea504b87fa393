//! A proxy in front of AWS stand-ins: it counts what AWS would bill, keeps the limits that stand-ins do not know, and
//! fails on purpose.
