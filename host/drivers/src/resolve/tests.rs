//! A small name server on loopback that answers what a test tells it to.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::OpCode;
use hickory_proto::rr::rdata::{A, CNAME, MX, TXT};
use hickory_proto::rr::{RData, Record};
use tokio::net::TcpListener;

use super::*;
use crate::net::tests::within;

type Script = dyn Fn(&Message) -> Option<Message> + Send + Sync;

/// Answers every question by `script`, over both transports; a datagram over 512 bytes is cut.
async fn serve(script: impl Fn(&Message) -> Option<Message> + Send + Sync + 'static) -> SocketAddr {
    let script: Arc<Script> = Arc::new(script);
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        // The port may be taken for the other transport.
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let datagrams = Arc::clone(&script);
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
            let Some(mut answer) = datagrams(&Message::from_vec(&buffer[..length]).unwrap()) else { continue };
            if answer.to_vec().unwrap().len() > 512 {
                answer.answers.clear();
                answer.metadata.truncation = true;
            }
            udp.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut question).await.unwrap();
            let Some(answer) = script(&Message::from_vec(&question).unwrap()) else { continue };
            let bytes = answer.to_vec().unwrap();
            stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    });
    address
}

fn answer(question: &Message, code: ResponseCode, records: Vec<RData>) -> Option<Message> {
    let mut answer = Message::error_msg(question.metadata.id, OpCode::Query, code);
    answer.queries.clone_from(&question.queries);
    let name = question.queries[0].name().clone();
    answer.add_answers(records.into_iter().map(|data| Record::from_rdata(name.clone(), 300, data)));
    Some(answer)
}

async fn ask(servers: &[SocketAddr], record_type: &str) -> Result<Vec<String>, CallError> {
    let question = Question::new("shop.test", record_type)?;
    Ok(question.ask(servers, within(1_000)).await?.into_iter().map(|answer| answer.data).collect())
}

// Records come in presentation format, and only those of the type that was asked for.
#[tokio::test]
async fn records_are_presented() {
    let name = |text: &str| Name::from_str(text).unwrap();
    let server = serve(move |question| {
        let records = match question.queries[0].query_type() {
            RecordType::MX => vec![RData::MX(MX::new(10, name("mail.shop.test.")))],
            RecordType::TXT => vec![RData::TXT(TXT::new(vec!["v=spf1 ".into(), "-all".into()]))],
            RecordType::A => vec![RData::CNAME(CNAME(name("edge.test."))), RData::A(A::new(192, 0, 2, 1))],
            _ => vec![],
        };
        answer(question, ResponseCode::NoError, records)
    })
    .await;
    assert_eq!(ask(&[server], "A").await.unwrap(), ["192.0.2.1"]);
    assert_eq!(ask(&[server], "mx").await.unwrap(), ["10 mail.shop.test."]);
    assert_eq!(ask(&[server], "TXT").await.unwrap(), ["v=spf1 -all"]);
    assert!(ask(&[server], "AAAA").await.unwrap().is_empty());
    assert_eq!(ask(&[server], "ANY").await.unwrap_err().kind, ErrorKind::InvalidArgument);
}

// An answer that does not fit a datagram is fetched over TCP; of endless ones only so many are kept.
#[tokio::test]
async fn long_answers_come_over_tcp() {
    let many = |question: &Message| {
        let records = (0..=255).map(|last| RData::A(A::new(192, 0, 2, last))).collect();
        answer(question, ResponseCode::NoError, records)
    };
    let server = serve(many).await;
    assert_eq!(ask(&[server], "A").await.unwrap().len(), ANSWERS_MAX);
}

// What the server says is wrong is the code; only "no such name" ends the search for a better server.
#[tokio::test]
async fn failures_have_their_code() {
    let fails = serve(|question| answer(question, ResponseCode::ServFail, vec![])).await;
    let knows = serve(|question| answer(question, ResponseCode::NoError, vec![RData::A(A::new(192, 0, 2, 1))])).await;
    let denies = serve(|question| answer(question, ResponseCode::NXDomain, vec![])).await;
    let failed = ask(&[fails], "A").await.unwrap_err();
    assert_eq!((failed.kind, failed.code.as_deref()), (ErrorKind::Dns, Some("SERVFAIL")));
    assert_eq!(ask(&[fails, knows], "A").await.unwrap(), ["192.0.2.1"]);
    let denied = ask(&[denies, knows], "A").await.unwrap_err();
    assert_eq!((denied.kind, denied.code.as_deref()), (ErrorKind::Dns, Some("NXDOMAIN")));
}

// A silent server is asked again, then the next one; when all are silent the time is up, and not more.
#[tokio::test]
async fn silence_is_bounded() {
    let silent = serve(|_| None).await;
    let knows = serve(|question| answer(question, ResponseCode::NoError, vec![RData::A(A::new(192, 0, 2, 1))])).await;
    assert_eq!(ask(&[silent, knows], "A").await.unwrap(), ["192.0.2.1"]);
    let start = Instant::now();
    let late = ask(&[silent], "A").await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::Timeout, "{}", late.message);
    assert!(start.elapsed() >= Duration::from_millis(900));
    let asked = std::sync::atomic::AtomicU32::new(0);
    let lossy = serve(move |question| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        if first { None } else { answer(question, ResponseCode::NoError, vec![RData::A(A::new(192, 0, 2, 2))]) }
    })
    .await;
    assert_eq!(ask(&[lossy], "A").await.unwrap(), ["192.0.2.2"]);
}

// An answer with another number, or to another question, is not taken for the answer.
#[tokio::test]
async fn forged_answers_are_ignored() {
    let forges = serve(|question| {
        let mut forged = answer(question, ResponseCode::NoError, vec![RData::A(A::new(198, 51, 100, 9))])?;
        forged.metadata.id = question.metadata.id.wrapping_add(1);
        Some(forged)
    })
    .await;
    assert_eq!(ask(&[forges], "A").await.unwrap_err().kind, ErrorKind::Timeout);
    let other = serve(|question| {
        let mut other = answer(question, ResponseCode::NoError, vec![RData::A(A::new(198, 51, 100, 9))])?;
        other.queries[0].set_name(Name::from_str("evil.test.").unwrap());
        Some(other)
    })
    .await;
    assert_eq!(ask(&[other], "A").await.unwrap_err().kind, ErrorKind::Timeout);
}

// A port where nobody listens is told from silence, and at once.
#[tokio::test]
async fn nobody_there_is_refused() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = ask(&[closed], "A").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Refused, Some("ECONNREFUSED")));
}

// The system's servers are read as its own resolver reads them.
#[test]
fn system_servers_are_read() {
    let text = "# comment\nsearch internal\nnameserver 10.0.0.53\n nameserver\tfd00::53\nnameserverx 1.1.1.1\n\
                nameserver fe80::1%eth0\nnameserver 10.0.0.54\nnameserver 10.0.0.55\n";
    let servers: Vec<String> = servers_in(text).iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["10.0.0.53:53", "[fd00::53]:53", "10.0.0.54:53"]);
    assert_eq!(servers_in("search internal\n"), ["127.0.0.1:53".parse().unwrap()]);
}
