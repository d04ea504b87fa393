//! Logs and snapshots on one `DynamoDB` table.
