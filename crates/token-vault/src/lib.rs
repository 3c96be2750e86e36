//! Refresh tokens at rest: sealed to the token broker, bound to their place.
