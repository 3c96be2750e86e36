//! `consentctl vault`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The commands about the keys that refresh tokens are sealed with.
#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Make the first key, in a directory of its own (writes files).
    #[command(after_help = "\
Makes DIR/0001.pem, which the token broker alone may have (X25519, PKCS#8), and DIR/0001.pub.pem,
which the gateways seal with (ASSENT_VAULT_PUBLIC_KEY_FILE). The directory is for its owner only.
Refuses a directory that has keys. Keep a copy of the private key where the backups are not: who
has lost it has every user pass Microsoft once more. Connects to nothing.

Example:
  consentctl vault init --dir /etc/assent/vault-keys")]
    Init(Directory),
    /// Show the keys, and how many tokens are sealed with each (read-only).
    #[command(after_help = "\
Connects as the token broker's NATS user, who alone may read the sealed tokens. Tokens that are
sealed to a key that is not there, or can't be read, are findings (exit code 1).

Example:
  consentctl vault status --dir /etc/assent/vault-keys --nats-user token-broker")]
    Status(Directory),
    /// Make a new key, and seal every token with it (writes).
    #[command(after_help = "\
The new key seals from then on; the older ones stay and open. Token brokers need no restart. Where
there are tokens that an older key seals although a newer one is there, an earlier rotation was
interrupted, or a gateway has not got the new public key yet: then no key is made, and those
tokens are sealed with the newest. So it may be stopped at any moment, and is run again to go on.

Where brokers have directories of their own: run it with --key-only, copy the new private key to
each broker, and run it once more without. Then give the gateways the new public key, run it with
--no-new-key for what they sealed meanwhile, and retire the old key.

Examples:
  consentctl vault rotate --dir /etc/assent/vault-keys --nats-user token-broker
  consentctl vault rotate --dir /etc/assent/vault-keys --key-only")]
    Rotate {
        /// The keys.
        #[command(flatten)]
        directory: Directory,
        /// Only make the key, and seal nothing yet. Connects to nothing.
        #[arg(long)]
        key_only: bool,
        /// Make no key, whatever there is: seal with the newest what older ones seal.
        #[arg(long, conflicts_with = "key_only")]
        no_new_key: bool,
    },
    /// Delete a key that seals no token any more (writes).
    #[command(after_help = "\
Refuses while a token is sealed with it, and the newest. What a gateway that still has the old public
key seals afterwards opens for nobody: its users pass Microsoft once more.

Example:
  consentctl vault retire 0001 --dir /etc/assent/vault-keys --nats-user token-broker")]
    Retire {
        /// The key, by its number or its id.
        key: String,
        /// The keys.
        #[command(flatten)]
        directory: Directory,
        /// Don't ask first.
        #[arg(long)]
        yes: bool,
    },
}

/// Where the keys are.
#[derive(Debug, Args)]
pub(crate) struct Directory {
    /// The directory of the keys.
    #[arg(long, value_name = "DIR", env = "ASSENT_VAULT_KEYS_DIR")]
    pub(crate) dir: PathBuf,
}
