//! The contracts: what is published is what the types say, and every version reads every other as promised.

mod damage;
mod evolution;
mod published;
mod registry;
mod round_trip;
mod samples;
