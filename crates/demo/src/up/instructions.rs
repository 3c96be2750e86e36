//! Instructions for a running stack: a page to open, then addresses, tokens and lines to paste.

use std::time::Duration;

use assent_dev_stack::actors::{ANA, ERIK, OLGA};
use assent_dev_stack::{Program, Stack, TokenBuilder};

const GOOD_FOR: Duration = Duration::from_hours(8);
const USUAL: [(&str, u16); 6] = [
    ("example-host", 8070),
    ("consent-gateway", 8080),
    ("projection", 8081),
    ("login-hook", 8082),
    ("token-broker", 8083),
    ("entra-simulator", 8090),
];

/// Says what most people want to know: one address, and who they can be there.
pub(super) fn invitation(stack: &Stack) -> String {
    format!(
        "\n    open {}\n\n\
         An applicant tracker with Assent built in. Sign in as one of its users, or be an administrator at Microsoft:\n\
         \x20 Sam        Super Admin of Acme, with the password button: Settings > Company\n\
         \x20 Ana, Ben   users of Acme, through Microsoft: sign in, consent, see the sync start; revoke, see it stop\n\
         \x20 Dana       user of Adatum, whom Microsoft lets approve little: a link for IT is in Settings > My account\n\
         \x20 Olga, Erik administrators at Microsoft, of Ana's and of Dana's organisation: choose them where it asks who signs in",
        stack.host.origin()
    )
}

/// Lists addresses, tokens, and commands to paste, for whoever prefers a shell.
pub(super) fn about(stack: &Stack) -> String {
    [addresses(stack), tokens(stack), lines(stack), nats(stack)].join("\n\n")
}

fn addresses(stack: &Stack) -> String {
    let first = |programs: &[Program]| programs.first().map_or_else(String::new, Program::url);
    let projection = first(&stack.projections);
    let token_broker = first(&stack.token_brokers);
    let urls = [
        stack.host.origin(),
        stack.gateway.url(),
        projection,
        stack.login_hook.url(),
        token_broker,
        stack.simulator.url(),
    ];
    let mut lines = vec!["# where it is".to_owned()];
    for ((name, usual), url) in USUAL.into_iter().zip(&urls) {
        let elsewhere = if url.ends_with(&format!(":{usual}")) {
            String::new()
        } else {
            format!("   ({usual} is taken)")
        };
        lines.push(format!("#   {name:16} {url}{elsewhere}"));
    }
    let nats = stack.nats().url();
    let elsewhere = if nats.ends_with(":4222") {
        ""
    } else {
        "   (4222 is taken)"
    };
    lines.push(format!("#   {:16} {nats}{elsewhere}", "nats-server"));
    lines.push(format!(
        "#   {:16} {}",
        "logs",
        stack.log_directory().display()
    ));
    let [_, gateway, projection, login_hook, token_broker, simulator] = &urls;
    lines.push(format!(
        "export GATEWAY={gateway} PROJECTION={projection} LOGIN_HOOK={login_hook} TOKEN_BROKER={token_broker} MICROSOFT={simulator}"
    ));
    lines.join("\n")
}

fn tokens(stack: &Stack) -> String {
    let host = &stack.host;
    let sign = |token: TokenBuilder<'_>| token.expires_in(GOOD_FOR).sign();
    // As Hirely's backend calls: it has verified who she is at Microsoft.
    let ana = sign(
        host.token_for("ana", "acme")
            .claim("scope", "identities:vouch"),
    );
    let sam = sign(
        host.token_for("sam", "acme")
            .super_admin()
            .permission("company_settings:manage"),
    );
    let dana = sign(host.token_for("dana", "adatum"));
    let service = sign(host.service(&[
        "login:decide",
        "permissions:read",
        "tokens:issue",
        "withdrawals:report",
    ]));
    format!(
        "# tokens of the host application, good for 8 hours: Ana, Sam the Super Admin, Dana of another company, and a service\n\
         export ANA={ana}\nexport SAM={sam}\nexport DANA={dana}\nexport SERVICE={service}"
    )
}

