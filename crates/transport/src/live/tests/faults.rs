//! Faults of a peer.

use tokio::{io::AsyncWriteExt as _, net::TcpListener};
use tokio_tungstenite::tungstenite::Message;

use super::{
    Plain, accept, address, connect, kind_of, options, serve,
    server::{read_head, silent_after_handshake, switching},
    socket,
};
use crate::{Body, ErrorKind, live::LiveOptions};

#[tokio::test]
async fn a_silent_peer_is_dead() {
    let Plain { port, hold } = silent_after_handshake(Vec::new()).await;
    let mut source = connect(LiveOptions::new().scaled(0.01), port).await.unwrap();
    assert_eq!(kind_of(source.next_frame().await), ErrorKind::DeadPeer);
    assert_eq!(source.next_frame().await.unwrap(), None);
    drop(hold);
}

#[tokio::test]
async fn frames_that_wait_to_be_read_are_signs_of_life() {
    let Plain { port, hold } = silent_after_handshake(b"\x81\x02hi".to_vec()).await;
    let options = LiveOptions::new().scaled(0.01);
    let long = (options.ping_interval + options.pong_timeout) * 2;
    let mut source = connect(options, port).await.unwrap();
    // Not a wait for an event: the client reads nothing during this time.
    tokio::time::sleep(long).await;
    assert_eq!(source.next_frame().await.unwrap().unwrap().body, Body::Text("hi".into()));
    drop(hold);
}

#[tokio::test]
async fn frames_that_break_the_rules_are_errors_and_then_the_end() {
    let large = [&[0x82, 127][..], &(5_u64 << 20).to_be_bytes()].concat();
    let cases: [(&str, Vec<u8>, ErrorKind); 7] = [
        ("text that is not UTF-8", b"\x81\x03\xff\xfe\xfd".to_vec(), ErrorKind::Protocol),
        ("text with a surrogate", b"\x81\x03\xed\xa0\x80".to_vec(), ErrorKind::Protocol),
        ("an unknown opcode", b"\x83\x00".to_vec(), ErrorKind::Protocol),
        ("a compressed frame", b"\xc1\x01a".to_vec(), ErrorKind::Protocol),
        ("an end without a beginning", b"\x80\x01a".to_vec(), ErrorKind::Protocol),
        ("a frame above the limit", large, ErrorKind::TooLarge),
        (
            "a length beyond all memory",
            b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            ErrorKind::TooLarge,
        ),
    ];
    for (what, bytes, kind) in cases {
        let Plain { port, hold } = silent_after_handshake(bytes).await;
        let mut source = connect(LiveOptions::new(), port).await.unwrap();
        assert_eq!(kind_of(source.next_frame().await), kind, "{what}");
        assert_eq!(source.next_frame().await.unwrap(), None, "{what}");
        drop(hold);
    }
}

#[tokio::test]
async fn the_limit_can_be_moved_and_covers_whole_messages() {
    let two_parts =
        [b"\x02\x7e\x03\xe8".to_vec(), vec![1; 1000], b"\x80\x7e\x03\xe8".to_vec(), vec![1; 1000]];
    for (limit, fits) in [(2000, true), (1999, false)] {
        let Plain { port, hold } = silent_after_handshake(two_parts.concat()).await;
        let mut source = connect(options().max_message(limit), port).await.unwrap();
        let frame = source.next_frame().await;
        if fits {
            assert_eq!(frame.unwrap().unwrap().body, Body::Binary(vec![1; 2000].into()));
        } else {
            assert_eq!(kind_of(frame), ErrorKind::TooLarge);
        }
        drop(hold);
    }
    let largest = LiveOptions::new().max_message(usize::MAX).socket();
    assert_eq!((largest.max_message_size, largest.max_frame_size), (Some(64 << 20), Some(64 << 20)));
    assert_eq!(LiveOptions::new().max_frame(9).socket().max_frame_size, Some(9));
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_an_end() {
    for reset in [false, true] {
        let port = serve(async move |stream| {
            let mut socket = accept(stream).await;
            socket::send(&mut socket, Message::text("last words")).await.unwrap();
            let Some(Message::Ping(_)) = socket::next(&mut socket).await else { panic!("no ping") };
            if reset {
                // This makes dropping the socket reset the connection.
                socket.get_ref().set_zero_linger().unwrap();
            }
        })
        .await;
        let mut source = connect(options(), port).await.unwrap();
        assert_eq!(source.next_frame().await.unwrap().unwrap().body, Body::Text("last words".into()));
        for _ in 0..2 {
            assert_eq!(source.next_frame().await.unwrap(), None);
        }
        source.close().await;
    }
}

#[tokio::test]
async fn a_truncated_frame_is_dropped() {
    let port = serve(async |mut stream| {
        let head = read_head(&mut stream).await;
        let answer = [switching(&head, "Upgrade").as_bytes(), b"\x81\x05hal"].concat();
        stream.write_all(&answer).await.unwrap();
    })
    .await;
    let mut source = connect(options(), port).await.unwrap();
    assert_eq!(source.next_frame().await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_listening() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(kind_of(connect(options(), port).await), ErrorKind::Connect);
    assert!(address(port).masked().ends_with("/ws?…"));
}

#[tokio::test]
async fn frames_are_read_only_as_fast_as_they_are_consumed() {
    let (sent, mut count) = tokio::sync::watch::channel(0_usize);
    let port = serve(async move |stream| {
        let mut socket = accept(stream).await;
        let large = vec![1_u8; 1 << 20];
        while socket::send(&mut socket, Message::binary(large.clone())).await.is_ok() {
            sent.send_modify(|count| *count += 1);
        }
    })
    .await;
    let mut source = connect(LiveOptions::new(), port).await.unwrap();
    source.next_frame().await.unwrap().unwrap();
    // Only the kernel's buffers fill up.
    while tokio::time::timeout(std::time::Duration::from_millis(200), count.changed()).await.is_ok() {}
    let waiting = *count.borrow();
    assert!(waiting <= 16, "{waiting} MiB are under way though nobody asked");
    source.close().await;
}
