use super::*;

fn read() -> PlateRead {
    PlateRead {
        track: 3,
        frame: 70,
        captured_age_ms: 41,
        quad: [[10, 10], [110, 12], [109, 40], [9, 38]],
        layout: PlateLayout::TwoLine,
        country: Some(PlateCountry::Cn),
        colour: Some(PlateColour::Yellow),
        slots: vec![vec![Alternative { symbol: '桂', nats_milli: -12 }, Alternative { symbol: '赣', nats_milli: -4600 }]],
        detector_confidence_permille: 930,
        sight: PlateSight {
            width_px: 100,
            height_px: 28,
            sharpness_permille: 140,
            contrast: 120,
            lean_permille: 10,
            taper_permille: 0,
            inside_permille: 1000,
            glare_permille: 3,
            dark_permille: 0,
        },
    }
}

fn all_reports() -> Vec<Report> {
    vec![
        Report::Hello {
            wire: WIRE_VERSION,
            version: "0.1.0".into(),
            models: vec![ModelDigest { file: "reader.onnx".into(), sha256: "ab".repeat(32) }],
        },
        Report::Beat { n: 4, frames: 100, last_frame_age_ms: None },
        Report::Read(read()),
        Report::State { condition: CameraCondition::NoFrames, measured: Measured::default(), has_view: false },
        Report::Problem { what: "connection refused".into() },
    ]
}

#[test]
fn every_message_survives_the_wire_even_byte_by_byte() {
    let mut stream = Vec::new();
    for report in all_reports() {
        stream.extend(report.encode().unwrap());
    }
    let header = EvidenceHeader {
        track: Some(3),
        frame: 70,
        captured_age_ms: 60,
        purpose: Purpose::Condition,
        quad: Some(read().quad),
        worth_permille: 640,
        crop_bytes: 0,
    };
    stream.extend(encode_evidence(&header, b"\xff\xd8picture\xff\xd9", b"\xff\xd8plate").unwrap());
    let bare = EvidenceHeader { track: None, quad: None, ..header.clone() };
    stream.extend(encode_evidence(&bare, b"\xff\xd8picture", b"").unwrap());
    let mut decoder = Decoder::new();
    let mut got = Vec::new();
    for byte in stream {
        decoder.push(&[byte]);
        while let Some(message) = decoder.next_from_worker().unwrap() {
            got.push(message);
        }
    }
    let mut expected: Vec<_> = all_reports().into_iter().map(FromWorker::Report).collect();
    let with_crop = EvidenceHeader { crop_bytes: 7, ..header };
    expected.push(FromWorker::Evidence {
        header: with_crop,
        jpeg: b"\xff\xd8picture\xff\xd9".to_vec(),
        crop: Some(b"\xff\xd8plate".to_vec()),
    });
    expected.push(FromWorker::Evidence { header: bare, jpeg: b"\xff\xd8picture".to_vec(), crop: None });
    assert_eq!(got, expected);
}

#[test]
fn every_order_survives_the_wire() {
    let mut decoder = Decoder::new();
    for order in [
        Order::Presence { on: true },
        Order::Snapshot,
        Order::Look,
        Order::View { path: Some("/var/lib/a view".into()) },
        Order::Ping { n: 9 },
        Order::Quit,
    ] {
        decoder.push(&order.encode().unwrap());
        assert_eq!(decoder.next_order().unwrap(), Some(order));
    }
    assert_eq!(decoder.next_order().unwrap(), None);
}

