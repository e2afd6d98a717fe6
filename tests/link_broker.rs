//! The MQTT link against a real broker: each measured fault of the client library, shown not to be one of the link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod link_support;

use lane_link::mqtt::{self, LinkEvent, Message};
use link_support::{Broker, PATIENCE, Stranger, link_settings};
use std::time::Duration;
use tokio::time::timeout;

fn message(token: u64, bytes: usize) -> Message {
    Message { token, topic: "t".into(), payload: vec![b'x'; bytes].into(), acknowledged: true, retain: false }
}

#[tokio::test]
async fn a_frozen_broker_is_noticed_within_two_keep_alives_and_the_link_recovers() {
    let broker = Broker::start("");
    let mut link = Stranger::join(broker.port, "frozen", &[]).await;
    broker.freeze();
    // Enough to fill the socket, so that the library hangs in its flush.
    for token in 1..=40 {
        link.link.sender.publish(message(token, 900_000)).unwrap();
    }
    let noticed = timeout(Duration::from_secs(2 * 5 + 2), link.until("down", |e| matches!(e, LinkEvent::Down { .. }).then_some(())));
    noticed.await.expect("a frozen peer must be noticed within two keep-alives");
    broker.thaw();
    timeout(PATIENCE, link.until("up", |e| matches!(e, LinkEvent::Up { .. }).then_some(()))).await.unwrap();
    link.say("t", b"again".to_vec(), false).await;
}

#[tokio::test]
async fn a_message_the_broker_would_not_take_is_given_back_and_the_link_stays() {
    let broker = Broker::start("max_packet_size 20000");
    let mut link = Stranger::join(broker.port, "big", &[]).await;
    link.link.sender.publish(message(1, 50_000)).unwrap();
    link.link.sender.publish(message(2, 10_000)).unwrap();
    let (mut given_back, mut sent) = (false, false);
    while !(given_back && sent) {
        link.until("given back, and the next sent", |event| match event {
            LinkEvent::TooLarge { token: 1, max_bytes, .. } => {
                assert!(max_bytes < 20_000);
                given_back = true;
                Some(())
            }
            LinkEvent::Sent { token: 2 } => {
                sent = true;
                Some(())
            }
            LinkEvent::Down { reason } => panic!("the link fell: {reason}"),
            _ => None,
        })
        .await;
    }
}

#[tokio::test]
async fn a_message_larger_than_the_own_maximum_does_not_end_the_link() {
    let broker = Broker::start("");
    let mut settings = link_settings(broker.port, "small");
    settings.max_packet_bytes = 20_000;
    settings.subscriptions = vec!["big/+".into()];
    let mut small = mqtt::begin(settings).unwrap();
    let up = timeout(PATIENCE, small.events.recv()).await.unwrap().unwrap();
    assert!(matches!(up, LinkEvent::Up { .. }), "{up:?}");
    let mut other = Stranger::join(broker.port, "other", &[]).await;
    // Larger than the client library's own default of 10 KiB, than our 20,000, and small.
    for bytes in [15_000, 500_000, 10] {
        other.say(&format!("big/{bytes}"), vec![b'x'; bytes], false).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 2 {
        match timeout(PATIENCE, small.events.recv()).await.unwrap().unwrap() {
            LinkEvent::Received { payload, .. } => seen.push(payload.len()),
            LinkEvent::Down { reason } => panic!("the link fell: {reason}"),
            _ => {}
        }
    }
    assert_eq!(seen, [15_000, 10]);
}

#[tokio::test]
async fn what_was_not_acknowledged_when_the_broker_died_is_not_called_sent() {
    let mut broker = Broker::start("");
    let mut link = Stranger::join(broker.port, "killed", &[]).await;
    broker.freeze();
    for token in 1..=20 {
        link.link.sender.publish(message(token, 100)).unwrap();
    }
    broker.kill();
    let mut sent = 0;
    link.until("down", |event| match event {
        LinkEvent::Sent { .. } => {
            sent += 1;
            None
        }
        LinkEvent::Down { .. } => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(sent, 0, "queued is not sent");
    broker.again();
    link.until("up again", |e| matches!(e, LinkEvent::Up { .. }).then_some(())).await;
    link.say("t", b"again".to_vec(), false).await;
}
