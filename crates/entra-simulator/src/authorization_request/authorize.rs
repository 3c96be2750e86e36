//! What a request to `authorize` asks for, and everything that may be wrong with it.

use super::{Prompt, RequestRefusal, addressee, scope_error};
use crate::aadsts::{Aadsts, Code, Surface};
use crate::authority::Authority;
use crate::claims::ClaimsRequest;
use crate::directory::{Application, Directory};
use crate::identifiers::ClientId;
use crate::parameters::Parameters;
use crate::return_target::{BrowserReturn, ResponseMode, ReturnTarget};
use crate::scopes::ScopeRequest;

/// A request that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizeRequest {
    pub(crate) authority: Authority,
    pub(crate) client: ClientId,
    pub(crate) return_target: ReturnTarget,
    pub(crate) asked: ScopeRequest,
    pub(crate) prompt: Prompt,
    pub(crate) login_hint: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<String>,
    /// Whether Microsoft's library wants to know who it was, to route later calls by.
    pub(crate) client_info: bool,
}

impl AuthorizeRequest {
    pub(crate) fn parse(
        directory: &Directory,
        base_url: &str,
        segment: &str,
        query: &str,
    ) -> Result<Self, RequestRefusal> {
        let parameters =
            Parameters::parse(query, Surface::Authorize).map_err(RequestRefusal::Page)?;
        let (authority, application, redirect_uri) =
            addressee(&parameters, directory, segment).map_err(RequestRefusal::Page)?;
        // From here on there is a safe way back, so errors take it.
        let mode = response_mode(&parameters);
        let return_target = ReturnTarget {
            redirect_uri: redirect_uri.to_owned(),
            state: parameters.get("state").map(str::to_owned),
            mode: mode.as_ref().copied().unwrap_or_default(),
            admin_consent: false,
        };
        let refused =
            |error: Aadsts| RequestRefusal::Return(return_target.with_error(&error, base_url));
        mode.map_err(refused)?;
        let rest = Rest::parse(&parameters, base_url, application).map_err(refused)?;
        Ok(Self {
            authority,
            client: application.client_id,
            return_target,
            asked: rest.asked,
            prompt: rest.prompt,
            login_hint: parameters.get("login_hint").map(str::to_owned),
            nonce: parameters.get("nonce").map(str::to_owned),
            challenge: rest.challenge,
            client_info: parameters.get("client_info") == Some("1"),
        })
    }

    /// The request itself, if it may not show a page.
    pub(crate) fn silent(&self) -> Option<&Self> {
        (self.prompt == Prompt::None).then_some(self)
    }

    /// Back, with what keeps the request from going on without a page.
    pub(crate) fn refused(&self, code: Code, base_url: &str) -> BrowserReturn {
        let error = code.error_on(Surface::Authorize);
        self.return_target.with_error(&error, base_url)
    }
}

/// What is checked once there is a way back.
struct Rest {
    asked: ScopeRequest,
    prompt: Prompt,
    challenge: Option<String>,
}

impl Rest {
    fn parse(
        parameters: &Parameters,
        base_url: &str,
        application: &Application,
    ) -> Result<Self, Aadsts> {
        check_response_type(parameters)?;
        let scope = parameters.require("scope")?;
        let asked = ScopeRequest::parse(scope, base_url)
            .map_err(|refusal| scope_error(&refusal, scope, application, Surface::Authorize))?;
        let prompt = Prompt::parse(parameters.get("prompt"))?;
        if prompt == Prompt::SelectAccount && parameters.get("login_hint").is_some() {
            return Err(Code::InvalidRequest
                .error_on(Surface::Authorize)
                .with_message("'login_hint' cannot be combined with prompt 'select_account'."));
        }
        ClaimsRequest::parse(parameters)?;
        Ok(Self {
            asked,
            prompt,
            challenge: challenge(parameters, application)?,
        })
    }
}

fn check_response_type(parameters: &Parameters) -> Result<(), Aadsts> {
    let code = match parameters.require("response_type")? {
        "code" => return Ok(()),
        asked @ ("id_token" | "token" | "code id_token" | "id_token token") => {
            // Only an ID token that this very endpoint gives out has to have one.
            if asked.contains("id_token") {
                parameters.require("nonce")?;
            }
            Code::ResponseTypeNotEnabled
        }
        _ => Code::UnsupportedResponseType,
    };
    let name = parameters.require("response_type")?;
    Err(code
        .error_on(Surface::Authorize)
        .with_facts(&[("name", name)]))
}

fn response_mode(parameters: &Parameters) -> Result<ResponseMode, Aadsts> {
    match parameters.get("response_mode") {
        None | Some("query") => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some(mode) => Err(Code::UnsupportedResponseMode
            .error_on(Surface::Authorize)
            .with_facts(&[("name", mode)])),
    }
}

fn challenge(parameters: &Parameters, application: &Application) -> Result<Option<String>, Aadsts> {
    if parameters.get("code_challenge").is_none() && !application.require_pkce {
        return Ok(None);
    }
    let challenge = parameters.require("code_challenge")?;
    // Without a method Entra takes `plain`, which protects nothing and is refused here.
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(Code::InvalidCodeChallengeMethod.error_on(Surface::Authorize));
    }
    let proper = challenge.len() == 43
        && challenge
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
    if proper {
        Ok(Some(challenge.to_owned()))
    } else {
        Err(Code::MissingCodeChallenge.error_on(Surface::Authorize))
    }
}
