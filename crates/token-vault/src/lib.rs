//! Refresh tokens at rest: sealed to the token broker, bound to their place.
//!
//! HPKE (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305. Whoever has the public key seals; only who
//! has the private key opens. What is sealed is bound to an account, a user, a mailbox, a client and a key: a record that is
//! put anywhere else opens for nobody. Who sealed it, nobody can tell: the bucket's permissions say who may write.
//!
//! Read in this order:
//!
//! 1. [`record`]: what is sealed, and to what it is bound.
//! 2. [`key`]: keys and their files; `pem`: how they are written.
//! 3. [`ring`]: the keys of a directory, the newest of which seals. [`Vault`] is what a KMS would implement.
//! 4. [`store`]: the bucket.

pub mod directory;
mod error;
pub mod key;
mod key_id;
mod pem;
mod public_file;
pub mod record;
pub mod ring;
pub mod store;

pub use directory::{DirectoryError, KeyDirectory, KeyFile};
pub use error::{KeyError, PublicKeyError, SealError};
pub use key::{PrivateKey, PublicKey};
pub use key_id::KeyId;
pub use public_file::PublicKeyFile;
pub use record::{Binding, OpenError, SealedFacts, TokenRecord};
pub use ring::{KeyRing, Vault};
pub use store::{Held, StoreError, TokenPage, TokenStore, TokenStoreSettings, TokenWriter};
