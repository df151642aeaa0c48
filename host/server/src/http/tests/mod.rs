//! Tests of the routes (by calling the router) and of the sockets (over loopback).

mod crowd;
mod fixture;
mod front;
mod health;
mod heartbeats;
mod probes;
mod reading;
mod sockets;
mod streams;
mod writing;

use fixture::Host;
