//! `client_info`: who signed in, for Microsoft's libraries to key their caches and route their calls by. Documented
//! nowhere, sent to whoever asks with `client_info=1`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::identifiers::{ObjectId, TenantId};

pub(crate) fn client_info(tenant: TenantId, user: ObjectId) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "uid": user, "utid": tenant }).to_string())
}
