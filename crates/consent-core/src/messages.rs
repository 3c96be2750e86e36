//! What a person is told: what happened, and what to do now. One place, so that a flow, a page and a log speak alike.

/// The sentences for a code. Codes are fixed words of ours, so nothing that a browser brings is ever repeated.
pub fn of(code: &str) -> &'static str {
    of_request(code)
        .or_else(|| of_microsoft(code))
        .or_else(|| of_page(code))
        .unwrap_or("The request could not be completed, and nothing was granted. Start again.")
}

/// A detail as a sentence: they begin small, and end without a full stop.
pub fn as_sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(char::to_uppercase);
    let begun: String = first.into_iter().flatten().chain(letters).collect();
    format!("{begun}.")
}

/// Of `administrator_approval_required`, where no consent would help.
pub(crate) const IN_THE_WAY: &str = "Something of your organisation's own at Microsoft is in the way: a policy, a licence, \
     an assignment or its sign-in. Approving this request will not help before your Office 365 administrator has changed \
     that.";

/// Of `undetermined`, where Microsoft gave a reason that is not known here.
pub(crate) const UNKNOWN: &str = "Microsoft refused the request for a reason that is not known here, so nothing was \
     granted. Your Office 365 administrator can look the number up.";

/// How a request to Microsoft ended.
fn of_request(code: &str) -> Option<&'static str> {
    Some(match code {
        "declined" => {
            "The request was declined, so nothing was granted. You can start again at any time."
        }
        "undetermined" => {
            "The request ended at Microsoft without an answer, so nothing was granted. If Microsoft asked for an \
             administrator's approval, send your Office 365 administrator a link; otherwise start again."
        }
        "administrator_approval_required" => {
            "Your organisation wants an administrator to approve this, so asking Microsoft again will not help. Send \
             your Office 365 administrator a link to approve it."
        }
        "not_an_administrator" => {
            "The person who accepted is not an administrator who may consent for the whole organisation. Ask a Cloud \
             Application Administrator, an Application Administrator, a Privileged Role Administrator or a Global \
             Administrator of your Office 365 account."
        }
        "tenant_mismatch" => {
            "This is another organisation at Microsoft than the one expected, so nothing was recorded. Start again, and \
             choose an account of your own organisation at Microsoft. If your company has moved to another organisation, \
             a Super Admin first switches back to \"Users individually authorize\" in Settings > Account, and then has \
             its administrator consent there."
        }
        "identity_mismatch" => {
            "The request was finished by another Microsoft account than the one expected, so nothing was recorded. \
             Start again: Microsoft then asks which account you mean. If you have another one by now, choose \"Use \
             another Microsoft account\" in Settings > My account."
        }
        "guest_account" => {
            "You are a guest in that organisation at Microsoft, and guests have no mailbox there, so nothing was recorded. \
             Start again and sign in with the account of the organisation that your mailbox is in."
        }
        "personal_account" => {
            "That was a personal Microsoft account, and only mailboxes of an organisation can be connected, so nothing \
             was recorded. Start again and sign in with your work account."
        }
        "scopes_missing" => {
            "Microsoft granted less than what was asked for, so nothing was recorded. If you accepted everything on \
             Microsoft's page, it needs some time to be effective everywhere: wait a minute, then start again. Otherwise \
             start again and accept everything."
        }
        "partial_grant" => {
            "Done, but Microsoft granted only a part of what was asked for. Start again for the rest, or leave it so."
        }
        "unsupported_cloud" => {
            "Organisations in GCC High, DoD or the cloud operated by 21Vianet can't be connected."
        }
        "on_premises_exchange" => {
            "The mailbox is on a server of your company's own. Only mailboxes in Exchange Online can be synced; ask \
             your IT team whether yours will be moved."
        }
        "mailbox_unavailable" => {
            "Microsoft has no mailbox in Exchange Online for this account: it has no licence for one, or it is inactive \
             or deleted. Ask your IT team; what you granted counts as soon as there is one."
        }
        "managed_by_administrator" => {
            "Your company's Office 365 administrator decides this for everyone, so there is nothing to do here."
        }
        "flow_expired" => {
            "The request has expired: its time is over, or what it asked for was taken back, declined or decided \
             otherwise meanwhile. Start again."
        }
        "flow_already_used" => {
            "This request was answered already. Look at the settings to see how; start again if need be."
        }
        "interaction_required" => {
            "Microsoft wants you to confirm who you are first, for example with a second factor. Sign in at Microsoft, \
             do what it asks, and start again."
        }
        "session_ended" => {
            "Your session at Microsoft is over, for example after a change of password. Sign in there again and start \
             again; what was granted before still stands."
        }
        "invalid_id_token" => {
            "Microsoft's answer did not prove who you are, so nothing was recorded. Start again; if it happens twice, \
             tell whoever runs this service."
        }
        "hand_off_closed" => {
            "This link was cancelled or has expired, so nothing was recorded. Ask whoever sent it for another one."
        }
        "full_sync_required" => {
            "The company's e-mail sync was set to limited meanwhile. Select full sync and start again; the limited level \
             can then be chosen for the administrator's consent itself."
        }
        "consent_superseded" => {
            "Another administrator consent is in force by now. Look at the settings to see which."
        }
        _ => return None,
    })
}