fn lines(stack: &Stack) -> String {
    let back = format!("{}/signed-in", stack.host.origin());
    let (ana, tenant) = (ANA.object_id, ANA.tenant);
    format!(
        r#"# Ana signs in: what is to be done? (an ID token as Microsoft would give it, then the question)
ID_TOKEN=$(curl -s $MICROSOFT/_control/id-token -H 'content-type: application/json' -d '{{"tenant":"{tenant}","user":"{ana}","client_id":"{client}"}}' | sed 's/.*"id_token":"\([^"]*\)".*/\1/')
curl -sw '\n' $LOGIN_HOOK/v1/login-decisions -H "authorization: Bearer $SERVICE" -H 'content-type: application/json' -d '{{"account_id":"acme","user_id":"ana","sign_in":{{"provider":"microsoft","id_token":"'$ID_TOKEN'"}}}}'

# Ana grants calendar and email: open the authorize_url of the answer in a browser, and choose Ana Alvarez
curl -sw '\n' $GATEWAY/v1/accounts/acme/users/ana/grants -H "authorization: Bearer $ANA" -H 'content-type: application/json' -d '{{"permissions":["calendar","email"],"microsoft_identity":{{"tenant_id":"{tenant}","object_id":"{ana}"}},"return_to":"{back}"}}'

# what she has now, and why; then for a service, from the view
curl -sw '\n' $GATEWAY/v1/accounts/acme/users/ana -H "authorization: Bearer $ANA"
curl -sw '\n' $PROJECTION/v1/accounts/acme/users/ana/permissions -H "authorization: Bearer $SERVICE"

# a sync worker borrows a token for her calendar, as Hirely's does for each page that it reads
curl -sw '\n' $TOKEN_BROKER/v1/accounts/acme/users/ana/tokens -H "authorization: Bearer $SERVICE" -H 'content-type: application/json' -d '{{"permission":"calendar"}}'

# she takes email back
curl -sw '\n' -X DELETE $GATEWAY/v1/accounts/acme/users/ana/grants/email -H "authorization: Bearer $ANA"

# Sam lets the Office 365 administrator decide: open the authorize_url, choose {olga} Orlova, and confirm on our page
curl -sw '\n' $GATEWAY/v1/accounts/acme/admin-consents -H "authorization: Bearer $SAM" -H 'content-type: application/json' -d '{{"administrator_confirmed":true,"permissions":{{"calendar":true,"contacts":false,"email":"limited"}},"tenant":"contoso.example","return_to":"{back}"}}'
curl -sw '\n' $GATEWAY/v1/accounts/acme -H "authorization: Bearer $SAM"

# the consent is withdrawn at Microsoft, which tells nobody: look at Settings > Company as Sam within a minute
curl -sw '\n' -X DELETE "$MICROSOFT/_control/grants?tenant={tenant}"

# and back
curl -sw '\n' -X PUT $GATEWAY/v1/accounts/acme/authorization-method -H "authorization: Bearer $SAM" -H 'content-type: application/json' -d '{{"method":"user_individual","email_sync":"full"}}'

# Dana's company lets nobody approve a calendar: open the url of the answer as her IT would, go on, and choose {erik}
curl -sw '\n' $GATEWAY/v1/accounts/adatum/hand-offs -H "authorization: Bearer $DANA" -H 'content-type: application/json' -d '{{"purpose":"approval","tenant":"adatum.example","permissions":{{"calendar":true,"contacts":false,"email":"none"}}}}'
curl -sw '\n' $GATEWAY/v1/accounts/adatum/hand-offs -H "authorization: Bearer $DANA""#,
        client = assent_dev_stack::SIMULATOR_HOST_CLIENT_ID,
        olga = OLGA.name,
        erik = ERIK.name,
    )
}

fn nats(stack: &Stack) -> String {
    let mut lines = vec!["# for consentctl, which reads everything and writes nothing".to_owned()];
    for (name, value) in stack.operator_environment() {
        lines.push(format!("export {name}={value}"));
    }
    let consentctl = assent_dev_stack::profile_directory().map_or_else(
        |_| "consentctl".to_owned(),
        |directory| directory.join("consentctl").display().to_string(),
    );
    lines.push(format!("{consentctl} explain acme ana"));
    lines.push(format!("{consentctl} events list"));
    let (user, password) = stack.sync_worker();
    lines.push(format!(
        "\n# for a sync worker, with the nats command line if you have it\n\
         nats --server {} --user {user} --password {password} --inbox-prefix _INBOX_{user} sub 'consent.changes.v1.>'",
        stack.nats().url()
    ));
    lines.join("\n")
}
