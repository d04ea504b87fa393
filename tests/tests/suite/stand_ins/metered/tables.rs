//! Helper: tables, and items of an exact size.

use super::Clients;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use std::collections::HashMap;

/// The table of each test.
pub(super) const TABLE: &str = "table";
/// Its index by [`COLOUR`], which holds keys only.
pub(super) const INDEX: &str = "by-colour";
/// The attribute whose items are in the index.
pub(super) const COLOUR: &str = "colour";

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// The key of an item.
pub(super) fn key(id: &str) -> Item {
    Item::from([("id".to_owned(), text(id))])
}

/// An item of so many bytes: names (`id`, `v`) and values.
pub(super) fn item(id: &str, bytes: usize) -> Item {
    let mut item = key(id);
    item.insert("v".to_owned(), text(&"x".repeat(bytes - "id".len() - id.len() - "v".len())));
    item
}

fn attribute(name: &str) -> AttributeDefinition {
    let of_text = AttributeDefinition::builder().attribute_name(name);
    of_text.attribute_type(ScalarAttributeType::S).build().unwrap()
}

fn hash(name: &str) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash).build().unwrap()
}

/// Makes the table with its partition key `id`, past the meter.
pub(super) async fn table(direct: &Clients) -> &Client {
    let create =
        direct.dynamodb.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    create.attribute_definitions(attribute("id")).key_schema(hash("id")).send().await.unwrap();
    &direct.dynamodb
}

/// The same with an index.
pub(super) async fn table_with_index(direct: &Clients) -> &Client {
    let keys = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let index = GlobalSecondaryIndex::builder().index_name(INDEX).key_schema(hash(COLOUR));
    let create =
        direct.dynamodb.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    let create = create.attribute_definitions(attribute("id")).key_schema(hash("id"));
    let create = create.attribute_definitions(attribute(COLOUR));
    create.global_secondary_indexes(index.projection(keys).build().unwrap()).send().await.unwrap();
    &direct.dynamodb
}

/// Puts an item past the meter.
pub(super) async fn place(direct: &Client, item: Item) {
    direct.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
}
