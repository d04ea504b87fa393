//! The shop's partners, countries and restaurants. All but the word "noon" are invented.

/// A country, its money and what an order costs there.
#[derive(Debug)]
pub(crate) struct Country {
    /// ISO 3166.
    pub(crate) code: &'static str,
    /// ISO 4217.
    pub(crate) currency: &'static str,
    /// Places after the point: dinars have three.
    pub(crate) places: usize,
    /// The cheapest order, in the smallest unit.
    pub(crate) cheapest: i64,
    /// The dearest order, in the smallest unit.
    pub(crate) dearest: i64,
}

/// A partner that brings orders.
#[derive(Debug)]
pub(crate) struct Aggregator {
    /// The name in the events.
    pub(crate) name: &'static str,
    /// Orders in 100.
    pub(crate) weight: i64,
    /// Where it works, with the orders in 100 of its own.
    pub(crate) countries: &'static [(&'static Country, i64)],
}

const fn country(
    code: &'static str,
    currency: &'static str,
    places: usize,
    cheapest: i64,
    dearest: i64,
) -> Country {
    Country { code, currency, places, cheapest, dearest }
}

static EMIRATES: Country = country("AE", "AED", 2, 1_500, 26_000);
static SAUDI_ARABIA: Country = country("SA", "SAR", 2, 1_800, 24_000);
static KUWAIT: Country = country("KW", "KWD", 3, 1_250, 21_000);
static QATAR: Country = country("QA", "QAR", 2, 1_900, 25_000);
static EGYPT: Country = country("EG", "EGP", 2, 6_500, 95_000);
static BAHRAIN: Country = country("BH", "BHD", 3, 1_400, 19_000);

/// The partner with the bad hour.
pub(crate) const TROUBLED: &str = "noon";

/// The partners.
pub(crate) static AGGREGATORS: [Aggregator; 6] = [
    Aggregator {
        name: TROUBLED,
        weight: 34,
        countries: &[(&EMIRATES, 62), (&SAUDI_ARABIA, 30), (&EGYPT, 8)],
    },
    Aggregator {
        name: "lugmati",
        weight: 24,
        countries: &[(&KUWAIT, 45), (&EMIRATES, 30), (&BAHRAIN, 25)],
    },
    Aggregator { name: "sufra-go", weight: 17, countries: &[(&SAUDI_ARABIA, 80), (&BAHRAIN, 20)] },
    Aggregator { name: "karwan", weight: 12, countries: &[(&QATAR, 70), (&EMIRATES, 30)] },
    Aggregator { name: "yalla-bites", weight: 8, countries: &[(&EGYPT, 85), (&SAUDI_ARABIA, 15)] },
    Aggregator { name: "direct", weight: 5, countries: &[(&EMIRATES, 50), (&KUWAIT, 50)] },
];

/// The restaurants.
pub(crate) const RESTAURANTS: [&str; 16] = [
    "Bait Saffron",
    "Blue Dhow Grill",
    "Cardamom Lane",
    "Dough & Date",
    "Falafel Fifty",
    "Golden Samosa",
    "Harbour Shawarma",
    "Karak Corner",
    "Little Levant",
    "Machboos House",
    "Night Market Noodles",
    "Palm Pizza",
    "Sidra Salads",
    "Sugar Fig",
    "Tandoor Terrace",
    "Zaatar & Co",
];

/// Why a partner rejects an order.
pub(crate) const REASONS: [&str; 4] =
    ["restaurant_closed", "item_unavailable", "no_courier", "partner_timeout"];
