//! Packets of SNTP version 4 (RFC 5905), and what an answer says about the clock here.

/// Bytes of a packet without extensions.
const PACKET_BYTES: usize = 48;

/// Seconds from 1900 to 1970.
const UNIX_EPOCH_S: u64 = 2_208_988_800;

/// Version 4, a client's question.
const QUESTION: u8 = 4 << 3 | 3;

/// A server's answer.
const MODE_SERVER: u8 = 4;

/// No reference clock behind it.
const STRATUM_UNSYNCHRONISED: u8 = 16;

/// "Root distance" from which on a server is not synchronised, in seconds (MAXDISP).
const DISTANCE_MAX_S: f64 = 16.0;

/// What one exchange tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// What must be added to the clock here, in milliseconds.
    pub(crate) offset_ms: f64,
    /// The round trip without the server's own time, in milliseconds.
    pub(crate) delay_ms: f64,
    /// How far the true time may be from what the server says at most: half of both round trips and the dispersion, in
    /// milliseconds.
    pub(crate) distance_ms: f64,
    /// Hops to a reference clock.
    pub(crate) stratum: u8,
}

/// Why an answer is no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not an answer to the question.
    Nonsense(&'static str),
    /// The server asks not to be asked; its code.
    Kiss(String),
    /// It does not know the time itself.
    Unsynchronised,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nonsense(why) => write!(f, "no NTP: {why}"),
            Self::Kiss(code) => write!(f, "refuses to answer (kiss code {code})"),
            Self::Unsynchronised => f.write_str("is not synchronised"),
        }
    }
}

/// The question. `nonce` comes back as the answer's origin: nobody who did not see the question can answer it, and the
/// server learns nothing of the clock here.
pub(crate) fn question(nonce: u64) -> [u8; PACKET_BYTES] {
    let mut packet = [0; PACKET_BYTES];
    packet[0] = QUESTION;
    packet[40..].copy_from_slice(&nonce.to_be_bytes());
    packet
}

/// Reads `packet`, which came at `received_unix_ns` by the clock here, `elapsed_ms` after the question.
///
/// # Errors
/// Why it is no use.
pub(crate) fn read(packet: &[u8], nonce: u64, received_unix_ns: u64, elapsed_ms: f64) -> Result<Sample, Refusal> {
    let packet: &[u8; PACKET_BYTES] = packet.first_chunk().ok_or(Refusal::Nonsense("too short"))?;
    let [flags, stratum, ..] = *packet;
    if flags & 7 != MODE_SERVER {
        return Err(Refusal::Nonsense("not a server's answer"));
    }
    if word(packet, 24) != nonce {
        return Err(Refusal::Nonsense("an answer to another question"));
    }
    let code = &packet[12..16];
    // Without a code it is how a server says that it has no reference.
    if stratum == 0 && code.iter().all(u8::is_ascii_alphanumeric) {
        return Err(Refusal::Kiss(String::from_utf8_lossy(code).into_owned()));
    }
    let (heard, said) = (word(packet, 32), word(packet, 40));
    let root_s = short(packet, 4) / 2.0 + short(packet, 8);
    let is_alarm = flags >> 6 == 3;
    if is_alarm || stratum == 0 || stratum >= STRATUM_UNSYNCHRONISED || root_s >= DISTANCE_MAX_S || said == 0 {
        return Err(Refusal::Unsynchronised);
    }
    let inside_ms = seconds(said, heard) * 1e3;
    if inside_ms < 0.0 {
        return Err(Refusal::Nonsense("sent before it was asked"));
    }
    let here = timestamp(received_unix_ns);
    let delay_ms = (elapsed_ms - inside_ms).max(0.0);
    // From T4 alone: T1 is as far before it as the exchange took, without the look-up of the name.
    let offset_ms = (seconds(said, here) * 1e3 + seconds(heard, here) * 1e3 + elapsed_ms) / 2.0;
    Ok(Sample { offset_ms, delay_ms, distance_ms: root_s * 1e3 + delay_ms / 2.0, stratum })
}

