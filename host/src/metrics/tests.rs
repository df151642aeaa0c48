//! Tests of what a scrape says.
