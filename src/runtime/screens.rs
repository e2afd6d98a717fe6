//! Joins the screens' server to the lane and the store.