/// What Microsoft said of the consent, the tenant or us, or that it said nothing.
fn of_microsoft(code: &str) -> Option<&'static str> {
    Some(match code {
        "consent_missing" => {
            "Microsoft says that nobody has consented to this. Start again and accept on Microsoft's page; if you have just \
             accepted, wait a minute first, because Microsoft needs some time until a consent is effective everywhere."
        }
        "consent_not_yet_effective" => {
            "You have accepted, but the consent is not effective everywhere at Microsoft yet, so nothing was recorded. \
             Wait a minute, then start again: Microsoft will not ask a second time."
        }
        "tenant_absent" => {
            "Your organisation at Microsoft does not know this application, or has switched it off. Ask your Office \
             365 administrator to allow it, then start again. If you have an account elsewhere by now, start again \
             with that."
        }
        "application_misconfigured" => {
            "Something is wrong between this service and Microsoft; it is not your fault, and nothing has changed for \
             you. An operator was alarmed; try again later."
        }
        "microsoft_unavailable" => {
            "Microsoft could not answer just now, so nothing was recorded. Start again in a moment."
        }
        _ => return None,
    })
}

/// Why a page or a form did not work.
fn of_page(code: &str) -> Option<&'static str> {
    Some(match code {
        "concurrent_change" => {
            "Somebody else changed the same permissions at the same time. Look at the settings and start again if need \
             be."
        }
        "event_log_unavailable" => {
            "The record of consents can't be reached just now, so nothing has changed. Try again in a moment."
        }
        "event_log_damaged" => {
            "A part of the record of consents is damaged, so nothing can be granted or changed until it is restored. \
             What you take back is recorded all the same. An operator was alarmed."
        }
        "administrator_not_confirmed" => {
            "Confirm that you are an administrator for your company's Office 365 account. If you are not, make a link \
             and send it to one."
        }
        "nothing_selected" => "Select at least one of Calendar, Contacts and Email.",
        "ambiguous_tenant" => {
            "This domain stands for several organisations at Microsoft. Enter the tenant id instead: it stands in the \
             Microsoft Entra admin center, under Overview."
        }
        "interrupted" => {
            "We were interrupted while this was being recorded, and can't say how far it got. The settings show how \
             things stand; start again if something is missing."
        }
        "forbidden" => {
            "Only a Super Admin who may manage the company's settings can do this. Your own permissions are in Settings \
             > My account."
        }
        "unauthenticated" => {
            "The application could not show who you are. Go back to it and open the settings again; if it happens \
             twice, tell whoever runs it."
        }
        "not_found" => {
            "There is no such request of yours, or not any more. Open the settings again."
        }
        "invalid_request" => {
            "That could not be understood, so nothing was changed. Open the settings again."
        }
        "too_many_requests" => {
            "This was done very often within a short time. Nothing is lost: wait a minute, and do it again."
        }
        "payload_too_large" | "unsupported_media_type" => {
            "What was sent is not what a page of ours sends, so nothing was changed. Start again from the application."
        }
        "timeout" | "internal_error" | "too_many_connections" => {
            "The answer could not be given just now. Try again in a moment; if it happens again, tell whoever runs this \
             service."
        }
        "store_full" => {
            "There is no room to begin or record anything new just now. What was granted stands. An operator has to make \
             room; try again later."
        }
        "store_unavailable" => {
            "A part of this service can't be used just now. What was granted stands, and nothing was lost of it. Try again \
             in a moment; the settings show what was recorded."
        }
        "host_keys_unavailable" => {
            "Who you are could not be checked just now, so nothing was changed. Open the settings again in a moment."
        }
        "event_unreadable" => {
            "The record of this account can't be read, so nothing is allowed until it can. An operator was alarmed."
        }
        _ => return None,
    })
}
