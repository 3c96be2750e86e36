//! Every refusal there is, one row each. This is the one place where a number gets its error and its words.
//!
//! A row reads: number, Microsoft's name for it (ours where its page of error codes gives none), the `error` on a
//! redirect back to the application, the documented `error` of the token endpoint; then, where they were seen in the
//! wild and are documented nowhere, the `suberror`, another `error` of the token endpoint, and `claims` for a
//! claims challenge. Words in braces are filled in where the request tells them.
//!
//! Where no source says what comes with a number, the row claims as little as it can: on a redirect `access_denied`,
//! from the token endpoint `invalid_grant`, which says "sign in again" and nothing about consent. Those rows say
//! "unconfirmed".

#![expect(
    clippy::unreadable_literal,
    reason = "the numbers are names: to be found as Microsoft writes them"
)]

use super::refusal::refusals;

refusals! {
    /// Numbers that can be played on demand: those that a gateway has to tell apart.
    ON_DEMAND {
        // No consent, or none given.
        65001 DelegationDoesNotExist: interaction_required, consent_required, suberror consent_required, seen invalid_grant =>
            "The user or administrator has not consented to use the application with ID '{appId}'. Send an interactive \
             authorization request for this user and resource.";
        // Never seen from the token endpoint.
        65004 UserDeclinedConsent: access_denied, invalid_grant =>
            "User declined to consent to access the app.";

        // May not consent: people see "Need admin approval". What the token endpoint says is unconfirmed.
        90093 GraphUserUnauthorized: access_denied, invalid_grant + page =>
            "{appName} needs permission to access resources in your organization that only an administrator can grant.";
        90094 AdminConsentRequired: access_denied, invalid_grant + page =>
            "{appName} needs permission to access resources in your organization that only an admin can grant. Please \
             ask an admin to grant permission to this app before you can use it.";
        90095 AdminConsentRequiredRequestAccess: access_denied, invalid_grant + page =>
            "{appName} needs permission to access resources in your organization that only an admin can grant. Request \
             approval of an admin to use this app.";
        900941 AdminConsentRequiredDueToRiskyApp: access_denied, invalid_grant + page =>
            "Administrator consent is required. This app may be risky. If you trust this app, please ask your admin to \
             grant you access.";
        900981 AdminConsentRequestRiskyAppWarning: access_denied, invalid_grant + page =>
            "An admin consent request was received for a risky app. This app may be risky. Only continue if you trust \
             this app.";
        90090 GraphRetryableError: temporarily_unavailable, temporarily_unavailable =>
            "The service is temporarily unavailable.";

        // The wrong account, or the wrong tenant. From the token endpoint: unconfirmed.
        50020 UserUnauthorized: access_denied, invalid_grant =>
            "User account '{EmailHidden}' does not exist in tenant '{tenant}' and cannot access the application in that \
             tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again \
             with a different account.";
        16000 InteractionRequired: interaction_required, interaction_required =>
            "User account '{EmailHidden}' does not exist in tenant '{tenant}' and cannot access the application \
             '{appId}'({appName}) in that tenant. The account needs to be added as an external user in the tenant \
             first. Sign out and sign in again with a different Microsoft Entra user account.";
        50034 UserAccountNotFound: access_denied, invalid_grant =>
            "The user account {EmailHidden} does not exist in the {tenant} directory. To sign into this application, \
             the account must be added to the directory.";
        51004 UserAccountNotInDirectory: access_denied, invalid_grant =>
            "The user account {EmailHidden} does not exist in the {tenant} directory. To sign into this application, \
             the account must be added to the directory.";
        90072 PassThroughUserMfaError: access_denied, invalid_grant =>
            "User account '{EmailHidden}' does not exist in tenant '{tenant}' and cannot access the application \
             '{appId}'({appName}) in that tenant. The account needs to be added as an external user in the tenant \
             first. Sign out and sign in again with a different Microsoft Entra user account.";

        // The resource, or our list of what we need of it.
        500011 InvalidResourceServicePrincipalNotFound: invalid_resource, invalid_resource =>
            "The resource principal named {name} was not found in the tenant named {tenant}. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You might have sent your authentication request to the wrong tenant.";
        650052 ServiceNotEnabled: invalid_client, invalid_client =>
            "The app needs access to a service ('{name}') that your organization '{tenant}' has not subscribed to or \
             enabled. Contact your IT Admin to review the configuration of your service subscriptions.";
        // Unconfirmed, and so is the next.
        65005 MisconfiguredApplication: invalid_request, invalid_request =>
            "The application required resource access list does not contain applications discoverable by the resource, \
             or the client application has requested access to a resource which was not specified in its required \
             resource access list.";
        650056 MisconfiguredApplicationPermissions: invalid_request, invalid_request =>
            "Misconfigured application. This could be due to one of the following: the client has not listed any \
             permissions in the requested permissions in the client's application registration. Or, the admin has not \
             consented in the tenant. Client app ID: {appId}.";
        650057 ResourceNotListed: invalid_resource, invalid_resource =>
            "Invalid resource. The client has requested access to a resource which is not listed in the requested \
             permissions in the client's application registration. Client app ID: {appId}({appName}).";

        // The application, in the tenant.
        700016 UnauthorizedClient_DoesNotMatchRequest: unauthorized_client, unauthorized_client =>
            "Application with identifier '{appId}' was not found in the directory '{tenant}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You may have sent your authentication request to the wrong tenant.";
        700011 UnauthorizedClientAppNotFoundInOrgIdTenant: unauthorized_client, unauthorized_client =>
            "Application with identifier '{appId}' was not found in the directory '{tenant}'.";
        7000112 UnauthorizedClientApplicationDisabled: unauthorized_client, unauthorized_client =>
            "Application '{appId}'({appName}) is disabled.";
        70001 UnauthorizedClient: unauthorized_client, unauthorized_client =>
            "The application named {appName} is disabled in the tenant named {tenant}.";
        50105 EntitlementGrantsNotFound: access_denied, invalid_grant =>
            "Your administrator has configured the application {appName} ('{appId}') to block users unless they are \
             specifically granted ('assigned') access to the application. The signed in user '{EmailHidden}' is \
             blocked because they are not a direct member of a group with access, nor had access directly assigned by \
             an administrator. Please contact your administrator to assign access to this application.";

        // Policy. Seen with `interaction_required` as well; of the others in this group, `error` is unconfirmed.
        53003 BlockedByConditionalAccess: access_denied, invalid_grant, suberror message_only + claims =>
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
        53000 DeviceNotCompliant: access_denied, invalid_grant =>
            "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, \
             and the device is not compliant.";
        53001 DeviceNotDomainJoined: access_denied, invalid_grant =>
            "Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined \
             device, and the device is not domain joined.";
        53002 ApplicationUsedIsNotAnApprovedApp: access_denied, invalid_grant =>
            "Application used is not an approved application for Conditional Access.";
        53004 ProofUpBlockedDueToRisk: access_denied, invalid_grant =>
            "User needs to complete the multifactor authentication registration process before accessing this content.";
        530032 BlockedByConditionalAccessOnSecurityPolicy: access_denied, invalid_grant =>
            "The tenant admin has configured a security policy that blocks this request.";
        530034 DelegatedAdminBlockedDueToSuspiciousActivity: access_denied, invalid_grant =>
            "A delegated administrator was blocked from accessing the tenant due to account risk in their home tenant.";
        530035 BlockedBySecurityDefaults: access_denied, invalid_grant =>
            "Access has been blocked by security defaults.";
        53011 UserBlockedDueToRisk: access_denied, invalid_grant =>
            "User blocked due to risk on home tenant.";
        500212 NotAllowedByOutboundPolicyTenant: access_denied, invalid_grant =>
            "The user's administrator has set an outbound access policy that does not allow access to the resource \
             tenant.";
        500213 NotAllowedByInboundPolicyTenant: access_denied, invalid_grant =>
            "The resource tenant's cross-tenant access policy does not allow this user to access this tenant.";

        // The person has something to do. Documented for 50076 and 50079; the others' are unconfirmed.
        50076 UserStrongAuthClientAuthNRequired: interaction_required, interaction_required, suberror basic_action + claims =>
            "Due to a configuration change made by your administrator, or because you moved to a new location, you must \
             use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.";
        50074 UserStrongAuthClientAuthNRequiredInterrupt: interaction_required, interaction_required =>
            "Strong Authentication is required.";
        50078 UserStrongAuthExpired: interaction_required, interaction_required =>
            "Presented multi-factor authentication has expired due to policies configured by your administrator, you \
             must refresh your multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.";
        50079 UserStrongAuthEnrollmentRequired: interaction_required, interaction_required + claims =>
            "Due to a configuration change made by your administrator, or because you moved to a new location, you must \
             enroll in multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.";
        50072 UserStrongAuthEnrollmentRequiredInterrupt: interaction_required, interaction_required =>
            "User needs to enroll for second factor authentication.";
        50158 ExternalSecurityChallenge: interaction_required, interaction_required =>
            "External security challenge not satisfied. User will be redirected to another page or authentication \
             provider to satisfy additional authentication challenges.";
        50097 DeviceAuthenticationRequired: interaction_required, interaction_required =>
            "Device authentication is required.";

        // What was handed in is used up, or too old; or the session behind it is over. Consent still stands.
        54005 AuthorizationCodeAlreadyRedeemed: invalid_request, invalid_grant =>
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing \
             refresh token.";
        70008 ExpiredOrRevokedGrant: login_required, invalid_grant =>
            "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
             authorization request for this user and resource.";
        700082 ExpiredOrRevokedGrantInactiveToken: login_required, invalid_grant, suberror bad_token =>
            "The refresh token has expired due to inactivity.";
        70043 BadTokenDueToSignInFrequency: login_required, invalid_grant, suberror token_expired =>
            "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.";
        50173 FreshTokenNeeded: login_required, invalid_grant, suberror bad_token =>
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have \
             changed or reset their password.";
        50057 UserDisabled: access_denied, invalid_grant =>
            "The user account is disabled.";
        700084 SpaRefreshTokenExpired: login_required, invalid_grant =>
            "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of \
             1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA \
             to the sign in page.";

        // Our own credential. Only the token endpoint looks at it.
        7000215 InvalidClientSecret: invalid_client, invalid_client =>
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{appId}'.";
        7000222 InvalidClientSecretExpiredKeysProvided: invalid_client, invalid_client =>
            "The provided client secret keys for app '{appId}' are expired. Visit the Azure portal to create new keys \
             for your app, or consider using certificate credentials for added security.";
        700027 InvalidClientAssertionSignature: invalid_client, invalid_client =>
            "The certificate with identifier used to sign the client assertion is not registered on application.";
        7000218 MissingClientCredential: invalid_client, invalid_client =>
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";

        // No such tenant in this cloud.
        90002 InvalidTenantName: invalid_request, invalid_request =>
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant.";
        90038 NationalCloudTenantRedirection: invalid_request, invalid_request =>
            "Specified tenant '{tenant}' belongs to a National Cloud. Current cloud instance does not federate with it.";
        900382 ConfidentialClientCrossCloud: invalid_request, invalid_request =>
            "Confidential Client is not supported in Cross Cloud request.";
        900432 ConfidentialClientCrossCloudRequest: invalid_request, invalid_request =>
            "Confidential Client is not supported in Cross Cloud request.";

        // A code, handed in where or how it should not be.
        501481 VerifierMismatch: invalid_request, invalid_grant =>
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        50147 MissingCodeChallenge: invalid_request, invalid_request =>
            "The size of the 'code_challenge' parameter is not valid: 43 characters are expected.";
        700005 InvalidGrantRedeemAgainstWrongTenant: invalid_request, invalid_grant =>
            "The provided authorization code is intended to use against other tenant, thus rejected. OAuth2 \
             Authorization Code must be redeemed against same tenant it was acquired for.";
    }

    /// Numbers that only a wrong request brings out.
    OF_REQUESTS {
        50000 TokenIssuanceError: server_error, server_error =>
            "There was an error issuing a token.";
        50011 InvalidReplyTo: invalid_request, invalid_request =>
            "The redirect URI '{redirectUri}' specified in the request does not match the redirect URIs configured for \
             the application '{appId}'.";
        50027 InvalidJwtToken: invalid_client, invalid_client =>
            "JWT token is invalid or malformed.";
        50049 NoSuchInstanceForDiscovery: invalid_instance, invalid_instance =>
            "Unknown or invalid instance.";
        50050 MalformedDiscoveryRequest: invalid_request, invalid_request =>
            "The request is malformed.";
        50058 UserInformationNotProvided: login_required, invalid_grant =>
            "A silent sign-in request was sent but no user is signed in.";
        // The name is ours, and `error` unconfirmed.
        70044 SessionOlderThanSignInFrequency: login_required, invalid_grant =>
            "The session has expired or is invalid due to sign-in frequency checks by conditional access.";
        // Comes with 429 and `Retry-After`; `error` is unconfirmed.
        90055 TenantThrottlingError: temporarily_unavailable, temporarily_unavailable =>
            "There are too many incoming requests. This exception is thrown for blocked tenants.";
        50059 MissingTenantRealmAndNoUserInformationProvided: invalid_request, invalid_request =>
            "No tenant-identifying information found in either the request or implied by any provided credentials.";
        70000 InvalidGrant: invalid_request, invalid_grant =>
            "The provided value for the 'code' parameter is not valid.";
        70003 UnsupportedGrantType: invalid_request, unsupported_grant_type =>
            "The app requested an unsupported grant type '{name}'.";
        70005 UnsupportedResponseType: unsupported_response_type, invalid_request =>
            "The WS-Federation or OAuth2 response_type '{name}' is not supported.";
        70007 UnsupportedResponseMode: invalid_request, invalid_request =>
            "'{name}' is not a supported value of 'response_mode' here.";
        70011 InvalidScope: invalid_scope, invalid_scope =>
            "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid. .default \
             scope can't be combined with resource-specific scopes.";
        90023 InvalidRequest: invalid_request, invalid_request =>
            "The request is not valid.";
        165000 SignInIsOver: invalid_request, invalid_request =>
            "This sign-in is over. Go back to the application and start again.";
        500112 ReplyAddressMismatch: invalid_request, invalid_client =>
            "The reply address does not match the one provided when requesting Authorization code.";
        501491 InvalidCodeChallengeMethod: invalid_request, invalid_request =>
            "The 'code_challenge_method' must be 'S256'.";
        650053 ScopeDoesNotExist: invalid_client, invalid_client =>
            "The application '{appName}' asked for scope '{scope}' that doesn't exist on the resource \
             '00000003-0000-0000-c000-000000000000'.";
        700021 ClientAssertionOfAnotherClient: invalid_client, invalid_client =>
            "Client assertion application identifier doesn't match 'client_id' parameter.";
        700023 ClientAssertionAudience: invalid_client, invalid_client =>
            "Client assertion audience claim does not match Realm issuer. Review the documentation at \
             https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials.";
        700024 ClientAssertionTimeRange: invalid_client, invalid_client =>
            "Client assertion is not within its valid time range.";
        700054 ResponseTypeNotEnabled: unsupported_response_type, invalid_request =>
            "response_type '{name}' is not enabled for the application.";
        900144 MissingParameter: invalid_request, invalid_request =>
            "The request body must contain the following parameter: '{name}'.";
        1002012 ClientCredentialScope: invalid_scope, invalid_scope =>
            "The provided value for scope is not valid. Client credential flows must have a scope value with /.default \
             suffixed to the resource identifier (application ID URI).";
        9000411 DuplicateParameter: invalid_request, invalid_request =>
            "The request is not properly formatted. The parameter '{name}' is duplicated.";
        9002313 MalformedRequest: invalid_request, invalid_grant =>
            "Invalid request. Request is malformed or invalid.";
    }

    /// What is told with a number that has no row: as little as can be.
    UNLISTED {
        0 Unlisted: access_denied, invalid_grant =>
            "Something is in the way that has no row here.";
    }
}
