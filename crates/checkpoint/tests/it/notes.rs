//! Checkpoints, signed and read.

use assent_checkpoint::{
    Checkpoint, CheckpointError, MAX_BYTES, SigningKey, Tree, UnverifiedCheckpoint, VerifierKey,
};
use proptest::prelude::any;
use proptest::proptest;
use secrecy::ExposeSecret as _;

fn key(name: &str) -> (SigningKey, VerifierKey) {
    let (private, public) = SigningKey::generate(name).unwrap();
    (SigningKey::parse(&private).unwrap(), public)
}

fn tree(size: u8) -> Tree {
    let mut tree = Tree::default();
    for number in 0..size {
        tree.push([number; 32]);
    }
    tree
}

fn read(text: &str, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
    UnverifiedCheckpoint::parse(text.as_bytes())?.verify(key)
}

#[test]
fn a_checkpoint_is_three_lines_and_a_signature_of_these() {
    let (signing, public) = key("example.com/log");
    let signed = Checkpoint::sign(&tree(3), &signing).unwrap();
    let lines: Vec<_> = signed.lines().collect();
    let root = tree(3).root();
    assert_eq!(lines[..4], ["example.com/log", "3", &root.to_string(), ""]);
    assert!(
        lines[4].starts_with("\u{2014} example.com/log "),
        "{signed}"
    );
    assert_eq!(
        (lines.len(), signing.name(), public.name()),
        (5, "example.com/log", "example.com/log")
    );
    let checkpoint = read(&signed, &public).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (3, root));
    assert_eq!(checkpoint.origin, "example.com/log");
    let claimed = UnverifiedCheckpoint::parse(signed.as_bytes()).unwrap();
    assert_eq!(claimed.dangerous_without_signature(), checkpoint);
    assert_eq!(tree(3).size(), 3);
}

#[test]
fn another_key_is_told_from_a_changed_text() {
    let (signing, public) = key("log");
    let (_, other) = key("log");
    let (_, others_name) = key("another");
    let signed = Checkpoint::sign(&tree(3), &signing).unwrap();
    for other in [other, others_name] {
        let refused = read(&signed, &other).unwrap_err();
        assert!(
            matches!(refused, CheckpointError::OtherKey { .. }),
            "{refused}"
        );
        let named: Vec<_> = public
            .to_string()
            .splitn(3, '+')
            .map(str::to_owned)
            .collect();
        let named = named[..2].join("+");
        assert!(
            refused.to_string().ends_with(&format!("but by {named}")),
            "{refused}"
        );
    }
    let changed = signed.replacen("\n3\n", "\n2\n", 1);
    let refused = read(&changed, &public).unwrap_err();
    assert_eq!(refused, CheckpointError::BadSignature("log".to_owned()));
}

#[test]
fn a_witness_may_add_a_signature() {
    let (signing, public) = key("log");
    let (witness, witness_key) = SigningKey::generate("witness").unwrap();
    let witness = signed_note::StandardSigner::new(witness.expose_secret()).unwrap();
    let signed = Checkpoint::sign(&tree(3), &signing).unwrap();
    let mut note = signed_note::Note::from_bytes(signed.as_bytes()).unwrap();
    note.add_sigs(&[&witness]).unwrap();
    let both = String::from_utf8(note.to_bytes()).unwrap();
    assert!(read(&both, &public).is_ok());
    let refused = read(&both, &witness_key).unwrap_err();
    assert!(
        matches!(refused, CheckpointError::OtherOrigin { .. }),
        "{refused}"
    );
}

#[test]
fn what_is_no_checkpoint_is_refused_by_name() {
    let (signing, _) = key("log");
    let signed = Checkpoint::sign(&tree(3), &signing).unwrap();
    let parse = |text: &str| UnverifiedCheckpoint::parse(text.as_bytes()).unwrap_err();
    let unsigned = signed.split_once("\n\n").unwrap().0;
    for bad in [
        "",
        "\n\n",
        "log\n3\n",
        unsigned,
        &signed.replace('3', "\u{7}"),
        signed.trim_end(),
    ] {
        assert_eq!(parse(bad), CheckpointError::NoNote, "{bad:?}");
    }
    let root = tree(3).root().to_string();
    for (from, to) in [
        ("\n3\n", "\n03\n"),
        ("\n3\n", "\n-1\n"),
        (&root, "AAAA"),
        (&root, ""),
        ("log\n3\n", "log\n"),
    ] {
        let bad = signed.replacen(from, to, 1);
        assert_eq!(parse(&bad), CheckpointError::NoCheckpoint, "{bad:?}");
    }
    assert_eq!(parse(&"x".repeat(MAX_BYTES + 1)), CheckpointError::TooLarge);
}

#[test]
fn no_byte_can_be_changed() {
    let (signing, public) = key("log");
    let signed = Checkpoint::sign(&tree(3), &signing).unwrap().into_bytes();
    for at in 0..signed.len() {
        let mut changed = signed.clone();
        changed[at] ^= 1 << (at % 8);
        let read = UnverifiedCheckpoint::parse(&changed);
        let verified = read.and_then(|read| read.verify(&public));
        assert!(verified.is_err(), "{at}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(UnverifiedCheckpoint::parse(&bytes));
    }
}