#[test]
fn the_json_on_the_wire_is_the_documented_one() {
    let bytes = Order::Presence { on: true }.encode().unwrap();
    assert_eq!(&bytes[..5], &[0, 0, 0, 30, KIND_ORDER]);
    assert_eq!(&bytes[5..], br#"{"type":"presence","on":true}"#.as_slice());
    let state = Report::State { condition: CameraCondition::NoFrames, measured: Measured::default(), has_view: false }.encode().unwrap();
    assert_eq!(&state[5..], br#"{"type":"state","condition":"no_frames","measured":{"brightness_permille":0,"washed_out_permille":0,"flat_permille":null,"sharpness_permille":null,"spoiled_permille":0,"match_permille":null,"shift_permille":null,"turn_permille":null,"zoom_permille":null},"has_view":false}"#
            .as_slice());
}

#[test]
fn a_length_that_cannot_be_is_final() {
    for (bytes, name) in [([0, 0, 0, 0, 2], "empty"), ([0x00, 0x40, 0x00, 0x01, 2], "too long"), ([0xff; 5], "huge")] {
        let mut decoder = Decoder::new();
        decoder.push(&bytes);
        assert!(decoder.next_from_worker().unwrap_err().is_final(), "{name}");
    }
}

#[test]
fn a_spoilt_message_costs_only_itself() {
    let mut decoder = Decoder::new();
    decoder.push(&frame(KIND_REPORT, &[b"{\"type\":\"beat\""]).unwrap());
    decoder.push(&frame(9, &[b"?"]).unwrap());
    decoder.push(&frame(KIND_EVIDENCE, &[&[0, 0, 1, 0], b"{}"]).unwrap());
    decoder.push(&frame(KIND_ORDER, &[br#"{"type":"quit"}"#]).unwrap());
    let good = Report::Beat { n: 1, frames: 2, last_frame_age_ms: Some(3) };
    decoder.push(&good.encode().unwrap());
    assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::Json(_))));
    assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::Kind(9))));
    assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::EvidenceShort(6))));
    assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::Kind(KIND_ORDER))));
    assert_eq!(decoder.next_from_worker().unwrap(), Some(FromWorker::Report(good)));
}

#[test]
fn numbers_out_of_range_are_refused_on_both_sides() {
    let mut above = read();
    above.slots[0][0].nats_milli = 1;
    let mut many = read();
    many.slots = vec![many.slots[0].clone(); MAX_SLOTS + 1];
    let mut none = read();
    none.slots.clear();
    let mut worthless = read();
    worthless.sight.sharpness_permille = 1001;
    let mut crowded = read();
    crowded.slots[0] = vec![crowded.slots[0][0]; MAX_ALTERNATIVES + 1];
    for bad in [above, many, none, worthless, crowded] {
        let report = Report::Read(bad);
        assert!(matches!(report.encode(), Err(CameraLinkError::OutOfRange { .. })), "{report:?}");
        let mut decoder = Decoder::new();
        decoder.push(&frame(KIND_REPORT, &[&serde_json::to_vec(&report).unwrap()]).unwrap());
        assert!(matches!(decoder.next_from_worker(), Err(CameraLinkError::OutOfRange { .. })));
    }
}

#[test]
fn a_picture_too_large_for_a_message_is_not_sent() {
    let header = EvidenceHeader {
        track: None,
        frame: 1,
        captured_age_ms: 0,
        purpose: Purpose::Vehicle,
        quad: None,
        worth_permille: 0,
        crop_bytes: 0,
    };
    let half = vec![0; MAX_MESSAGE_BYTES / 2];
    assert!(matches!(encode_evidence(&header, &half, &half), Err(CameraLinkError::TooLong(_))));
}

#[test]
fn a_crop_longer_than_its_message_is_refused() {
    let message = |crop_bytes: u32| {
        let json = format!(r#"{{"track":1,"frame":1,"captured_age_ms":0,"crop_bytes":{crop_bytes}}}"#);
        let mut decoder = Decoder::new();
        decoder.push(&frame(KIND_EVIDENCE, &[&(json.len() as u32).to_be_bytes(), json.as_bytes(), b"frame"]).unwrap());
        decoder.next_from_worker()
    };
    assert!(matches!(message(4), Ok(Some(FromWorker::Evidence { crop: Some(crop), .. })) if crop == b"rame"));
    for too_long in [5, 6, u32::MAX] {
        assert!(matches!(message(too_long), Err(CameraLinkError::EvidenceShort(_))), "{too_long}: a frame must be left");
    }
}