fn word(packet: &[u8; PACKET_BYTES], at: usize) -> u64 {
    packet[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// 16.16 bits, in seconds.
fn short(packet: &[u8; PACKET_BYTES], at: usize) -> f64 {
    let value = packet[at..at + 4].iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    f64::from(value) / 65_536.0
}

/// 32.32 bits since 1900, modulo the era.
fn timestamp(unix_ns: u64) -> u64 {
    let seconds = unix_ns / 1_000_000_000 + UNIX_EPOCH_S;
    let fraction = ((unix_ns % 1_000_000_000) << 32) / 1_000_000_000;
    seconds << 32 | fraction
}

/// `later` less `earlier`, right for up to 68 years across the end of an era.
fn seconds(later: u64, earlier: u64) -> f64 {
    later.wrapping_sub(earlier).cast_signed() as f64 / 2_f64.powi(32)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a server says whose clock is `ahead_ms` ahead, asked at `asked_unix_ns` and 2 ms away, answering at once.
    pub(crate) fn answer(question: &[u8], asked_unix_ns: u64, ahead_ms: i64) -> [u8; PACKET_BYTES] {
        let there = asked_unix_ns + 1_000_000;
        let there = timestamp(there.checked_add_signed(ahead_ms * 1_000_000).unwrap());
        let mut packet = [0; PACKET_BYTES];
        packet[0] = 4 << 3 | 4;
        packet[1] = 2;
        packet[8..12].copy_from_slice(&655_u32.to_be_bytes()); // 10 ms of dispersion
        packet[24..32].copy_from_slice(&question[40..]);
        packet[32..40].copy_from_slice(&there.to_be_bytes());
        packet[40..].copy_from_slice(&there.to_be_bytes());
        packet
    }

    const NOW_NS: u64 = 1_800_000_000_500_000_000;
    const MS_NS: u64 = 1_000_000;

    fn sample(asked_unix_ns: u64, ahead_ms: i64) -> Sample {
        let packet = answer(&question(7), asked_unix_ns, ahead_ms);
        read(&packet, 7, asked_unix_ns + 2 * MS_NS, 2.0).unwrap()
    }

    // The offset is what the server is ahead, whatever the way takes, and behind is negative.
    #[test]
    fn offsets_are_the_servers_lead() {
        for ahead in [0, 1, 1500, -250, 86_400_000 * 365] {
            let found = sample(NOW_NS, ahead);
            assert!((found.offset_ms - ahead as f64).abs() < 0.001, "{ahead}: {found:?}");
            assert!((found.delay_ms - 2.0).abs() < 0.001, "{found:?}");
        }
        assert!((sample(NOW_NS, 0).distance_ms - 10.994).abs() < 0.01);
    }

    // The end of the era in 2036 is nothing special, on either side and across.
    #[test]
    fn era_ends() {
        let era_ns = ((1_u64 << 32) - UNIX_EPOCH_S) * 1_000_000_000;
        for (asked, ahead) in [(era_ns - 500 * MS_NS, 1_000), (era_ns + 500 * MS_NS, -1_000), (era_ns * 2, 5)] {
            assert!((sample(asked, ahead).offset_ms - ahead as f64).abs() < 0.001);
        }
    }

    // Time spent in the server is no part of the way.
    #[test]
    fn time_in_the_server_is_left_out() {
        let mut packet = answer(&question(7), NOW_NS, 0);
        let said = word(&packet, 32) + (30 << 32) / 1000;
        packet[40..].copy_from_slice(&said.to_be_bytes());
        let found = read(&packet, 7, NOW_NS + 32 * MS_NS, 32.0).unwrap();
        assert!((found.delay_ms - 2.0).abs() < 0.001 && found.offset_ms.abs() < 0.001, "{found:?}");
    }

    // What does not answer the question, or does not know the time, is refused with its reason.
    #[test]
    fn useless_answers_are_refused() {
        let refusal = |change: fn(&mut [u8; PACKET_BYTES])| {
            let mut packet = answer(&question(7), NOW_NS, 0);
            change(&mut packet);
            read(&packet, 7, NOW_NS + 2 * MS_NS, 2.0).unwrap_err().to_string()
        };
        assert_eq!(refusal(|packet| packet[31] = 8), "no NTP: an answer to another question");
        assert_eq!(refusal(|packet| packet[0] = QUESTION), "no NTP: not a server's answer");
        assert_eq!(refusal(|packet| packet[32] += 1), "no NTP: sent before it was asked");
        for unsynchronised in [
            (|packet| packet[0] |= 0xc0) as fn(&mut [u8; PACKET_BYTES]),
            |packet| packet[1] = 16,
            |packet| packet[1] = 0,
            |packet| packet[9] = 16,
            |packet| packet[40..].fill(0),
        ] {
            assert_eq!(refusal(unsynchronised), "is not synchronised");
        }
        let kiss = refusal(|packet| {
            packet[1] = 0;
            packet[12..16].copy_from_slice(b"RATE");
        });
        assert_eq!(kiss, "refuses to answer (kiss code RATE)");
        assert_eq!(read(&[0; 47], 0, NOW_NS, 1.0), Err(Refusal::Nonsense("too short")));
    }
}
